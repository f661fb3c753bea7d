"""Operators that no finite index formula states: inverse, solve, determinant, Cholesky ..."""

from mathdl.primitives.cholesky import cholesky_factor
from mathdl.primitives.determinant import (
    determinant,
    log_determinant,
    sign_of_determinant,
)
from mathdl.primitives.eigen import eigenvalues, eigenvectors
from mathdl.primitives.exponential import exponential
from mathdl.primitives.inverse import inverse, kind_of, solution
from mathdl.primitives.pseudoinverse import pseudoinverse
from mathdl.primitives.registry import Primitive, lookup_primitive, primitives

__all__ = [
    "Primitive", "cholesky_factor", "determinant", "eigenvalues", "eigenvectors", "exponential",
    "inverse", "kind_of", "log_determinant", "lookup_primitive", "primitives", "pseudoinverse",
    "sign_of_determinant", "solution",
]
