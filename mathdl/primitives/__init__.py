"""Operators that no finite index formula states: inverse, solve, determinant, Cholesky ..."""

from mathdl.primitives.cholesky import cholesky_factor
from mathdl.primitives.determinant import (
    determinant,
    log_determinant,
    sign_of_determinant,
)
from mathdl.primitives.eigen import eigenvalues, eigenvectors
from mathdl.primitives.exponential import exponential
from mathdl.primitives.gaps import inverse_gaps, inverse_sums
from mathdl.primitives.inverse import inverse, kind_of, solution
from mathdl.primitives.least_squares import nearest
from mathdl.primitives.pseudoinverse import pseudoinverse
from mathdl.primitives.registry import Primitive, lookup_primitive, primitives
from mathdl.primitives.singular import (
    inverse_values,
    left_vectors,
    right_vectors,
    singular_values,
)

__all__ = [
    "Primitive", "cholesky_factor", "determinant", "eigenvalues", "eigenvectors", "exponential",
    "inverse", "inverse_gaps", "inverse_sums", "inverse_values", "kind_of", "left_vectors",
    "log_determinant", "lookup_primitive", "nearest", "primitives", "pseudoinverse",
    "right_vectors", "sign_of_determinant", "singular_values", "solution",
]
