"""How terms came into normal form: what Coq is told of every sum and entry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mathdl.ir.dim import Dim


@dataclass(frozen=True)
class Linear:
    """How ``SUM(dim, symbol, body)`` came into normal form.

    ``body`` in normal form is the sum of ``terms``.  Each becomes its part: a chain; ``None``
    where the binder does not occur (the length times it); a sum of fewer terms where a delta
    fixes an index.
    """

    dim: Dim
    symbol: Any
    body: Any
    parts: tuple[Part, ...]
    result: Any


@dataclass(frozen=True)
class Part:
    """One term of a sum's body and what its sum becomes.

    The term is ``coefficient * rest``.  Sums in ``rest`` are pulled in front of it, with binders
    ``flat``, which leaves ``product``; ``order`` is the order of all binders in the result, or,
    where the deltas in the product leave less to be summed, they do by ``left``.
    """

    term: Any
    coefficient: Any
    rest: Any
    result: Any
    inner: tuple[Any, ...] = ()
    flat: tuple[tuple[Any, Dim], ...] = ()
    product: Any = None
    order: tuple[Any, ...] = ()
    fact: str = ""
    turns: tuple[tuple[Any, Any], ...] = ()
    left: Left | None = None

    @property
    def turned(self) -> Any:
        """The product with its entries tidied."""
        return self.product.xreplace(dict(self.turns))

    @property
    def is_chain(self) -> bool:
        """Whether its sum is the chain alone."""
        alone = self.coefficient == 1 and not self.fact and self.left is None
        return self.product is not None and alone


@dataclass(frozen=True)
class Left:
    """What the deltas of a product leave of its sum: ``term``.

    ``delta`` fixes the binder ``symbol`` at ``index``, or bounds it: ``index`` is the least, and
    ``count`` how many from there may match.  Or it is never 1 or stands for another one, as the
    others say, and ``symbol`` is None.
    """

    term: Any
    delta: Any
    symbol: Any = None
    index: Any = None
    count: Any = None


@dataclass(frozen=True)
class Opened:
    """An entry that is its definition's right-hand side."""

    body: Any
    result: Any


@dataclass(frozen=True)
class Turned:
    """An entry with its indices in order, those of a symmetric matrix by the hypothesis ``why``,
    or what else it is by a lemma."""

    why: str
    result: Any
