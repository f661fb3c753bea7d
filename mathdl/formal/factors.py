"""The chain rule through a Cholesky factor, by the lemma about its pull-back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sympy import KroneckerDelta, Rational, Symbol

from mathdl.formal.context import Context, Tactics
from mathdl.formal.matrices import inverse_in, matrix_of
from mathdl.formal.prover import Prover
from mathdl.formal.system import plain
from mathdl.formal.terms import fresh, nested
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Tensor
from mathdl.primitives.inverse import solution
from mathdl.primitives.matrices import lower_half, mT
from mathdl.primitives.registry import pull_back_primitive
from mathdl.scalar.compare import lt


def through_factor(
    context: Context, prover: Prover, factor: Tensor, bars: Sequence[Tensor],
    afters: Sequence[Tensor],
) -> Tactics | None:
    """Tactics for what the parts of a factor's cotangent give to the matrix, each the rule's own;
    ``None`` where it is not the rule's."""
    stages = [_stages(context, factor, bar) for bar in bars]
    if [s[-1] for s in stages] != list(afters):
        return None
    found = [_Rule(context, prover, factor, bar, *s) for bar, s in zip(bars, stages, strict=True)]
    lines = [line for k, rule in enumerate(found) for line in rule.assertion(f"R{k}")]
    left, right = (" + ".join(sides) for sides in zip(*(r.sides() for r in found), strict=True))
    names = ", ".join(f"R{k}" for k in range(len(found)))
    return [*lines, f"transitivity ({left}); [commuted|].",
            f"transitivity ({right}); [|commuted].", f"now rewrite {names}."]


def _stages(context: Context, l: Tensor, bar: Tensor) -> list[Tensor]:
    """``P = Phi(L^T G)``, ``B = L^-T P``, ``L^-T B^T``, and what the rule makes of it."""
    half = lower_half(mT(l) @ bar)
    once = solution(mT(l), half, "upper")
    twice = solution(mT(l), mT(once), "upper")
    found = plain([half, once, twice, pull_back_primitive(l, bar, 0)],
                  {t.name: t for t in context.inputs if t.name})
    context.add(found)
    return found


class _Rule:
    """The pull-back of one part of a factor's cotangent."""

    def __init__(self, context: Context, prover: Prover, factor: Tensor, bar: Tensor,
                 half: Tensor, once: Tensor, twice: Tensor, after: Tensor) -> None:
        self.context, self.prover, self.factor, self.bar = context, prover, factor, bar
        self.half, self.once, self.twice, self.after = half, once, twice, after
        self.matrix, self.inverse = matrix_of(factor), inverse_in(factor)

    def _whole(self, t: Tensor) -> str:
        """A cotangent or a matrix as a function of the last two indices."""
        return f"({' '.join([self.context.applied(t), *map(str, self.context.prefix)])})"

    def _dot(self, t: Tensor) -> str:
        return f"{self.context.name(t)}_dot"

    def sides(self) -> tuple[str, str]:
        """The cotangent's part times the factor's derivative, and the matrix's share."""
        n = self.context.matrix(self.matrix).partition(" ")[0]
        return tuple(  # type: ignore[return-value]
            f"sumf {n} (fun i => sumf {n} (fun j => {self._whole(bar)} i j * {self._dot(t)} i j))"
            for bar, t in ((self.bar, self.factor), (self.after, self.matrix)))

    def assertion(self, name: str) -> list[str]:
        left, right = self.sides()
        n, factor = self.context.matrix(self.factor).split(" ", 1)
        inverse = self.context.matrix(self.inverse).split(" ", 1)[1]
        cotangents = " ".join(map(self._whole, (self.half, self.once, self.twice, self.after)))
        lines = [f"assert ({name} : {left} = {right}).",
                 f"{{ apply (adjoint_cholesky {n} {factor} {inverse} {self._whole(self.bar)} "
                 f"{self._dot(self.factor)} {self._dot(self.matrix)} {cotangents}).",
                 f"  {{ intros. unfold {self._dot(self.factor)}. commuted. }}"]
        for equation in (self._half(), self._once(), self._twice(), self._after()):
            lines += ["  {", *(f"    {line}" for line in equation), "  }"]
        return [*lines, "}"]

    def _equal(self, t: Tensor, right: Any, same: str = "commuted") -> Tactics:
        index = out_indices(2)
        left = self._entry(t, *index)
        self.context.normal.ranges.update(zip(index, self.matrix.shape, strict=True))
        names = " ".join(f"{i}" for i in index)
        proof = self.prover.equal(left, right, (*self.context.prefix, *index),
                                  f"the pull-back through {self.context.name(self.factor)}")
        return [f"intros {names} ? ?.",
                f"transitivity {self.context.text.real(right)}; [|{same}].", *proof]

    def _entry(self, t: Tensor, *index: Any) -> Any:
        prefix = () if t in (self.factor, self.inverse) else self.context.prefix
        return self.context.system.entry(t, (*prefix, *index))

    def _bound(self) -> tuple[Symbol, list[tuple[Any, Any]]]:
        k = fresh()
        self.context.normal.ranges[k] = self.matrix.shape[0]
        return k, [(k, self.matrix.shape[0])]

    def _half(self) -> Tactics:
        (i, j), (k, bound) = out_indices(2), self._bound()
        product = nested(self._entry(self.factor, k, i) * self._entry(self.bar, k, j), bound)
        return self._equal(self.half, (lt(j, i) + KroneckerDelta(i, j) / 2) * product,
                           "apply (f_equal2 Rmult); [lra | commuted]")

    def _once(self) -> Tactics:
        (i, j), (k, bound) = out_indices(2), self._bound()
        return self._equal(self.once, nested(
            self._entry(self.inverse, k, i) * self._entry(self.half, k, j), bound))

    def _twice(self) -> Tactics:
        (i, j), (k, bound) = out_indices(2), self._bound()
        return self._equal(self.twice, nested(
            self._entry(self.inverse, k, i) * self._entry(self.once, j, k), bound))

    def _after(self) -> Tactics:
        i, j = out_indices(2)
        whole = self._entry(self.twice, i, j) + self._entry(self.twice, j, i)
        return self._equal(self.after, whole * Rational(1, 2))
