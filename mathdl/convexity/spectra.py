"""Functions of eigenvalues or of singular values that do not depend on their order."""

from __future__ import annotations

from typing import Any

from mathdl.convexity.analysis import Analysis
from mathdl.convexity.kernels import definite
from mathdl.convexity.nature import Nature, nature
from mathdl.ir.build import ranges_of
from mathdl.ir.index import out_indices
from mathdl.ir.system import depends_on, rewrite, topological
from mathdl.ir.tensor import Tensor, input_tensor
from mathdl.language.functions import FUNCTIONS

EIGENVALUES = "a symmetric function of eigenvalues, convex in these [Davis 1957]"
SINGULAR = (
    "a symmetric function of singular values, convex in these whatever their signs [Lewis 1995]")


def by_spectral_function(analysis: Analysis, tensor: Tensor) -> Nature | None:
    """A function of one spectrum, of an affine matrix, as a function of its values."""
    below = [t for t in topological([tensor]) if analysis.moves(t)]
    spectra = [t for t in below if t.call is not None]
    if len(spectra) != 1 or spectra[0].ndim != 1:
        return None
    (spectrum,) = spectra
    call = spectrum.call
    matrix = call.operands[0].tensor if call is not None else spectrum
    if call is None or call.primitive not in ("eigvalsh", "svdvals"):
        return None
    if not analysis.nature(matrix).affine or not is_symmetric(tensor, spectrum):
        return None
    singular = call.primitive == "svdvals"
    sign = {"positive": ["positive"], "semi": ["nonnegative"]}.get(
        definite(analysis, matrix) or "", [])
    values = input_tensor("its spectrum", spectrum.shape, [] if singular else sign)
    stands = FUNCTIONS["abs"](values) if singular else values
    (function,) = rewrite([tensor], replace={spectrum: stands})
    if depends_on([function], analysis.variables):
        return None
    found = Analysis([function], [values], analysis.attempts).nature(function)
    if not found.known:
        return None
    law = SINGULAR if singular else EIGENVALUES
    return nature(found.range, found.convex, found.concave, up=found.up, down=found.down).by(
        *found.laws, law)


def is_symmetric(tensor: Tensor, values: Tensor) -> bool:
    """Whether a number does not change when the entries of ``values``, a vector, do places.

    Each quantity between has one entry for each value, made of it in the same way, or does not
    depend on their order.
    """
    axes: dict[int, int | None] = {id(values): 0}
    for t in topological([tensor], axes.keys()):
        if not depends_on([t], [values]):
            continue
        equation = t.definition
        if equation is None:
            return False
        read = {
            a.index[axes[id(a.tensor)] or 0] for a in equation.operands
            if axes.get(id(a.tensor)) is not None
        }
        if len(read) > 1 or any(not s.is_Symbol for s in read):
            return False
        if read and not _reads_alike(t, next(iter(read)), axes):
            return False
        place = [k for k, s in enumerate(out_indices(t.ndim)) if s in read]
        axes[id(t)] = place[0] if place else None
    return axes.get(id(tensor), 0) is None


def _reads_alike(tensor: Tensor, symbol: Any, axes: dict[int, int | None]) -> bool:
    """Whether an index over the values is used for these alone, and over all of them."""
    equation = tensor.equation
    others = [
        e for a in equation.operands for k, e in enumerate(a.index)
        if symbol in e.free_symbols and axes.get(id(a.tensor)) != k
    ]
    whole = all(
        ranges_of(tensor)[symbol] == a.tensor.shape[k] for a in equation.operands
        for k, e in enumerate(a.index) if e == symbol
    )
    return whole and symbol not in equation.body.free_symbols and not others
