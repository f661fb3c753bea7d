"""What is known of the matrices of a certificate, as lemmas that normal forms may use."""

from __future__ import annotations

from typing import Any

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Context, Lemma, arrow
from mathdl.formal.matrices import Fact, fact, invertible, matrix_of, primitive
from mathdl.formal.prover import Prover
from mathdl.ir.index import out_indices
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.simplify.networks import is_symmetric


class MatrixFacts:
    """The facts about inverses and determinants, those that hold wherever the inputs are and
    those that hold at the point."""

    def __init__(self, context: Context, prover: Prover) -> None:
        self.context, self.prover = context, prover
        self.everywhere: list[Lemma] = []
        self.here: list[Lemma] = []
        made = [t for t in topological([*context.system.names]) if primitive(t)]
        context.add([f.other for t in made if (f := fact(t)) is not None])
        for t in topological([*context.system.names]):
            if primitive(t):
                self._facts(t)
        self.here += self._invertible(made)

    def _facts(self, t: Tensor) -> None:
        if (found := fact(t)) is not None:
            self._is(t, found)
        elif primitive(t) == "inv" and is_symmetric(matrix_of(t)):
            self._symmetric(t)

    def _is(self, t: Tensor, found: Fact) -> None:
        """The inverse or determinant of a transpose or of an inverse."""
        context, name, index = self.context, self.context.name(t), out_indices(t.ndim)

        def other(term: Any) -> Any:
            return found.change(context.system.entry(found.other, found.index(term.args)))

        label = f"{name}_is"
        left = context.entry(t)
        real = context.text.real
        places = "".join(f" {i}" for i in index)
        ranges = " ltac:(range)" * t.ndim
        self.everywhere.append(Lemma(
            label, f"{self._points(t)}{context.over(t)}{real(left)} = {real(other(left))}",
            [f"intros. exact ({found.lemma} {context.matrix(found.matrix)}{places}{ranges})."]))
        context.normal.facts[name] = label, other

    def _symmetric(self, t: Tensor) -> None:
        """The inverse of a symmetric matrix."""
        context, prover = self.context, self.prover
        matrix, (i, j) = matrix_of(t), out_indices(2)
        context.entry(matrix)
        a, b = (context.system.entry(matrix, e) for e in ((i, j), (j, i)))
        what = f"the symmetry of {context.name(matrix)}"
        try:
            proof = prover.equal(a, b, (i, j), what)
        except UnsupportedError:
            return
        of_point = any("symmetric" in w.assume for w in context.system.moving[t])
        lemmas = self.here if of_point else self.everywhere
        points = "" if of_point else self._points(t)
        real = context.text.real
        name, even = context.name(t), f"{context.name(matrix)}_even"
        lemmas.append(Lemma(even, f"{points}{context.over(matrix)}{real(a)} = {real(b)}",
                            ["intros.", *proof], note=what))
        c, d = (context.system.entry(t, e) for e in ((i, j), (j, i)))
        lemmas.append(Lemma(
            f"{name}_symmetric", f"{points}{context.over(t)}{real(c)} = {real(d)}",
            [f"intros. apply (inv_symmetric {context.matrix(matrix)}); "
             f"[intros ? ? ? ?; apply {even}; range | range | range]."]))
        context.normal.symmetric[name] = f"{name}_symmetric"

    def _invertible(self, made: list[Tensor]) -> list[Lemma]:
        """Transposes and inverses of invertible matrices are invertible, and Cholesky factors."""
        found: dict[str, Lemma] = {}
        for t in (t for t in made if primitive(t) != "cholesky"):
            for matrix, inner, lemma in invertible(matrix_of(t)):
                label = f"invertible_{self.context.name(matrix)}"
                found.setdefault(label, Lemma(
                    label, f"det {self.context.matrix(matrix)} <> 0",
                    [f"apply ({lemma} {self.context.matrix(inner)}). known."],
                    hint=f"Hint Resolve {label} : signs."))
        return list(found.values())

    def _points(self, t: Tensor) -> str:
        return "".join(f"forall {self.context.name(w)} : {arrow(w.ndim)}, "
                       for w in self.context.system.moving[t])
