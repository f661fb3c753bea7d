"""``curvature(expr, wrt)``: convex, concave, affine, constant or unknown, with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mathdl.convexity.analysis import SETS, Analysis, by_spectrum
from mathdl.convexity.gaps import by_gaps
from mathdl.convexity.hessian import by_hessian
from mathdl.convexity.kernels import by_determinant, summed_products
from mathdl.convexity.nature import Nature
from mathdl.convexity.perspective import by_perspective, by_scalar_perspective
from mathdl.convexity.scalars import by_minors, by_opening, by_pieces
from mathdl.convexity.spectra import by_spectral_function
from mathdl.differentiate import free_variables, restored
from mathdl.ir.assumptions import closure
from mathdl.ir.system import rewrite, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.pointwise import as_tensor
from mathdl.present.text import to_text
from mathdl.request import Wrt, name_of, resolve_wrt

ATTEMPTS = (
    by_spectrum, by_determinant, summed_products, by_opening, by_pieces, by_minors, by_perspective,
    by_gaps, by_spectral_function, by_scalar_perspective,
)
MAX_SHOWN = 60


@dataclass(frozen=True, eq=False)
class Curvature:
    """What is proved of an expression as a function of the variables, of all of them jointly.

    ``kind`` is ``affine``, ``convex``, ``concave``, ``constant`` or ``unknown``; ``reason`` has
    the rules that were applied, each with its law, or where they end.  It is compared with a
    string by its kind, and true unless that is ``unknown``.
    """

    kind: str
    reason: str
    wrt: tuple[str, ...]

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Curvature):
            return (self.kind, self.reason, self.wrt) == (other.kind, other.reason, other.wrt)
        return self.kind == other if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.kind)

    def __bool__(self) -> bool:
        return self.kind != "unknown"

    def __str__(self) -> str:
        return f"{self.kind} in {', '.join(self.wrt)}\n{self.reason}"


def curvature(expr: Any, wrt: Wrt) -> Curvature:
    """The curvature of every entry of ``expr`` in the variables jointly.

    By the rules of disciplined convex programming on the equations of ``expr``, where parameters
    have the signs that are assumed of them, and, where these are silent, by the form of the
    Hessian.  The domain is the convex set that is assumed of the variables (``positive``,
    ``probability_vector``, ``positive_definite``, ...), within where the expression is defined.
    What is not proved is ``unknown``.

    Boyd and Vandenberghe, Convex Optimization, ch. 3; Grant, Boyd and Ye, Disciplined Convex
    Programming, 2006.  Raises ``NamingError`` for a name that is not in the expression.
    """
    expr = as_tensor(expr)
    targets, _ = resolve_wrt([expr], wrt)
    free, variables, declared = free_variables([expr], targets)
    (free[0],) = restored(free, declared)
    variables = [declared.get(v, v) for v in variables]
    convex = {
        v: input_tensor(v.name or "", v.shape, closure(v.assume) & SETS) for v in variables
    }
    (expr,) = rewrite(free, replace=convex)
    analysis = Analysis([expr], list(convex.values()), ATTEMPTS)
    found = analysis.nature(expr)
    if not found.known:
        found = by_hessian(analysis, expr) or found
    kind = found.kind if analysis.moves(expr) else "constant"
    return Curvature(kind, _reason(analysis, expr, found), tuple(map(name_of, targets)))


# -- the reason --------------------------------------------------------------------------------


def _reason(analysis: Analysis, expr: Tensor, found: Nature) -> str:
    """One line for each quantity at which a law was used; or the first that no law covers."""
    if not analysis.moves(expr):
        return "it does not depend on the variables"
    lines = []
    for tensor in topological([expr]):
        nature = found if tensor is expr else analysis.nature(tensor)
        if not analysis.moves(tensor) or tensor.is_input:
            continue
        if not found.known and (tensor is expr or not (nature.known or nature.laws)):
            return f"{shown(tensor)}: {nature.blame or 'no rule applies'}"
        if nature.laws:
            lines.append(f"{shown(tensor)} is {_kind(nature)}: {'; '.join(nature.laws)}")
    if found.affine and not lines:
        return "sums and products with constants alone"
    return "\n".join(lines)


def _kind(nature: Nature) -> str:
    if nature.known:
        return nature.kind
    return "a power of a concave function" if nature.down is None else "log-concave"


def shown(tensor: Tensor) -> str:
    text = to_text(tensor).rsplit("; ", 1)[-1]
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
