"""What a certificate is about: a derivation's quantities with names, and how they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sympy import Symbol

from mathdl.errors import UnsupportedError
from mathdl.formal.coq import COMPARED, RESERVED, Text, nat, put_in
from mathdl.formal.extremes import FOLDED, layers
from mathdl.formal.functions import Assumed, assumed, need_text
from mathdl.formal.loops import unrolled, with_loops
from mathdl.formal.matrices import inverse_in, matrix_of, primitive
from mathdl.formal.stages import Stage
from mathdl.formal.system import Condition, Equations, plain, shared_inputs
from mathdl.formal.terms import Normal, entry, fresh
from mathdl.ir.assumptions import UNIT_ROWS
from mathdl.ir.index import out_indices
from mathdl.ir.steps import Rewrite, Step, tensors_of
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.proof.proof import Proof

Tactics = list[str]


@dataclass
class Lemma:
    """A named statement with its proof, the lemmas that it uses, and a hint to find it by."""

    name: str
    statement: str
    proof: Tactics | Callable[[], Tactics]
    uses: Sequence[Lemma] = ()
    hint: str = ""
    note: str = ""

    def text(self) -> str:
        proof = self.proof() if callable(self.proof) else self.proof
        body = "\n".join(f"  {line}" for line in proof)
        hint = f"\n#[local] {self.hint}" if self.hint else ""
        note = f"(* {self.note} *)\n" if self.note else ""
        return f"{note}Lemma {self.name} : {self.statement}.\nProof.\n{body}\nQed.{hint}"


def in_order(lemmas: Iterable[Lemma]) -> list[Lemma]:
    """The lemmas and all that they use, each after what it uses."""
    found: dict[str, Lemma] = {}

    def visit(lemma: Lemma) -> None:
        if lemma.name not in found:
            for used in lemma.uses:
                visit(used)
            found[lemma.name] = lemma

    for lemma in lemmas:
        visit(lemma)
    return list(found.values())


def arrow(rank: int, entries: str = "R") -> str:
    """The type of a tensor of this rank."""
    return "nat -> " * rank + entries


def read_twice(roots: Iterable[Tensor]) -> list[Tensor]:
    """What is read in more than one place below the roots, inputs aside."""
    below = topological(list(dict.fromkeys(roots)))
    reads = Counter(a.tensor for t in below for a in t.operands)
    return [t for t in below if reads[t] > 1 and not t.is_input]


@dataclass
class Context:
    """One derivation: its value, its derivatives, and the equations of both as terms.

    ``plain`` has for every tensor of the proof the one that stands for it here: what is held
    constant is put to zero, and inputs of one name are one.
    """

    proof: Proof
    stage: Stage
    plain: dict[Tensor, Tensor] = field(default_factory=dict)
    prefix: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        proof, stage = self.proof, self.stage
        steps: list[Step] = [*(step for _, step in self.rewritings()), *stage.pulls,
                             *stage.totals]
        everything = [t for step in steps for t in tensors_of(step)]
        everything += [stage.value, stage.prepared, *stage.raw.values(), *stage.results.values()]
        inputs = shared_inputs(everything)
        self.plain.update(zip(everything, plain(unrolled(everything), inputs), strict=True))
        self.inputs = list(inputs.values())
        wanted = list(stage.results)
        if missing := [n for n in wanted if n not in inputs]:
            raise UnsupportedError(f"no certificate by {missing[0]}: it is not an input here")
        self.wrt = tuple(inputs[n] for n in wanted)
        self.value = self.plain[stage.value]
        self.prepared = self.plain[stage.prepared]
        self.raw = {name: self.plain[t] for name, t in stage.raw.items()}
        self.results = {name: self.plain[t] for name, t in stage.results.items()}
        self.system = Equations(self.wrt)
        self.text = Text({})
        self.normal = Normal(self.system.ranges, inside=self.system.inside,
                             labels=self.system.labels)
        self.binary: set[str] = set()
        hints = dict(zip(read_twice([self.value, *self.results.values()]),
                         (f"u{k}" for k in count(1)), strict=False))
        self.add([*self.inputs, *self.plain.values()],
                 hints | {self.plain.get(t, t): n for t, n in (*proof.hints.items(),
                                                               *proof.names.items())})
        for t in self.inputs:
            if "binary" in t.assume:
                self.binary.add(self.name(t))
            if t.assume & UNIT_ROWS:
                self.normal.units[self.name(t)] = f"{self.name(t)}_unit"
            if "symmetric" in t.assume and t.ndim == 2:
                self.normal.symmetric[self.name(t)] = f"{self.name(t)}_symmetric"
        self.add([inverse_in(t) for t in topological([self.prepared]) if primitive(t)])
        self.prefix = tuple(Symbol(f"o{k}", integer=True, nonnegative=True)
                            for k in range(self.value.ndim))
        self.normal.ranges.update(zip(self.prefix, self.value.shape, strict=True))

    def rewritings(self) -> list[tuple[int, Rewrite]]:
        """The simplifications with their numbers, but for those inside of the steps of loops."""
        known = {t.name for t in inputs_of([self.stage.value, self.stage.prepared])}
        return [(line.number, line.step) for line in self.proof.lines
                if isinstance(line.step, Rewrite)
                and known >= {t.name for t in inputs_of([line.step.before, line.step.after])}]

    def add(self, tensors: Iterable[Tensor], hints: dict[Tensor, str] | None = None) -> None:
        """Name tensors and what is below them."""
        tensors = [t for t in tensors if t not in self.system.names]
        if not tensors:
            return
        tensors = with_loops(tensors)
        self.system.add(tensors, hints or {})
        for t in topological(tensors):
            if not t.is_input:
                self.text.heads[self.name(t)] = self.applied(t)

    def name(self, t: Tensor) -> str:
        return self.system.names[t]

    def applied(self, t: Tensor, suffix: str = "") -> str:
        """A quantity with the inputs that move as its arguments, at the point or ``_at t``."""
        points = [self.name(w) + suffix for w in self.system.moving[t]]
        if t in self.wrt:
            return points[0]
        return " ".join([self.name(t), *(f"({p})" if suffix else p for p in points)])

    def moved(self, t: Tensor, index: Iterable[Any]) -> str:
        """An entry along the curve, as text in ``t``."""
        text = Text({**self.text.heads, self.name(t): self.applied(t, "_at t")})
        return text.real(self.system.entry(t, index))

    def entry(self, t: Tensor) -> Any:
        """The entry at the canonical indices."""
        index = out_indices(t.ndim)
        self.normal.ranges.update(zip(index, t.shape, strict=True))
        return self.system.entry(t, index)

    def dot(self, t: Tensor, index: Iterable[Any]) -> Any:
        """The derivative of an entry along the curve."""
        return entry(f"{self.name(t)}_dot", tuple(index))

    def fresh_index(self, t: Tensor) -> tuple[Any, ...]:
        found = tuple(fresh() for _ in t.shape)
        self.normal.ranges.update(zip(found, t.shape, strict=True))
        return found

    def over(self, t: Tensor, skipped: int = 0) -> str:
        """``forall i0 i1 : nat, (i0 < n)%nat -> `` ... without some of the first axes."""
        index = out_indices(t.ndim)[skipped:]
        if not index:
            return ""
        return f"forall {' '.join(map(str, index))} : nat, " + "".join(
            f"({i} < {nat(d)})%nat -> " for i, d in zip(index, t.shape[skipped:], strict=True))

    def definition(self, t: Tensor, text: Text | None = None, level: int = 0) -> str:
        index = out_indices(t.ndim)
        points = "".join(f" ({self.name(w)} : {arrow(w.ndim)})" for w in self.system.moving[t])
        axes = f" ({' '.join(map(str, index))} : nat)" if index else ""
        body = self.right_hand_side(t, index, text, level)
        return f"Definition {self.name(t)}{points}{axes} : R := {body}."

    def matrix(self, t: Tensor, suffix: str = "") -> str:
        """A matrix as a whole, after its length."""
        return f"{nat(t.shape[-1])} ({self.applied(t, suffix)})"

    def right_hand_side(self, t: Tensor, index: Sequence[Any], text: Text | None = None,
                        level: int = 0) -> str:
        """What an entry is by definition, as text: the definition's own, with the indices put in.

        SymPy orders factors by the names of indices, so this is not the text of the term.
        """
        if name := primitive(t):
            return f"({' '.join([name, self.matrix(matrix_of(t)), *map(nat, index)])})"
        body = (text or self.text).real(self.system.term(t, out_indices(t.ndim)), level)
        return put_in(body, tuple(index))

    def sign_lemma(self, t: Tensor, always: bool) -> Lemma | None:
        """The sign of a quantity wherever the inputs are, or at the point only."""
        sign = self.system.always[t] if always else self.system.signs[t]
        if t.is_input or not sign or (not always and sign == self.system.always[t]):
            return None
        points = "".join(f"forall {self.name(w)} : {arrow(w.ndim)}, "
                         for w in self.system.moving[t] if always)
        relation, tactic = ("<", "pos") if sign == "positive" else ("<=", "nonneg")
        label = f"sign_{self.name(t)}" if always else f"sign_here_{self.name(t)}"
        return Lemma(label, f"{points}{self.over(t)}0 {relation} {self.text.real(self.entry(t))}",
                     [f"intros. unfold {self.name(t)}. {tactic}."],
                     hint=f"Hint Resolve {label} : signs.")

    def type(self, t: Tensor) -> str:
        """The type of an input."""
        return arrow(t.ndim, "nat" if t in self.system.natural else "R")

    def facts(self, t: Tensor) -> list[tuple[str, str, str]]:
        """What is assumed of an input: names, statements, and what is told by it, if a hint."""
        name, index = self.name(t), out_indices(t.ndim)
        applied = " ".join([name, *map(str, index)])
        found = []
        if sign := self.system.signs[t]:
            relation = "<" if sign == "positive" else "<="
            found.append((f"{name}_sign", f"{self.over(t)}0 {relation} {applied}", "signs"))
        if "binary" in t.assume:
            cases = f"{applied} = 0 \\/ {applied} = 1"
            found.append((f"{name}_binary", f"{self.over(t)}{cases}", ""))
        if "symmetric" in t.assume and t.ndim == 2:
            swapped = " ".join([name, *map(str, reversed(index))])
            found.append((f"{name}_symmetric", f"{self.over(t)}{applied} = {swapped}", ""))
        if t.assume & UNIT_ROWS:
            front = "".join(f"forall {i} : nat, ({i} < {nat(d)})%nat -> "
                            for i, d in zip(index[:-1], t.shape[:-1], strict=True))
            row = " ".join([name, *map(str, index[:-1]), "j"])
            found.append((f"{name}_unit",
                          f"{front}sumf {nat(t.shape[-1])} (fun j => {row}) = 1", ""))
        for dim in self.system.below.get(t, ()):
            found.append((f"{name}_below_{len(found)}",
                          f"{self.over(t)}({applied} < {nat(dim)})%nat", "ranges"))
        return found

    def condition(self, c: Condition, text: Text | None = None) -> str:
        front = "".join(f"forall {i} : nat, ({i} < {nat(d)})%nat -> " for i, d in c.indices
                        if i in c.term.free_symbols)
        shown = text or self.text
        if c.kind == "invertible":
            return f"det {self.matrix(self.system.tensor(c.term))} <> 0"
        if c.kind == "definite":
            t = self.system.tensor(c.term)
            return (f"forall k : nat, (k < {nat(t.shape[-1])})%nat -> "
                    f"0 < pivot ({self.applied(t)}) k")
        if c.kind == "unique":
            dims, symbols, body = layers(c.term)
            name = f"unique_{FOLDED[type(c.term)][:3]}{len(dims) if dims[1:] else ''}"
            return (f"{front}{name} {' '.join(map(nat, dims))} "
                    f"(fun {' '.join(map(str, symbols))} => {shown.real(body)})")
        if c.kind == "nonzero":
            return f"{front}{shown.real(c.term, COMPARED - 1)} <> 0"
        return front + need_text((c.kind, c.term), shown)

    def assumed(self) -> list[Assumed]:
        """The functions that Coq lacks, with what is assumed of them."""
        differentiated = [t for t in topological([self.value, self.prepared])
                          if self.system.moving[t]]
        return assumed(*([t.definition.body for t in ts if t.definition is not None]
                          for ts in (self.system.names, differentiated)))

    def dims(self) -> list[str]:
        """The dims that occur, in alphabetical order."""
        extents = [d for t in self.system.names if t.definition is not None
                   for d in t.definition.extents]
        shapes = [d for t in self.system.names for d in t.shape]
        found = {str(s) for d in (*shapes, *extents) for s in getattr(d, "free_symbols", ())}
        if taken := sorted(found & RESERVED):
            raise UnsupportedError(f"no certificate with a dim named {taken[0]}: that is a word of "
                                   "Coq's; another name will do")
        return sorted(found)
