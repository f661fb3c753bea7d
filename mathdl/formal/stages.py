"""The sweeps of a proof, each a theorem of its own: derivatives of derivatives stage by stage."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from mathdl.errors import UnsupportedError
from mathdl.ir.steps import Accumulation, Derivative, PullBack
from mathdl.ir.tensor import Tensor
from mathdl.proof.equalities import Equalities
from mathdl.proof.proof import Proof, rewrites


@dataclass(frozen=True)
class Stage:
    """One sweep: what it differentiates, what it yields by each input, and what that is shown
    to be.

    ``value`` is what is claimed to be differentiated, ``prepared`` what the sweep starts from;
    ``raw`` and ``results`` have the derivatives by the names of inputs.
    """

    value: Tensor
    prepared: Tensor
    raw: Mapping[str, Tensor]
    results: Mapping[str, Tensor]
    pulls: tuple[PullBack, ...]
    totals: tuple[Accumulation, ...]


@dataclass
class _Sweep:
    pulls: list[PullBack] = field(default_factory=list)
    totals: list[Accumulation] = field(default_factory=list)
    derivatives: list[Derivative] = field(default_factory=list)
    value: Tensor | None = None
    wanted: dict[str, Tensor] = field(default_factory=dict)


def _sweeps(proof: Proof) -> list[_Sweep]:
    found = [_Sweep()]
    for line in proof.lines:
        step = line.step
        if isinstance(step, Derivative):
            found[-1].derivatives.append(step)
        elif isinstance(step, (PullBack, Accumulation)):
            if found[-1].derivatives:
                found.append(_Sweep())
            if isinstance(step, PullBack):
                found[-1].pulls.append(step)
            else:
                found[-1].totals.append(step)
    return [s for s in found if s.derivatives]


def stages(proof: Proof) -> list[Stage]:
    """The sweeps that the claims rest on, in order.

    Raises:
        UnsupportedError: the proof has another form, such as several expressions.
    """
    if not proof.claims:
        raise UnsupportedError("no certificate: nothing is claimed")
    sweeps = _sweeps(proof)
    same = Equalities(rewrites(proof), free=True).same
    for claim in proof.claims:
        current = claim.value
        for depth, name in enumerate(claim.path):
            sweep = next((s for s in sweeps if same(s.derivatives[0].value, current)
                          and any(d.variable.name == name for d in s.derivatives)), None)
            if sweep is None:
                raise UnsupportedError(f"no certificate: no sweep yields the derivative by {name}")
            sweep.value = claim.value if depth == 0 else sweep.derivatives[0].value
            last = depth + 1 == len(claim.path)
            after = next(d.after for d in sweep.derivatives if d.variable.name == name)
            following = None if last else next(
                (s.derivatives[0].value for s in sweeps if same(s.derivatives[0].value, after)),
                None)
            if not last and following is None:
                raise UnsupportedError(
                    f"no certificate: nothing differentiates the derivative by {name}")
            current = after
            sweep.wanted[name] = claim.result if following is None else following
    return [_stage(s) for s in sweeps if s.value is not None]


def _stage(sweep: _Sweep) -> Stage:
    assert sweep.value is not None
    return Stage(
        sweep.value, sweep.derivatives[0].value,
        {d.variable.name or "": d.after for d in sweep.derivatives
         if d.variable.name in sweep.wanted},
        dict(sweep.wanted), tuple(sweep.pulls), tuple(sweep.totals),
    )
