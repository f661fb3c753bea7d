"""How users write mathematics: operators, functions, the text parser."""
