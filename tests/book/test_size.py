"""The measure of length: the operators of a text."""

from __future__ import annotations

import pytest

from mathdl.book import operators
from mathdl.errors import ParseError


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x", 0), ("-x", 1), ("2*x", 1), ("-2*x", 1), ("X.T @ (P - Y)/n", 4), ("x**2", 1),
        ("sum(D, axis=0)", 1), ("D[:, None]", 1), ("h[t]", 0), ("h[t - 1]", 1),
        ("D = X - Y; D @ D", 2), ("P = softmax(X @ W); P - Y", 3),
        ("Z[i<n, j<m] = sum[k<d](A[i, k]*B[k, j]); Z", 2), ("where(i < j, x, -y)", 3),
        ("l[T] = g; l[t<T] = A.T @ l[t+1]; l", 3), ('einsum("ij,jk->ik", A, B)', 1),
    ],
)
def test_operators_are_counted(text: str, count: int) -> None:
    assert operators(text) == count


def test_given_definitions_are_not_counted() -> None:
    assert operators("P = softmax(X @ W); P - Y", given={"P"}) == 1


def test_text_that_is_none_is_refused() -> None:
    with pytest.raises(ParseError, match="not text of the language"):
        operators("2*")
