"""Numbers of many digits, by mpmath."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import sympy

from mathdl.errors import DomainError
from mathdl.proof.evaluate import Array
from mathdl.verify.numbers.linear import stacked
from mathdl.verify.numbers.objects import ObjectNumbers

#: Beyond it ``exp`` of a number is too long to write down in any precision.
FAR = 1e30
#: Entries of a matrix beyond which its exponential takes too many terms.
STEEP = 1e3


def _real(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that is refused where its value is not a finite real number."""

    def call(*arguments: Any) -> Any:
        try:
            value = function(*arguments)
        except (ValueError, ZeroDivisionError, OverflowError) as error:
            raise DomainError(f"no finite real number: {error}") from None
        if isinstance(value, mpmath.mpc) or not mpmath.isfinite(value):
            raise DomainError("no finite real number")
        return value

    return call


def _near(function: Callable[..., Any], far: Any = FAR) -> Callable[..., Any]:
    def call(x: Any) -> Any:
        if abs(x) > far:
            raise DomainError(f"an exponential of {mpmath.nstr(x, 5)}")
        return function(x)

    return call


_NAMES = ("log", "sin", "cos", "tan", "asin", "acos", "atan", "erf", "erfc", "loggamma", "sign")
FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{name: _real(getattr(mpmath, name)) for name in _NAMES},
    **{name: _real(_near(getattr(mpmath, name))) for name in ("exp", "sinh", "cosh")},
    "tanh": mpmath.tanh,
    "polygamma": _real(lambda n, x: mpmath.psi(int(n), x)),
    "besseli": _real(lambda n, x: _near(lambda y: mpmath.besseli(int(n), y))(x)),
    # of quotients of integers: 5/3 + 1/3 is 2
    "floor": lambda x: mpmath.floor(x + mpmath.mpf(10) ** -20),
    "Mod": lambda a, b: a - b * mpmath.floor(a / b + mpmath.mpf(10) ** -20),
    "Abs": abs,
}


class Digits(ObjectNumbers):
    """Numbers of ``digits`` decimal digits; work inside ``with numbers.at_work():``."""

    kind = mpmath.mpf
    functions = FUNCTIONS

    def __init__(self, digits: int) -> None:
        super().__init__()
        self.digits = digits

    def at_work(self) -> Any:
        return mpmath.workdps(self.digits)

    def constant(self, value: Any) -> Any:
        with self.at_work():
            if value.is_Rational:
                return mpmath.mpf(int(value.p)) / int(value.q)
            return +{sympy.pi: mpmath.pi, sympy.E: mpmath.e}[value]

    def lift(self, value: Any) -> Any:
        return value if isinstance(value, mpmath.mpf) else mpmath.mpf(
            int(value) if isinstance(value, (int, np.integer)) else float(value))

    def negligible(self, size: Any) -> Any:
        return size * mpmath.mpf(10) ** (-self.digits * 3 // 5)

    def power(self, base: Any, exponent: Any) -> Any:
        if exponent.q == 1:
            return _real(lambda: base ** int(exponent))()
        if exponent.q == 2:
            return _real(lambda: mpmath.sqrt(base) ** int(exponent.p))()
        return _real(lambda: mpmath.power(base, self.constant(exponent)))()

    def primitive(self, name: str) -> Callable[..., Any] | None:
        law = _SPECTRAL.get(name)
        return super().primitive(name) if law is None else lambda *given: law(self, *given)


_FAR_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **FUNCTIONS,
    **{name: _real(_near(getattr(mpmath, name), mpmath.mpf(10) ** 700))
       for name in ("exp", "sinh", "cosh")},
}


class FarDigits(Digits):
    """Numbers that have an exponential as far as the square of any float, at its cost."""

    functions = _FAR_FUNCTIONS


def _matrix(values: Array) -> Any:
    return mpmath.matrix(values.tolist())


def _entries(matrix: Any) -> Array:
    shape = matrix.rows, matrix.cols
    result = np.empty(shape, dtype=object)
    for place in np.ndindex(shape):
        result[place] = mpmath.mpf(matrix[place])
    return result


def _signs(vectors: Array, like: Array) -> Array:
    """Per column, the sign with which it points as a vector of floats does."""
    pointing = np.sum(vectors.astype(float) * like, axis=0)
    return np.array([mpmath.mpf(-1 if x < 0 else 1) for x in pointing], dtype=object)


def _eigenvectors(_: Any, a: Array) -> Array:
    """With the signs of NumPy."""
    vectors = _entries(mpmath.eigsy((_matrix(a) + _matrix(a.T)) / 2)[1])
    floats = a.astype(float)
    return np.asarray(vectors * _signs(vectors, np.linalg.eigh((floats + floats.T) / 2)[1]))


def _eigenvalues(_: Any, a: Array) -> Array:
    found = mpmath.eigsy((_matrix(a) + _matrix(a.T)) / 2, eigvals_only=True)
    return np.array(list(found), dtype=object)


def _singular(a: Array) -> tuple[Array, Array, Array]:
    """The thin decomposition, with the signs of NumPy."""
    u, s, vh = mpmath.svd_r(_matrix(a))
    left, right = _entries(u), _entries(vh)
    signs = _signs(left, np.linalg.svd(a.astype(float), full_matrices=False)[0])
    return left * signs, np.array(list(s), dtype=object), signs[:, None] * right


def _exponential(_: Any, a: Array) -> Array:
    if any(abs(x) > STEEP for x in a.flat):
        raise DomainError("an exponential of a large matrix")
    return _entries(mpmath.expm(_matrix(a), method="taylor"))


_SPECTRAL: dict[str, Callable[..., Array]] = {
    "eigvalsh": stacked(_eigenvalues, 2),
    "eigvecsh": stacked(_eigenvectors, 2),
    "svd_u": stacked(lambda _, a: _singular(a)[0], 2),
    "svdvals": stacked(lambda _, a: _singular(a)[1], 2),
    "svd_vh": stacked(lambda _, a: _singular(a)[2], 2),
    "expm": stacked(_exponential, 2),
}
