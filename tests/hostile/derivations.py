"""Derivations of all notations, and all that is printed of them, as a command too."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from corpus import FURTHER, Case, corpus

import mathdl as md
from mathdl.errors import MathDLError

T, n, d, h = md.dims("T n d h")


def by_operators() -> Any:
    X, W, b = md.tensor("X", n, d), md.tensor("W", d, h), md.tensor("b", h)
    Y = md.tensor("Y", n, h, assume="one_hot")
    P = md.softmax(X @ W + b).named("P")
    return md.derive(-md.sum(Y * md.log(P)) / n, wrt=["W", "b"])


def by_scan() -> Any:
    x, U, V = md.tensor("x", T, n), md.tensor("U", n, h), md.tensor("V", h, h)

    def cell(state: Any, entry: Any) -> Any:
        new = md.tanh(entry @ U + state @ V)
        return new, new

    _, states = md.scan(cell, md.zeros(h), x)
    return md.derive(md.sum((states - md.tensor("target", T, h)) ** 2), wrt=["V", "U"])


def by_indices() -> Any:
    i, j, k = md.indices("i j k")
    B, A = md.tensor("B", d, d), md.tensor("A", n, d)
    return md.derive(
        md.equation("q", (), md.Sum(A[i, k] * B[k, j] * A[i, j], i, j, k)), wrt=["B", "A"])


def by_vmap() -> Any:
    w, A = md.tensor("w", d), md.tensor("A", n, d)
    return md.derive(md.sum(md.vmap(lambda row: md.tanh(row @ w))(A) ** 2), wrt="w")


def by_constants() -> Any:
    """Constants that SymPy evaluates by mpmath."""
    return md.derive(md.parse("sum(x)*erf(7/3)*digamma(11/7) + gammaln(13/3)*x @ x", "x: n"), "x")


PYTHON: tuple[Callable[[], Any], ...] = (by_operators, by_scan, by_indices, by_vmap, by_constants)


def problems(step: int) -> list[Any]:
    """Each ``step``-th of the corpus, with all notations; 0: the notations of Python alone."""
    if not step:
        return [*PYTHON, FURTHER[0]]
    return [*PYTHON, *FURTHER, *corpus()[len(FURTHER) :: step]]


def derivation(problem: Any) -> Any:
    if not isinstance(problem, Case):
        return problem()
    return md.derive(md.parse(problem.text, problem.shapes, problem.assume), problem.wrt,
                     problem.order)


def printed(problem: Any, full: bool = True) -> dict[str, str]:
    """Everything that is printed of a derivation."""
    try:
        D = derivation(problem)
    except MathDLError as error:
        return {"error": str(error)}
    code = D.compile()
    found = {"source": code.source, "inputs": ", ".join(code.inputs), "text": D.text(),
             "latex": D.latex(), "json": json.dumps(D.to_dict())}
    if full:
        found |= {"document": D.latex(standalone=True), "html": D.html("full"),
                  "markdown": D.markdown("full"), "pretty": D.pretty("full"),
                  "proof": D.proof.text()}
    return found


def digests(problem: Any, full: bool = True) -> dict[str, str]:
    return {kind: hashlib.sha256(text.encode()).hexdigest()
            for kind, text in printed(problem, full).items()}


def in_order(step: int, seed: int) -> list[dict[str, str]]:
    """The digests of the problems, worked on in an order of one's own after some noise."""
    found: dict[int, dict[str, str]] = {}
    chosen = problems(step)
    order = list(range(len(chosen)))
    Random(seed).shuffle(order)
    names = ["b", "W", "Y", "X", "V", "U", "A", "w", "B", "target"]
    Random(seed).shuffle(names)
    kept = [md.tensor(name, *shape) for name in names
            for shape in [(d,), (n, d), (d, h), (h, h), (n, h), (T, h), (d, d), (h,), (T, n)]]
    for k in order:
        found[k] = digests(chosen[k])
    assert kept
    return [found[k] for k in range(len(chosen))]


def main(arguments: Sequence[str]) -> None:
    print(json.dumps(in_order(int(arguments[0]), int(arguments[1]))))


if __name__ == "__main__":
    main(sys.argv[1:])
