"""Operators that no finite index formula states: inverse, solve, determinant, Cholesky ..."""
