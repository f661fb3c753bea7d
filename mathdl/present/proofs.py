r"""Proofs as text and LaTeX: numbered steps, each with its reason.

``full`` is the trace, a line for every step; ``lecture`` merges what is routine: the forward
equations, one line for each cotangent, and each result with what it follows from.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import sympify

from mathdl.errors import NamingError
from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
)
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.present import latex as latex_view
from mathdl.present import text as text_view
from mathdl.present.index import formula
from mathdl.present.layout import Document, layout
from mathdl.present.letters import letter
from mathdl.present.matrix import matrix_view
from mathdl.present.tree import Add, Name, Node, Sequenced
from mathdl.present.views import Unprintable

DETAILS = ("full", "lecture")


@dataclass(frozen=True)
class Statement:
    """``left = sides[0] = sides[1] ...`` with its reason and the numbers that it follows from."""

    number: int
    left: Name | None
    sides: tuple[Node, ...]
    reason: str
    premises: tuple[int, ...] = ()
    result: bool = False


def proof_text(proof: Any, names: Mapping[Tensor, str], detail: str) -> str:
    """The proof as numbered lines of text."""
    lines = []
    for s in statements(proof, names, detail):
        if isinstance(s.sides[0], Sequenced) and s.left is not None:
            why = s.reason
            lines.append(f"{s.number:>4}. {text_view.definition(s.left, s.sides[0])}   [{why}]")
            continue
        parts = [text_view.show(side) for side in s.sides]
        if s.left is not None:
            shown = f"dL/d{s.left.text}" if s.left.kind == "differential" else s.left.text
            parts.insert(0, shown)
        text = " = ".join(dict.fromkeys(parts))
        why = s.reason + (f" ({', '.join(map(str, s.premises))})" if s.premises else "")
        lines.append(f"{s.number:>4}. {text}   [{why}]")
    return "\n".join(lines)


def proof_latex(
    proof: Any, names: Mapping[Tensor, str], detail: str, standalone: bool, title: str = ""
) -> str:
    """The theorem and its proof in LaTeX; a document that compiles alone when ``standalone``."""
    rows: list[str] = []
    for s in statements(proof, names, detail):
        if isinstance(s.sides[0], Sequenced) and s.left is not None:
            line = latex_view.sequenced(s.left, s.sides[0])
            rows.append(rf"{line} && \text{{{s.reason}}} \tag{{{s.number}}}")
            continue
        sides = [latex_view.show(side) for side in s.sides]
        left = latex_view.show(s.left) if s.left is not None else sides.pop(0)
        if s.left is not None and s.left.kind == "differential":
            below = letter(Name(s.left.text, s.left.ndim))
            left = rf"\frac{{\partial L}}{{\partial {below}}}"
        body = " \\\\\n&= ".join(dict.fromkeys(sides)) if sides else ""
        line = f"{left} &= {body}" if body else f"{left} &"
        if s.result:
            line = rf"\boxed{{{left} = {sides[-1]}}} &" if sides else line
        why = s.reason + (", by " + ", ".join(f"({n})" for n in s.premises) if s.premises else "")
        rows.append(rf"{line} && \text{{{_escaped(why)}}} \tag{{{s.number}}}")
    body = (
        "\\begin{proof}\n\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n\\end{proof}"
    )
    statement = _theorem(proof, names)
    if not standalone:
        return f"{statement}\n{body}\n"
    return _DOCUMENT.format(title=_escaped(title or "Derivation"), body=f"{statement}\n{body}")


_DOCUMENT = r"""\documentclass{{article}}
\usepackage[a4paper,landscape,margin=15mm]{{geometry}}
\usepackage{{amsmath,amssymb,amsthm}}
\newtheorem*{{theorem}}{{Theorem}}
\allowdisplaybreaks
\begin{{document}}
\section*{{{title}}}
{body}

\paragraph{{Conventions.}} Bold capitals are matrices, bold lower case vectors; $\odot$ is the
entrywise product, $\mathbf 1$ a vector of ones. The gradient of a scalar has the shape of its
argument; $\bar{{\mathbf A}}$ is the derivative of the value by $\mathbf A$.
\end{{document}}
"""


def _theorem(proof: Any, names: Mapping[Tensor, str]) -> str:
    from mathdl.present.latex import derivation_latex

    values = {"L": proof.claims[0].value}
    results = [
        ("L", [(v, _rank(claim.value, v), 1) for v in claim.path], claim.result)
        for claim in proof.claims if claim.value is proof.claims[0].value
    ]
    inputs = {t for c in proof.claims for t in topological([c.value]) if t.is_input}
    declared = []
    for t in sorted(inputs, key=lambda t: t.created):
        space = r" \times ".join(str(sympify(d)) for d in t.shape)
        known = sorted(t.assume - {"nonnegative"})
        noted = f" ({', '.join(known).replace('_', ' ')})" if known else ""
        where = rf"\mathbb{{R}}^{{{space}}}" if t.shape else r"\mathbb{R}"
        declared.append(rf"${letter(Name(t.name or '', t.ndim))} \in {where}${noted}")
    return (
        "\\begin{theorem}\nLet " + ", ".join(declared) + ". Then\n"
        + derivation_latex(values, results, len(proof.claims[0].path), names)
        .replace("$$\n\\begin{aligned}", "\\begin{align*}").replace("\\end{aligned}\n$$",
                                                                  "\\end{align*}")
        + "\n\\end{theorem}"
    )


def _rank(value: Tensor, name: str) -> int:
    return next((t.ndim for t in topological([value]) if t.is_input and t.name == name), 0)


def _escaped(text: str) -> str:
    for a, b in (("\\", r"\textbackslash "), ("_", r"\_"), ("^", r"\^{}"), ("&", r"\&"),
                 ("#", r"\#"), ("%", r"\%"), ("{", r"\{"), ("}", r"\}")):
        if a not in ("{", "}"):
            text = text.replace(a, b)
    return text


# -- statements ---------------------------------------------------------------------------------


def statements(proof: Any, names: Mapping[Tensor, str], detail: str) -> list[Statement]:
    """What is printed, in order."""
    if detail not in DETAILS:
        raise NamingError(f"unknown detail {detail!r}; there are: {', '.join(DETAILS)}")
    writer = _Writer(proof, names)
    found: list[Statement] = []
    for statement in writer.full() if detail == "full" else writer.lecture():
        found.append(statement)
        if statement.left is not None and not statement.result:
            writer.stated.add(statement.left.text)
    return found


class _Writer:
    def __init__(self, proof: Any, names: Mapping[Tensor, str]) -> None:
        self.proof = proof
        self.names: dict[Tensor, Name] = {}
        self.taken: set[str] = set()
        self.stated: set[str] = set()  # names that have been given a meaning
        self.numbers = itertools.count(1)
        tensors = [t for line in proof.lines for t in _tensors(line.step)]
        for t in topological(tensors):
            if t.is_input:
                self.names[t] = Name(t.name or "", t.ndim)
                self.taken.add(t.name or "")
            for dim in t.shape:
                self.taken |= {s.name for s in sympify(dim).free_symbols}
        for t, name in names.items():
            self.give(t, name)
        self.values = list(dict.fromkeys(
            line.step.value for line in proof.lines if isinstance(line.step, Derivative)
        ))

    def give(self, tensor: Tensor, wanted: str) -> Name:
        """Name a tensor, unlike all others."""
        if tensor not in self.names:
            self.names[tensor] = self.fresh(wanted, tensor)
        return self.names[tensor]

    def fresh(self, wanted: str, tensor: Tensor) -> Name:
        tries = itertools.chain([wanted], (f"{wanted}{k}" for k in itertools.count(2)))
        text = next(t for t in tries if t not in self.taken)
        self.taken.add(text)
        return Name(text, tensor.ndim)

    def node(self, tensor: Tensor, opened: bool = False) -> Node:
        """A tensor by its name, or its equation over what has names."""
        if tensor in self.names and (not opened or tensor.is_input):
            return self.names[tensor]
        if tensor.recurrence is not None:
            return self.give(tensor, "s")  # its equations between times are stated apart
        if tensor.definition is not None and tensor.label is not None:
            return self.node(tensor.operands[0].tensor)
        try:
            return matrix_view(tensor, self.node, {})
        except Unprintable:
            return formula(tensor, self._word)

    def _word(self, tensor: Tensor) -> Name:
        return self.names[tensor] if tensor in self.names else self.give(tensor, "t")

    # -- the full trace ------------------------------------------------------------------------

    def full(self) -> Iterator[Statement]:
        for line in self.proof.lines:
            step = line.step
            number = next(self.numbers)
            match step:
                case Rewrite(before=before, after=after):
                    sides = (self.node(before, True), self.node(after, True))
                    yield Statement(number, None, sides, step.rule.name, line.premises)
                case PullBack(target=target, after=after):
                    self._forward(target)
                    yield Statement(
                        number, self.give(after, f"{self._plain(target)}_part"),
                        (self.node(after, True),), step.rule.name, line.premises,
                    )
                case Accumulation(target=target, terms=terms, after=after):
                    self._forward(target)
                    parts = [self.node(t) for t in terms]
                    total: Node = parts[0] if len(parts) == 1 else Add(
                        tuple((1, part) for part in parts), after.ndim)
                    left = self.names.get(after) or self.give(after, f"{self._plain(target)}_bar")
                    yield Statement(number, left, (total,), step.rule.name, line.premises)
                case Derivative(variable=variable, after=after):
                    yield Statement(number, None, (self.node(after),),
                                    f"the derivative by {variable.name}", line.premises)
                case Restriction(after=after) | Projection(after=after):
                    yield Statement(number, None, (self.node(after, True),), step.rule.name,
                                    line.premises)
        yield from self._results()

    def _plain(self, target: Tensor) -> str:
        return self.names[target].text if target in self.names else "t"

    def _forward(self, target: Tensor) -> None:
        if target not in self.names:
            self.give(target, "t")

    # -- as a lecturer writes it ------------------------------------------------------------------

    def lecture(self) -> Iterator[Statement]:
        last: dict[Tensor, int] = {}
        through: dict[Tensor, list[Tensor]] = {}
        for line in self.proof.lines:
            if isinstance(line.step, PullBack):
                through.setdefault(line.step.target, []).extend(
                    t for pair in line.step.consumers for t in pair)
        carrying = {line.step.target for line in self.proof.lines
                    if isinstance(line.step, Accumulation)}
        for value in self.values:
            for tensor in topological([value]):
                if tensor in carrying and not tensor.is_input and tensor not in last:
                    if tensor.recurrence is not None:
                        yield from self._recurrence(tensor)
                        last[tensor] = next(self.numbers) - 1
                        self.numbers = itertools.count(last[tensor] + 1)
                        continue
                    name = self.give(tensor, "L" if tensor.ndim == 0 and tensor is value else "a")
                    number = last[tensor] = next(self.numbers)
                    yield Statement(number, name, (self.node(tensor, True),), "definition")
        for line in self.proof.lines:
            step = line.step
            if not isinstance(step, Accumulation) or step.after in last:
                continue
            if step.target.is_input and not any(
                isinstance(other.step, Derivative) and other.step.after is step.after
                for other in self.proof.lines
            ):
                continue
            for t in topological([step.after]):
                if t.recurrence is not None and t not in self.names:
                    yield from self._recurrence(t)
            used = sorted({last[t] for t in through.get(step.target, ()) if t in last})
            tree = self.node(step.after, True)
            wanted = f"{self._plain(step.target)}_bar"
            name = self.fresh(wanted, step.after) if step.after.is_input else self.give(
                step.after, wanted)
            number = last[step.after] = next(self.numbers)
            reason = "seed" if not used else "chain rule"
            yield Statement(number, name, (tree,), reason, tuple(used))
        yield from self._results()

    def _laid_out(self, tensors: Sequence[Tensor]) -> Document:
        """Tensors over what has names; new names are unlike all others."""
        texts = {t: n.text for t, n in self.names.items() if not t.is_input}
        return layout(tensors, texts, text_view.measure, self.taken)

    def _recurrence(self, tensor: Tensor) -> Iterator[Statement]:
        """The equations between times that compute a tensor, which gets its name."""
        document = self._laid_out([tensor])
        known = set(self.stated)
        for name, node in document.definitions:
            if name.text not in known:
                yield Statement(next(self.numbers), name, (node,), "recurrence")
        (value,) = document.values
        if isinstance(value, Name):
            self.names[tensor] = value
        self.taken |= {name.text for name, _ in document.definitions}

    def _results(self) -> Iterator[Statement]:
        laws = dict.fromkeys(line.step.rule.name for line in self.proof.lines
                             if isinstance(line.step, Rewrite))
        reason = f"simplified: {', '.join(laws)}" if laws else "read off"
        results = [claim.result for claim in self.proof.claims]
        document = self._laid_out(results)
        known = set(self.stated)
        for name, node in document.definitions:
            if name.text not in known:
                yield Statement(next(self.numbers), name, (node,), "definition")
        for claim, value in zip(self.proof.claims, document.values, strict=True):
            left = Name(claim.key, claim.result.ndim, "differential")
            yield Statement(next(self.numbers), left, (value,), reason, result=True)


def _tensors(step: Any) -> Sequence[Tensor]:
    found = [step.after]
    match step:
        case Rewrite(before=before) | Restriction(before=before) | Projection(before=before):
            found.append(before)
        case PullBack(consumers=consumers, target=target):
            found += [target, *(t for pair in consumers for t in pair)]
        case Accumulation(target=target, terms=terms):
            found += [target, *terms]
        case Derivative(value=value, variable=variable):
            found += [value, variable]
    return found
