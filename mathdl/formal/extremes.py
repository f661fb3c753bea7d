"""The greatest, the least and the product over axes: as terms, and how they are differentiated.

A normal form does not look into them.  The greatest has a derivative where one entry alone
attains it, which is a hypothesis of the certificate.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import Integer, Symbol

from mathdl.errors import UnsupportedError
from mathdl.formal.terms import Fold, fresh, nested
from mathdl.ir.dim import Dim
from mathdl.scalar.declare import lookup

Binders = Sequence[tuple[Any, Dim]]


class MAX(Fold):
    """The greatest."""


class MIN(Fold):
    """The least."""


class PROD(Fold):
    """The product."""


FOLDS = {"max": MAX, "min": MIN, "prod": PROD}
FOLDED = {MAX: "maxf", MIN: "minf", PROD: "prodf"}


def folded(reduce: str, body: Any, binders: Binders) -> Any:
    """The fold of a term over binders, the first one outermost, with names of their own."""
    if len(binders) > (1 if reduce == "prod" else 2):
        raise UnsupportedError(f"no certificate for {reduce} over so many axes at once")
    names = {s: Symbol(f"j_{k}", integer=True, nonnegative=True)
             for k, (s, _) in enumerate(binders)}
    found = body.xreplace(names)
    for symbol, dim in reversed(binders):
        found = FOLDS[reduce](dim, names[symbol], found)
    return found


def share(reduce: str, body: Any, whole: Any, binders: Binders) -> Any:
    """By what an entry's derivative is multiplied in that of the fold, which is ``whole``."""
    others = [(fresh(), dim) for _, dim in binders]
    renamed = dict(zip((s for s, _ in binders), (s for s, _ in others), strict=True))
    eq = lookup("eq").head
    if reduce == "prod":
        ((symbol, _),) = binders
        rest = lookup("where").head(eq(renamed[symbol], symbol), Integer(1),
                                    body.xreplace(renamed))
        return folded(reduce, rest, others)
    return eq(body, whole) / nested(eq(body.xreplace(renamed), whole), others)


def layers(fold: Any) -> tuple[list[Dim], list[Any], Any]:
    """The dims, the symbols and the body of folds within each other."""
    dims, symbols = [], []
    while isinstance(fold, Fold):
        dim, symbol, fold = fold.args
        dims.append(dim)
        symbols.append(symbol)
    return dims, symbols, fold
