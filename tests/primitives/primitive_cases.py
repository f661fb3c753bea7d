"""One line for every primitive and kind of matrix: expression, shapes, assumptions, reference.

The reference is NumPy's on one matrix; a primitive without a line fails ``test_every_primitive``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

import mathdl as md
from mathdl.language.functions import FUNCTIONS


@dataclass(frozen=True)
class Case:
    """A call ``text`` whose first operand is ``A`` (and whose second is ``B``)."""

    primitive: str
    text: str
    reference: Callable[..., Any]
    shapes: str = "A: n n"
    assume: str = ""
    analytic: bool = False

    @property
    def id(self) -> str:
        return f"{self.text} {self.shapes} {self.assume}".strip()

    def expr(self, shapes: str = "") -> md.Tensor:
        """The call on tensors of these shapes."""
        tensors = {
            name: md.tensor(name, " ".join(dims), assume=self.assume if name == "A" else "")
            for name, dims in operands(shapes or self.shapes)
        }
        result: md.Tensor = eval(self.text, {**FUNCTIONS, **tensors})
        return result

    def arrays(self, rng: np.random.Generator, **sizes: int) -> dict[str, Any]:
        return {
            name: matrix(rng, tuple(sizes[d] for d in dims), self.assume if name == "A" else "-")
            for name, dims in self.operands()
        }

    def operands(self) -> list[tuple[str, list[str]]]:
        return list(operands(self.shapes))


def operands(shapes: str) -> Iterator[tuple[str, list[str]]]:
    """Names and dims in ``A: n n; B: n m``."""
    for part in shapes.split(";"):
        name, _, dims = part.partition(":")
        yield name.strip(), dims.split()


def matrix(rng: np.random.Generator, shape: tuple[int, ...], assume: str) -> Any:
    """A well-conditioned matrix, or a stack of them, that is what is assumed of it."""
    x = rng.normal(size=shape)
    if assume == "-" or shape[-1] != shape[-2]:
        return x
    n = shape[-1]
    if assume == "positive_definite":
        return x @ np.swapaxes(x, -1, -2) / n + np.eye(n)
    if assume == "lower_triangular":
        return np.tril(x, -1) / n + np.eye(n) * (1 + rng.uniform(size=(*shape[:-1], 1)))
    if assume == "symmetric":
        q = np.linalg.qr(x)[0]
        return q * np.linspace(-1.0, 2.0, n) @ np.swapaxes(q, -1, -2)
    return x / np.sqrt(n) + 2 * np.eye(n)


def log_abs_det(a: Any) -> Any:
    return np.linalg.slogdet(a)[1]


def reciprocals(w: Any, sign: int) -> Any:
    """``1/(w[j] + sign w[i])`` off the diagonal and 0 on it."""
    pairs = w + sign * w[:, None]
    return np.where(np.eye(len(w)), 0, 1 / np.where(np.eye(len(w)), 1, pairs))


def thin_svd(a: Any) -> Any:
    return np.linalg.svd(a, full_matrices=False)


def inverse_values(a: Any) -> Any:
    return thin_svd(a)[1] ** -1.0 * (a.shape[0] > a.shape[1])


CASES = [
    *(
        Case(primitive, f"{primitive}(A)", reference, assume=assume, analytic=analytic)
        for primitive, reference, analytic in (
            ("inv", np.linalg.inv, True),
            ("det", np.linalg.det, True),
            ("logdet", log_abs_det, False),
        )
        for assume in ("", "positive_definite", "lower_triangular")
    ),
    *(
        Case("solve", "solve(A, B)", np.linalg.solve, "A: n n; B: n m", assume, analytic=True)
        for assume in ("", "positive_definite", "lower_triangular")
    ),
    Case("cholesky", "cholesky(A)", np.linalg.cholesky, assume="positive_definite"),
    *(
        Case("signdet", "slogdet(A)[0]", lambda a: np.linalg.slogdet(a)[0], assume=assume)
        for assume in ("", "positive_definite")
    ),
    Case("expm", "expm(A)", scipy.linalg.expm, analytic=True),
    Case("eigvalsh", "eigh(A)[0]", np.linalg.eigvalsh, assume="symmetric"),
    Case("eigvecsh", "eigh(A)[1]", lambda a: np.linalg.eigh(a)[1], assume="symmetric"),
    Case("inverse_gaps", "inverse_gaps(eigvalsh(A))",
         lambda a: reciprocals(np.linalg.eigvalsh(a), -1), assume="symmetric"),
    Case("inverse_sums", "inverse_sums(svdvals(A))",
         lambda a: reciprocals(thin_svd(a)[1], 1), "A: n m"),
    *(
        Case(primitive, text, reference, shapes)
        for shapes in ("A: n m", "A: m n", "A: n n")
        for primitive, text, reference in (
            ("svdvals", "svdvals(A)", lambda a: thin_svd(a)[1]),
            ("svd_u", "svd(A)[0]", lambda a: thin_svd(a)[0]),
            ("svd_vh", "svd(A)[2]", lambda a: thin_svd(a)[2]),
            ("inverse_values", "inverse_values(svdvals(A), svd_u(A))", inverse_values),
        )
    ),
    *(
        Case("lstsq", "lstsq(A, B)", lambda a, b: np.linalg.lstsq(a, b)[0], shapes)
        for shapes in ("A: n m; B: n k", "A: m n; B: m k", "A: n n; B: n k")
    ),
    Case("pinv", "pinv(A)", np.linalg.pinv, "A: n m"),
]
