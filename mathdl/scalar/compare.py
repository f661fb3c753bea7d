"""Comparisons as numbers: 1 where they hold and 0 elsewhere (Iverson's bracket), and selection.

Their derivative is zero wherever it exists; the jump carries no gradient.  They are used both
on values (``where(x > 0, ...)``) and on index symbols (``tril``: ``x[i, j] * le(j, i)``).
"""

from __future__ import annotations

from typing import Any

from sympy import Eq, Ge, Gt, Integer, Le, Lt, Ne, Piecewise, S

from mathdl.scalar.declare import declare

_IVERSON = "Iverson's bracket; Graham, Knuth & Patashnik, Concrete Mathematics, 2.1"


def _zero(*_: Any) -> Any:
    return S.Zero


def _comparison(name: str, relation: Any, ufunc: str, sign: str) -> Any:
    head = declare(
        name,
        arity=2,
        definition=lambda a, b: Piecewise((1, relation(a, b)), (0, True)),
        derivative=(_zero, _zero),
        nonnegative=True,
        latex=rf"\left[{{0}} {sign} {{1}}\right]",
        kinks=(0.0,),
        subgradient="zero: the jump carries no gradient",
        ufunc=ufunc,
        analytic=False,
        reference=_IVERSON,
        in_language=False,
    )

    def evaluate(cls: Any, a: Any, b: Any) -> Any:
        if a.is_number and b.is_number:
            return Integer(1) if relation(a, b) == S.true else Integer(0)
        if a == b:
            return Integer(1) if relation(Integer(0), Integer(0)) == S.true else Integer(0)
        return None

    head.eval = classmethod(evaluate)
    head._eval_power = lambda self, n: self if n.is_positive else None
    return head


gt = _comparison("gt", Gt, "np.greater", ">")
ge = _comparison("ge", Ge, "np.greater_equal", r"\ge")
lt = _comparison("lt", Lt, "np.less", "<")
le = _comparison("le", Le, "np.less_equal", r"\le")
eq = _comparison("eq", Eq, "np.equal", "=")
ne = _comparison("ne", Ne, "np.not_equal", r"\ne")

COMPARISONS = (gt, ge, lt, le, eq, ne)
OPPOSITE = {gt: le, le: gt, ge: lt, lt: ge, eq: ne, ne: eq}

where: Any = declare(
    "where",
    arity=3,
    definition=lambda c, a, b: Piecewise((a, Ne(c, 0)), (b, True)),
    derivative=(_zero, lambda c, a, b: where(c, 1, 0), lambda c, a, b: where(c, 0, 1)),
    latex=r"\begin{{cases}} {1} & {0} \\ {2} & \text{{otherwise}} \end{{cases}}",
    domain=((0.25, 1.0), (-4.0, 4.0), (-4.0, 4.0)),
    ufunc="np.where",
    reference="NumPy, numpy.where",
    in_language=False,
)


def _select(cls: Any, c: Any, a: Any, b: Any) -> Any:
    if a == b:
        return a
    if c.is_number:
        return b if c == 0 else a
    if a == 1 and b == 0 and isinstance(c, COMPARISONS):
        return c
    return None


where.eval = classmethod(_select)


def _differentiate_selected(self: Any, s: Any) -> Any:
    c, a, b = self.args
    return where(c, a.diff(s), b.diff(s))


where._eval_derivative = _differentiate_selected
