"""Kinds of numbers in which equations are evaluated: many digits, residues, duals."""
