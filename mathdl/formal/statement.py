"""What a certificate claims: hypotheses, the value, and the gradient as it is printed."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import Any

from mathdl.formal.context import Context, arrow
from mathdl.formal.coq import ANY, Text, nat
from mathdl.formal.fixpoints import of_values
from mathdl.formal.loops import is_states, loop_of, with_loops
from mathdl.formal.matrices import matrix_of, primitive
from mathdl.formal.terms import entries
from mathdl.ir.index import out_indices
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.proof.proof import Proof

COMMENT = """(* For all dims, all inputs and every differentiable curve through them, under the
   hypotheses of the theorems at the end: the expression has along the curve the derivative
   <gradient, direction>, with the gradient that mathdl prints.

   What this rests on: Coq's kernel, its axioms for the real numbers (printed at the end), and
   that the definitions and theorems say what was meant: an entry of a tensor is a function of
   natural numbers, sumf n f is f 0 + ... + f (n-1).  Reals are not floats.

   coqc -Q <library> Mathdl certificate.v, with the library that mathdl ships in formal/library. *)
"""


@dataclass(frozen=True)
class Statements:
    """What a certificate claims: the theorems of each sweep, those of the first order first."""

    parts: tuple[Statement, ...]
    proof: Proof

    def __str__(self) -> str:
        return "\n\n".join(map(str, self.parts))

    def latex(self) -> str:
        """The theorem in LaTeX, as the proof states it."""
        return self.proof._repr_latex_()

    def _repr_latex_(self) -> str:
        return self.latex()


class Statement:
    """The theorems of a certificate.

    Quantities that are read more than once, or that have a name of the user's, are definitions;
    the others are written out where they are read.
    """

    def __init__(self, context: Context, own_domain: bool = False) -> None:
        """``own_domain``: what the value needs to be defined is a hypothesis too."""
        self.context = context
        self.roots = [context.value, *context.results.values()]
        below = with_loops([*([context.value] if own_domain else []), context.prepared,
                            *context.raw.values(), *context.results.values()])
        moved = set(with_loops([context.prepared]))
        conditions = {context.condition(c): c for t in below
                      for c in context.system.conditions(t, t in moved)}
        self.domain = [(f"domain_{k}", c) for k, c in enumerate(conditions, 1)]
        self.conditions = list(conditions.values())
        read = {context.system.tensor(e) for c in self.conditions for e in entries(c.term)}
        reads = Counter(a.tensor for t in topological([*self.roots, *read]) for a in t.operands)
        reads.update(read)
        stated = [t for t in topological([*self.roots, *read]) if not t.is_input]
        whole = {matrix_of(t) for t in stated if primitive(t)}
        whole |= {a.tensor for t in stated if is_states(t) for a in t.operands}
        self.defined = [t for t in stated
                        if reads[t] > 1 or t.label is not None or t in whole or is_states(t)]
        self.inline = {context.name(t) for t in stated if t not in self.defined}
        self.text = Text(context.text.heads, self._written, spare=True)

    def theorem(self, w: Tensor, label: str) -> str:
        """``forall`` inputs and hypotheses, ``has_grad`` of the value by one input."""
        context = self.context
        name = context.name(w)
        points = " ".join(f"({context.name(v)} : {arrow(v.ndim)})" for v in context.wrt)
        facts = [f"({f[1]}) ->" for v in context.wrt for f in context.facts(v)]
        domain = [f"({context.condition(c, self.text)}) ->" for c in self.conditions]
        prefix = "".join(f"forall {o} : nat, ({o} < {nat(d)})%nat -> "
                         for o, d in zip(context.prefix, context.value.shape, strict=True))
        index = out_indices(w.ndim)
        sizes = " ".join(nat(d) for d in w.shape)
        value = self.text.real(context.system.entry(context.value, context.prefix), ANY)
        gradient = self.text.real(context.system.entry(
            context.results[w.name or ""], (*context.prefix, *index)), ANY)
        axes = f"fun {' '.join(map(str, index))} => " if index else ""
        return self._tidy("\n  ".join([
            f"Theorem {label} : forall {points},", *facts, *domain,
            f"{prefix}has_grad{w.ndim} {sizes}".rstrip(),
            f"  (fun {name} => {value})", f"  {name}", f"  ({axes}{gradient}).",
        ]))

    def _written(self, term: Any, level: int) -> str | None:
        """An entry that is written out where it is read."""
        if term.func.__name__ not in self.inline:
            return None
        return self.context.right_hand_side(self.context.system.tensor(term), term.args, self.text,
                                            level)

    def _tidy(self, text: str) -> str:
        """Bound indices by the order in which they appear."""
        names: dict[str, str] = {}
        for name in re.findall(r"fun (r\d+) =>", text):
            names.setdefault(name, f"j{len(names)}")
        return re.sub(r"\w+", lambda m: names.get(m[0], m[0]), text)

    def _definition(self, t: Tensor) -> str:
        if is_states(t):
            loop = loop_of(t)
            whole = "\n".join(of_values(self.context, loop).definitions())
            return self._tidy(whole) if t is loop.states[0] else ""
        return self._tidy(self.context.definition(t, self.text, ANY))

    def __str__(self) -> str:
        context = self.context
        dims = context.dims()
        lines = [f"Variables {' '.join(dims)} : nat."] if dims else []
        lines += [f"Hypothesis {d}_pos : (0 < {d})%nat." for d in dims]
        lines += [f"Hypothesis size_{k} : {needed}."
                  for k, needed in enumerate(context.system.needed, 1)]
        for f in context.assumed():  # functions that Coq lacks
            lines.append(f"Variable {f.variable}.")
            lines += [f"Hypothesis {label} : {fact}." for label, fact, _ in f.facts]
        for t in context.inputs:
            if t not in context.wrt:
                lines.append(f"Variable {context.name(t)} : {context.type(t)}.")
                lines += [f"Hypothesis {name} : {fact}." for name, fact, _ in context.facts(t)]
        lines += [text for t in self.defined if (text := self._definition(t))]
        lines += [self.theorem(w, f"gradient_{context.name(w)}") for w in context.wrt]
        return "\n".join(lines)

