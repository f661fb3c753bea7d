"""A derivation as numbered steps, each with its premises and the conditions that it needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sympy import Pow, log

from mathdl.ir.assumptions import OF_INSTANCES
from mathdl.ir.build import define, ranges_of
from mathdl.ir.index import slot_number
from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    Step,
)
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor

if TYPE_CHECKING:
    from mathdl.proof.check import Checked


@dataclass(frozen=True)
class Condition:
    """What a step needs: ``kind`` is ``nonzero``, ``positive`` or an assumption."""

    kind: str
    tensor: Tensor


@dataclass(frozen=True)
class Line:
    """A step with its number, the numbers of those that it follows from, and its conditions."""

    number: int
    step: Step
    premises: tuple[int, ...]
    conditions: tuple[Condition, ...]


@dataclass(frozen=True)
class Claim:
    """``result`` is the derivative of ``value`` by the inputs called ``path``, one by one.

    ``output`` is what the value is called among several.
    """

    key: str
    value: Tensor
    path: tuple[str, ...]
    result: Tensor
    output: str = ""

    @property
    def powers(self) -> list[tuple[str, int]]:
        """The inputs in turn, each with how often it comes in a row."""
        return [(name, len(list(run))) for name, run in groupby(self.path)]


@dataclass(frozen=True)
class Proof:
    """Claims, and the lines that prove them; ``outputs`` are the values as the claims print them.

    ``names`` are those of the user, ``hints`` what cotangents are called by convention.

    Every line states an equation between tensors that holds for all dims, under its conditions;
    ``check()`` replays them apart from the engine that made them.
    """

    claims: tuple[Claim, ...]
    lines: tuple[Line, ...]
    names: Mapping[Tensor, str] = field(default_factory=dict, repr=False, compare=False)
    outputs: Mapping[str, Tensor] = field(default_factory=dict, repr=False, compare=False)
    hints: Mapping[Tensor, str] = field(default_factory=dict, repr=False, compare=False)
    declared: tuple[Tensor, ...] = field(default=(), repr=False, compare=False)

    def inputs(self, tensors: Iterable[Tensor]) -> list[Tensor]:
        """The inputs below tensors, in the order in which the derivation has them."""
        order = {t.name: k for k, t in enumerate(self.declared)}
        found = inputs_of(tensors)
        return sorted(found, key=lambda t: order.get(t.name, len(order)))

    def text(self, detail: str = "lecture") -> str:
        """Numbered lines; ``detail`` is ``lecture``, routine steps merged, or ``full``."""
        from mathdl.present.proofs import proof_text

        return proof_text(self, self.names, detail)

    def pretty(self, detail: str = "lecture", width: int | None = None) -> str:
        """What is given, the steps and the results in Unicode, wrapped to the terminal."""
        from mathdl.present.screen import proof_pretty

        return proof_pretty(self, self.names, detail, width)

    def latex(self, detail: str = "lecture", *, standalone: bool = False, title: str = "") -> str:
        """Theorem and proof in LaTeX, a whole document when ``standalone``."""
        from mathdl.present.latex_document import proof_latex

        return proof_latex(self, self.names, detail, standalone, title)

    def pdf(self, path: str | Path, detail: str = "lecture", *, title: str = "") -> Path:
        """Write the document of :meth:`latex` as PDF, through the installed TeX.

        Raises:
            MissingToolError: there is no TeX.
            TypesettingError: TeX refuses the document.
        """
        from mathdl.present.pdf import write_pdf

        return write_pdf(self.latex(detail, standalone=True, title=title), path)

    def html(self, detail: str = "lecture", title: str = "") -> str:
        """Theorem and proof as an HTML page that works offline (the extra ``html``)."""
        from mathdl.present.page import proof_page

        return proof_page(self, detail, title)

    def markdown(self, detail: str = "lecture", title: str = "") -> str:
        """Theorem and proof in GitHub's Markdown."""
        from mathdl.present.markdown import proof_markdown

        return proof_markdown(self, detail, title)

    def _repr_markdown_(self) -> str:
        return self.markdown()

    def _repr_latex_(self) -> str:
        from mathdl.present.markdown import theorem_latex

        return theorem_latex(self)

    def __str__(self) -> str:
        return self.text()

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Any:
        return iter(self.lines)

    def check(self, *, instances: int = 3, seed: int = 0) -> Checked:
        """Every line against its law and at random instances, and that they prove the claims."""
        from mathdl.proof.check import check

        return check(self, instances=instances, seed=seed)


def proof_of(
    outputs: Mapping[str, Tensor], blocks: Mapping[str, Any],
    derivatives: Mapping[str, Tensor], steps: Iterable[Step],
    names: Mapping[Tensor, str] | None = None, prepared: Mapping[str, Tensor] | None = None,
    hints: Mapping[Tensor, str] | None = None, declared: Iterable[Tensor] = (),
) -> Proof:
    """The proof that ``steps`` are of derivatives by key, each of an output along a path."""
    claims = tuple(
        Claim(key, outputs[blocks[key].output], tuple(blocks[key].path), tensor,
              blocks[key].output)
        for key, tensor in derivatives.items()
    )
    lines = numbered(dict.fromkeys(steps))
    return Proof(claims, lines, dict(names or {}), dict(prepared or outputs), dict(hints or {}),
                 tuple(declared))


def rewrites(proof: Proof) -> list[tuple[Tensor, Tensor]]:
    """The equations between quantities that the proof's simplifications state."""
    return [(line.step.before, line.step.after) for line in proof.lines
            if isinstance(line.step, Rewrite)]


def numbered(steps: Iterable[Step]) -> tuple[Line, ...]:
    """Lines in order; a step follows from those that made what it reads."""
    made: dict[Tensor, list[int]] = {}
    lines: list[Line] = []
    for number, step in enumerate(steps, 1):
        premises = sorted({n for t in reads(step) for n in made.get(t, ())})
        lines.append(Line(number, step, tuple(premises), conditions(step)))
        made.setdefault(step.after, []).append(number)
    return tuple(lines)


def reads(step: Step) -> list[Tensor]:
    """The tensors that a step takes from earlier ones."""
    match step:
        case Rewrite(before=before):
            return [before, *(a.tensor for a in before.operands)]
        case PullBack(consumers=consumers):
            return [t for pair in consumers for t in pair]
        case Accumulation(terms=terms):
            return list(terms)
        case Derivative(value=value, after=after):
            return [value, after]
        case Restriction(before=before) | Projection(before=before):
            return topological([before])[-16:]
    raise TypeError(f"not a step: {step!r}")


def conditions(step: Step) -> tuple[Condition, ...]:
    """Where both sides of a step are defined, and the assumptions of the inputs that it reads."""
    if not isinstance(step, Rewrite):
        return ()
    found: dict[Condition, None] = {}
    for side in (step.before, step.after):
        equation = side.definition
        if equation is None:
            continue
        ranges = list(ranges_of(side).items())
        parts = [(p.base, "nonzero") for p in equation.body.atoms(Pow) if p.exp.is_negative]
        parts += [(p.args[0], "positive") for p in equation.body.atoms(log)]
        for expr, kind in sorted(parts, key=str):
            if any(slot_number(s) is not None for s in expr.free_symbols):
                found[Condition(kind, define(ranges, expr, side.operands))] = None
    if step.rule.name in ASSUMING:
        for tensor in topological([step.before]):
            if tensor.is_input:
                for name in sorted(tensor.assume & OF_INSTANCES):
                    found[Condition(name, tensor)] = None
    return tuple(found)


ASSUMING = frozenset({"known sum", "symmetric", "cancel inverses", "collect", "two values"})
