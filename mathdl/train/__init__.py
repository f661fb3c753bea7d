"""Training networks with generated code."""
