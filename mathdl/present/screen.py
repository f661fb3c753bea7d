"""A proof as a terminal shows it: what is given, numbered steps with reasons, the results."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from collections.abc import Sequence as Several
from typing import Any

from sympy import sympify

from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.present import text as text_view
from mathdl.present.constants import constant
from mathdl.present.declared import facts
from mathdl.present.document import Document
from mathdl.present.entries import (
    by_entries,
    definition,
    entry_text,
    equation_by_entries,
    with_ranges,
)
from mathdl.present.glyphs import cells, raised, spelled, subscripted
from mathdl.present.layout import layout
from mathdl.present.pretty import letters_for, names_in, show
from mathdl.present.statements import Differential, Statement, statements
from mathdl.present.tree import Formula, Name, Node, Sequence
from mathdl.present.wrap import boxed, hanging, noted, prose, width_of, wrapped

INDENT = 2
LABEL = 7  # cells before what is given
REASON = 30  # cells that are kept free for reasons, at most
_MADE = re.compile(r"t\d+")  # names that a layout makes up
#: What a mark means, printed below a proof where it is used.
CONVENTIONS = (
    ("⊙", "⊙ is the product entry by entry"),
    ("°", "A°² has the powers of the entries"),
    (" 1ᵀ", "v 1ᵀ has v in every column"),
    (r"[a-z][ᵢⱼₖₗ]+\(", "a letter below a function is its axis, i the first, j the second"),
    ("\u0304|Ā|ā|_bar", "x̄ is the derivative by x"),
    (r"\[−1\]|₋₁| < ", "indices count from 0"),
)


def proof_pretty(
    proof: Any, names: Mapping[Tensor, str], detail: str = "lecture", width: int | None = None
) -> str:
    """The proof in Unicode, no line wider than ``width``, by default that of the terminal."""
    return "\n".join(_Screen(proof, names, detail, width_of(width)).lines())


class _Screen:
    def __init__(
        self, proof: Any, names: Mapping[Tensor, str], detail: str, width: int
    ) -> None:
        self.proof, self.names, self.width = proof, names, width
        self.statements = statements(proof, names, detail)
        self.inputs = proof.inputs([c.value for c in proof.claims])
        self.sought = [s.of for s in self.statements if s.result and s.of is not None]
        # an axis of length 1 is broadcast, which an entry would not show
        reached = topological([t for c in proof.claims for t in (c.value, c.result)])
        self.deep = not any(1 in t.shape for t in reached)

    def lines(self) -> list[str]:
        given, results = self._parts()
        shown = self._numbered([(s.number, self._step(s), _reason(s)) for s in self.statements])
        lines = [*given, "", *shown, "", *self._box(results)]
        used = "; ".join(meaning for mark, meaning in CONVENTIONS if re.search(mark, str(lines)))
        return [*lines, *(["", *prose(f"{used}.", self.width)] if used else [])]

    # -- what is given, and the results ------------------------------------------------------------

    def _parts(self) -> tuple[list[str], list[str]]:
        """What is given and sought, and the results, with what defines them."""
        taken = {s.left.text for s in self.statements if s.left is not None}
        claims = self.proof.claims
        values = {of.value: c.value for of, c in zip(self.sought, claims, strict=True)}
        above = self._laid_out(list(values.values()), taken)
        taken |= {name.text for name, _ in above.definitions}
        below = self._laid_out([claim.result for claim in claims], taken)
        definitions = list(above.definitions)
        for name, node in zip(values, above.values, strict=True):
            if not any(known.text == name.text for known, _ in definitions):
                definitions.append((name, node))
        opened = [_opened(node, below.definitions) for node in below.values]
        needed = _reached(opened, below.definitions)
        needed -= {n.text for n, _ in below.definitions
                   if _defining(n, below.definitions) == _defining(n, definitions)}
        results = [definition(n, x, self.deep) for n, x in below.definitions if n.text in needed]
        results += [self._equation(of, n) for of, n in zip(self.sought, opened, strict=True)]
        return [
            *_labelled("Given", ", ".join(map(_declared, self.inputs)), self.width),
            *(line for name, node in definitions
              for line in hanging(definition(name, node, self.deep), self.width, LABEL)),
            *_labelled("Find", ", ".join(map(_derivative, self.sought)), self.width),
        ], results

    def _laid_out(self, tensors: Several[Tensor], taken: set[str]) -> Document:
        """Made-up names are unlike those taken; given ones mean the same wherever they stand."""
        made = {name for name in taken if _MADE.fullmatch(name)}
        return layout(tensors, self.names, text_view.measure, made, hints=self.proof.hints)

    # -- steps -------------------------------------------------------------------------------------

    def _step(self, s: Statement) -> str:
        if s.of is not None:
            return self._equation(s.of, s.sides[0])
        if s.left is not None and len(s.sides) == 1 and s.left != s.sides[0]:
            return definition(s.left, s.sides[0], self.deep)
        entries = self.deep and s.left is None and any(map(by_entries, s.sides))
        free = letters_for(Sequence(s.sides, "()"))
        letters, fresh = free[: s.sides[0].ndim], free[s.sides[0].ndim :]
        sides = [entry_text(n, letters, fresh) if entries else _standing(n) for n in s.sides]
        if s.left is not None:
            sides.insert(0, spelled(s.left.text))
        return " = ".join(dict.fromkeys(sides))

    def _numbered(self, steps: Several[tuple[int, str, str]]) -> list[str]:
        if not steps:
            return []
        margin = max(len(str(number)) for number, *_ in steps) + INDENT + 3
        widths = [cells(text) for _, text, why in steps
                  if cells(text) + cells(why) + 3 <= self.width - margin]
        column = margin + max([w for w in widths if w <= self.width - margin - REASON],
                              default=self.width - margin - REASON) + 3
        lines = []
        for number, text, why in steps:
            first, *more = noted(
                hanging(text, self.width, margin), why, column, self.width
            )
            mark = f"{number}.".rjust(margin - 2)
            lines += [mark + first[len(mark):], *more]
        return lines

    # -- derivatives -----------------------------------------------------------------------------

    def _equation(self, of: Differential, node: Node) -> str:
        if isinstance(node, Formula) and node.indices:
            return f"{_derivative(of, node.indices)} = {with_ranges(node)}"
        if self.deep and by_entries(node):
            letters, right = equation_by_entries(node)
            return f"{_derivative(of, letters)} = {right}"
        return f"{_derivative(of)} = {_standing(node)}"

    def _box(self, equations: Several[str]) -> list[str]:
        lines = [line for e in equations for line in hanging(e, self.width - INDENT - 4)]
        return [" " * INDENT + line for line in boxed(lines)]


def _reached(nodes: Several[Node], definitions: Several[tuple[Name, Node]]) -> set[str]:
    """The defined names that trees need, through the definitions of others."""
    found: set[str] = set()
    waiting: list[Node] = list(nodes)
    while waiting:
        read = names_in(waiting.pop())
        fresh = {name.text for name, _ in definitions if name.text in read} - found
        found |= fresh
        waiting += [node for name, node in definitions if name.text in fresh]
    return found


def _defining(name: Name, definitions: Several[tuple[Name, Node]]) -> list[Node]:
    return [node for known, node in definitions if known == name]


def _opened(node: Node, definitions: Several[tuple[Name, Node]]) -> Node:
    """A result that is but a name for a formula, as the formula."""
    made = [inner for name, inner in definitions if name == node]
    return made[0] if made and isinstance(made[0], Formula) else node


def _labelled(label: str, text: str, width: int) -> list[str]:
    lines = wrapped(text, width - LABEL)
    return [(label if k == 0 else "").ljust(LABEL) + line for k, line in enumerate(lines)]


def _derivative(of: Differential, letters: Several[str] = ()) -> str:
    """``∂²L/∂W∂b``, or ``∂Pᵢⱼ/∂bₖ`` at letters."""
    taken = iter(letters)

    def at(name: str, ndim: int) -> str:
        index = list(itertools.islice(taken, ndim))
        return subscripted(spelled(name), index) if index else spelled(name)

    above = f"∂{raised(of.order) if of.order > 1 else ''}{at(of.value.text, of.value.ndim)}"
    if letters:
        below = [at(v, ndim) for v, ndim, power in of.variables for _ in range(power)]
    else:
        below = [spelled(v) + (raised(power) if power > 1 else "") for v, _, power in of.variables]
    return f"{above}/{''.join(f'∂{name}' for name in below)}"


def _declared(tensor: Tensor) -> str:
    """``X ∈ ℝ^(n×d)`` with what is assumed."""
    sizes = [show(constant(sympify(d))).replace(" ", "") for d in tensor.shape]
    across = "×".join(sizes)
    space = "" if not sizes else f"^{across}" if len(across) == 1 else f"^({across})"
    known = ", ".join(fact.name.replace("_", " ") for fact in facts(tensor))
    return f"{spelled(tensor.name or '')} ∈ ℝ{space}" + (f" ({known})" if known else "")


def _standing(node: Node) -> str:
    """A side that has no left to carry its indices."""
    if isinstance(node, Formula) and not node.indices:
        return with_ranges(node)
    return show(node)


def _reason(s: Statement) -> str:
    numbers = f" ({', '.join(map(str, s.premises))})" if s.premises else ""
    return s.reason + numbers


