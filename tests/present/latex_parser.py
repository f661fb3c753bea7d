r"""A reader of the LaTeX that results are printed in: formulas as trees of tuples.

It knows the notation and nothing of the engine.  ``Unreadable`` is raised for what it does not
know, and for what would not be clear to a reader.
"""

from __future__ import annotations

import re
from typing import Any

import latex_tokens as words
from latex_tokens import FUNCTIONS, RELATIONS, Tree, Unreadable, plain


class Parser:
    """``names`` are those that have a meaning, without fonts."""

    def __init__(self, latex: str, names: set[str]) -> None:
        self.tokens = [t for t in words.TOKEN.findall(latex) if t not in words.SPACE]
        self.names = names
        self.at = 0

    def peek(self, ahead: int = 0) -> str:
        return self.tokens[self.at + ahead] if self.at + ahead < len(self.tokens) else ""

    def next(self) -> str:
        if self.at >= len(self.tokens):
            raise Unreadable("the formula ends too early")
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, *tokens: str) -> None:
        for token in tokens:
            found = self.next()
            if found != token:
                raise Unreadable(f"{found!r} where {token!r} was expected")

    def whole(self) -> Tree:
        tree = self.relation()
        if self.peek():
            raise Unreadable(f"{self.peek()!r} cannot be read here")
        return tree

    # -- by precedence -------------------------------------------------------------------------

    def relation(self) -> Tree:
        left = self.sum()
        if self.peek() in RELATIONS:
            sign = RELATIONS[self.next()]
            return ("compare", sign, left, self.sum())
        return left

    def sum(self) -> Tree:
        terms = []
        sign = 1
        if self.peek() == "-":
            self.next()
            sign = -1
        terms.append((sign, self.term()))
        while self.peek() in ("+", "-"):
            sign = 1 if self.next() == "+" else -1
            terms.append((sign, self.term()))
        return terms[0][1] if terms == [(1, terms[0][1])] else ("add", terms)

    def term(self) -> Tree:
        """Factors side by side: matrix products and scalars, and entrywise products."""
        result = self.factor()
        while self.peek():
            if self.peek() == r"\odot":
                self.next()
                result = ("entrywise", result, self.factor())
            elif self.peek() == r"\otimes":
                self.next()
                result = ("kron", result, self.factor())
            elif self.peek() == r"\bmod":
                self.next()
                result = ("mod", result, self.factor())
            elif self.peek() == r"\cdot":
                self.next()
                result = ("times", result, self.factor())
            elif self.starts_factor():
                result = ("times", result, self.factor())
            else:
                break
        return result

    def starts_factor(self) -> bool:
        token = self.peek()
        return bool(token) and token not in words.ENDS and token not in RELATIONS and not (
            token.startswith(r"\end"))

    def factor(self) -> Tree:
        """An atom with its subscripts and exponents."""
        tree = self.atom()
        while self.peek() in ("^", "_"):
            if self.next() == "_":
                tree = self.subscript(tree)
            else:
                tree = self.exponent(tree)
        return tree

    def exponent(self, base: Tree) -> Tree:
        if self.peek() == r"\top":
            self.next()
            return ("transpose", base)
        self.expect("{")
        if self.peek() == "-" and self.peek(1) == r"\top":
            self.expect("-", r"\top", "}")
            return ("transpose", ("inverse", base))
        if self.peek() == "-" and self.peek(1) == "1" and self.peek(2) == "}":
            self.expect("-", "1", "}")
            return ("inverse", base)
        if self.peek() == r"\circ":
            self.next()
            kind = "entrywise power"
        else:
            kind = "power"
        inner = self.sum()
        if self.peek() == "/":
            self.next()
            inner = ("fraction", inner, self.sum())
        self.expect("}")
        return (kind, base, inner)

    def subscript(self, base: Tree) -> Tree:
        if self.peek() != "{":  # the norm's
            return ("index", base, [("item", self.atom())])
        self.expect("{")
        items = []
        if self.peek() == "[":  # new axes
            self.next()
            while self.peek() != "]":
                items.append(("new",) if self.next() == r"\cdot" else ("all",))
                if self.peek() == ",":
                    self.next()
            self.expect("]", "}")
            return ("axes", base, items)
        while self.peek() != "}":
            items.append(self.item())
            if self.peek() == ",":
                self.next()
        self.expect("}")
        return ("index", base, items)

    def item(self) -> Tree:
        parts: list[Tree | None] = [None]
        while self.peek() not in (",", "}"):
            if self.peek() == ":":
                self.next()
                parts.append(None)
            else:
                parts[-1] = self.relation()
        return ("item", parts[0]) if len(parts) == 1 else ("slice", *parts)

    # -- atoms ---------------------------------------------------------------------------------

    def atom(self) -> Tree:
        token = self.next()
        if re.fullmatch(r"\d.*", token):
            return ("number", float(token))
        if token == "{":
            inner = self.sum()
            self.expect("}")
            return inner
        if token == "(":
            inner = self.sum()
            self.expect(")")
            return inner
        if token == r"\left":
            return self.bracket()
        if token == r"\frac":
            return ("fraction", self.group(), self.group())
        if token == r"\sqrt":
            return ("call", "sqrt", None, [self.group()])
        if token in (r"\sum", r"\prod", r"\max", r"\min") and self.peek() == "_":
            return self.reduction(token)
        if token == r"\delta" and self.peek() == "_":
            self.expect("_", "{")
            left = self.sum()
            self.expect(",")
            right = self.sum()
            self.expect("}")
            return ("compare", "==", left, right)
        if token.startswith(r"\begin"):
            return self.environment(token)
        if token.startswith(r"\operatorname") or (token in FUNCTIONS and self.applied()):
            return self.call(token)
        if token == "e" and self.peek() == "^" and "e" not in self.names:
            self.next()
            return ("call", "exp", None, [self.group()])
        return self.name(token)

    def group(self) -> Tree:
        self.expect("{")
        inner = self.sum()
        self.expect("}")
        return inner

    def applied(self) -> bool:
        """Whether a function's argument or another function comes next."""
        k = 0
        if self.peek() == "^":  # the order of a polygamma function
            while self.peek(k) != "}":
                k += 1
            k += 1
        bracket = self.peek(k) == r"\left" and self.peek(k + 1) == "("
        braced = self.peek(k) == "{" and self.peek(k + 1) == r"\left"
        return bracket or braced or self.peek(k) in FUNCTIONS or self.peek(k).startswith(
            r"\operatorname")

    def call(self, token: str) -> Tree:
        found = re.fullmatch(r"\\operatorname\{(.*?)\}(.*)", token)
        name = (found[1] + found[2] if found else token[1:]).replace("\\", "")
        option: Any = None
        if self.peek() in ("_", "^"):
            self.next()
            self.expect("{")
            if self.peek() == r"\mathrm":
                self.expect(r"\mathrm", "{", "a", "x", "i", "s", "}")
                option = []
                while self.peek() != "}":
                    option.append(int(self.next()))
                    if self.peek() == ",":
                        self.next()
            else:
                option = self.sum()
            self.expect("}")
        if self.peek() in FUNCTIONS or self.peek().startswith(r"\operatorname"):
            inner = self.call(self.next())
            return ("call", f"{name} {inner[1]}", inner[2], inner[3])
        braced = self.peek() == "{"
        if braced:
            self.next()
        self.expect(r"\left", "(")
        arguments = []
        while self.peek() != r"\right":
            arguments.append(self.argument())
            if self.peek() == ",":
                self.next()
        self.expect(r"\right", ")")
        if braced:
            self.expect("}")
        return ("call", name, option, arguments)

    def argument(self) -> Tree:
        """A formula, ``(1, 0, 2)``, or ``padding=(1, 2)``."""
        if self.peek() == r"\mathrm":
            self.expect(r"\mathrm", "{")
            word = ""
            while self.peek() != "}":
                word += self.next()
            self.expect("}", "=")
            return ("keyword", word, self.argument())
        if self.peek() == "(" or (self.peek() == r"\left" and self.peek(1) == "("):
            start = self.at
            self.at += 1 if self.peek() == "(" else 2
            items = []
            while re.fullmatch(r"\d+", self.peek()):
                items.append(int(self.next()))
                if self.peek() == ",":
                    self.next()
            if len(items) > 1 and self.peek() in (")", r"\right"):
                self.at += 1 if self.peek() == ")" else 2
                return ("list", items)
            self.at = start
        return self.relation()

    def bracket(self) -> Tree:
        opening = self.next()
        if opening == "(":
            inner = self.relation()
            self.expect(r"\right", ")")
            return ("bracket", inner)
        if opening == "|":
            inner = self.sum()
            self.expect(r"\right", "|")
            return ("call", "abs", None, [inner])
        if opening == r"\lVert":
            inner = self.sum()
            self.expect(r"\right", r"\rVert", "_")
            return ("call", f"norm{self.next()}", None, [inner])
        if opening == r"\lfloor":
            inner = self.sum()
            self.expect(r"\right", r"\rfloor")
            return ("call", "floor", None, [inner])
        if opening == "[":
            inner = chain = self.relation()
            if self.peek() == ",":
                items = [inner]
                while self.peek() == ",":
                    self.next()
                    items.append(self.relation())
                self.expect(r"\right", "]")
                return ("series", items)
            while self.peek() in RELATIONS:  # 0 <= i < n
                sign = RELATIONS[self.next()]
                last = self.sum()
                chain = ("both", chain, ("compare", sign, inner[3], last))
            self.expect(r"\right", "]")
            if self.peek() == "_":
                self.expect("_", "{")
                letters = []
                while self.peek() != "}":
                    letters.append(self.next())
                    if self.peek() == ",":
                        self.next()
                self.expect("}")
                return ("array", inner, letters)
            if inner[0] != "compare":
                raise Unreadable("square brackets around what is no relation")
            return ("indicator", chain)
        raise Unreadable(f"the bracket {opening!r}")

    def reduction(self, token: str) -> Tree:
        self.expect("_", "{")
        first = self.sum() if token in (r"\max", r"\min") else ("name", self.next())
        if token in (r"\max", r"\min"):
            self.expect(r"\le")
            letter = self.next()
            self.expect("<")
            until: Tree | None = ("add", [(1, self.sum()), (-1, ("number", 1.0))])
            self.expect("}")
            return ("reduce", token[1:], letter, first, until, self.term())
        letters = [first[1]]
        while self.peek() == ",":
            self.next()
            letters.append(self.next())
        if self.peek() == "}":  # within an array of entries: along whole axes
            self.next()
            return ("contract", letters, self.term())
        self.expect("=")
        start = self.sum()
        self.expect("}", "^")
        until = self.group()
        return ("reduce", token[1:], letters[0], start, until, self.term())

    def environment(self, begin: str) -> Tree:
        rows: list[list[Tree]] = [[]]
        while not self.peek().startswith(r"\end"):
            if self.peek() == r"\text":
                self.expect(r"\text", "{", *"otherwise", "}")
                rows[-1].append(("otherwise",))
            else:
                rows[-1].append(self.relation())
            if self.peek() == "&":
                self.next()
            elif self.peek() == r"\\":
                self.next()
                rows.append([])
        self.next()
        if begin == r"\begin{cases}":
            return ("cases", rows)
        if begin == r"\begin{bmatrix}":
            return ("blocks", rows)
        raise Unreadable(begin)

    def name(self, token: str) -> Tree:
        """A letter in some font, with a subscript when that belongs to the name."""
        text = token
        bold = token == r"\mathbf" and self.peek(1) in ("0", "1", "I") and self.peek(2) == "}"
        if token in (*words.FONTS, *words.ACCENTS):
            text += self.raw()
        elif not (re.fullmatch("[A-Za-z]", token) or words.GREEK.match(token)):
            raise Unreadable(f"{token!r} is no name")
        if bold:
            digit = plain(text)
            sizes = self.sizes() if self.peek() == "_" else None
            return ("filled", digit, sizes)
        if self.peek() == "_":
            start = self.at
            self.next()
            longer = f"{text}_{self.raw()}" if self.peek() == "{" else ""
            if plain(longer) in self.names and longer:
                return ("name", plain(longer))
            self.at = start
        return ("name", plain(text))

    def raw(self) -> str:
        """A group as it stands."""
        self.expect("{")
        level, text = 1, "{"
        while level:
            token = self.next()
            level += (token == "{") - (token == "}")
            text += token
        return text

    def sizes(self) -> list[Tree]:
        self.expect("_", "{")
        found = [self.sum()]
        while self.peek() == r"\times":
            self.next()
            found.append(self.sum())
        self.expect("}")
        return found
