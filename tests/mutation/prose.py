"""Reads the prose around a document's formulas: of what inputs it speaks, and where it holds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from latex_parser import Parser
from latex_reader import Reader, name_of
from latex_tokens import plain

from mathdl.derivation import Derivation
from mathdl.errors import MathDLError
from mathdl.ir.assumptions import ASSUMPTIONS, closure
from mathdl.ir.tensor import Tensor
from mathdl.present.latex_document import both_sides
from mathdl.present.statements import statements
from mathdl.proof.evaluate import Evaluator
from mathdl.proof.instances import dims_of

Arrays = Mapping[str, Any]
LET = re.compile(r"\\begin\{theorem\}\nLet (.*?)(?: and define\n|\. Then\n)", re.S)
DECLARED = re.compile(
    r"\$([^$]*?) \\in \\mathbb\{([RZ])\}(?:\^\{([^$]*)\})?\$(?: \(([^()]*)\))?(?:, )?")
HOLD = re.compile(
    r"The steps hold wherever, for every entry,\n\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", re.S)
CONDITION = re.compile(r"(.*?) (\\ne 0|> 0)(?: |$)", re.S)
KINDS = {r"\ne 0": "nonzero", "> 0": "positive"}
CLOSE = 1e-9


def of_document(document: str) -> str:
    """Its prose: the sentence that declares the inputs, and where the steps hold."""
    found = (pattern.search(document) for pattern in (LET, HOLD))
    return "\n".join(part[0] for part in found if part is not None)


def declarations(D: Derivation, document: str, arrays: Arrays, dims: Mapping[str, int]) -> None:
    """Every input is declared once: in its space, with what is assumed of it."""
    said = LET.search(document)
    assert said is not None
    sizes = Reader("L &= 0", {}, dims)
    found = {}
    for name, ring, space, facts in DECLARED.findall(said[1]):
        parts = space.split(r" \times ") if space else []
        shape = tuple(int(sizes.read(Parser(part, set(dims)).whole()).array) for part in parts)
        known = {f.replace(" ", "_") for f in facts.split("; ") if f}
        assert plain(name) not in found, name
        found[plain(name)] = shape, ring, _known(known)
    assert DECLARED.sub("", said[1]) == "", said[1]
    read = {t.name for t in D.proof.inputs([*D.outputs.values(), *D.written])}
    expected = {
        name_of(t.name or ""): (np.shape(arrays[t.name]), "Z" if "integer" in t.assume else "R",
                                _known(t.assume))
        for t in D.inputs if t.name in read}
    assert found == expected, (found, expected)


def _known(assumed: Iterable[str]) -> frozenset[str]:
    """All that follows from what is assumed, without what only guides sampling or is a space."""
    return closure(a for a in assumed if not ASSUMPTIONS[a].hint) - {"integer"}


def conditions(
    D: Derivation, document: str, detail: str, arrays: Arrays, dims: Mapping[str, int]
) -> None:
    """What is said to be positive, or not 0, is so by the proof; what is left out always is."""
    needed = {(c.kind, c.tensor) for line in D.proof.lines for c in line.conditions
              if c.kind in KINDS.values()}
    at = _evaluator([t for _, t in needed], arrays, dims)
    values = {(kind, t): _entries(at.value(t)) for kind, t in needed}
    said = list(_said(D, document, detail, arrays, dims))
    for kind, entries in said:
        assert any(k == kind and _same(entries, v) for (k, _), v in values.items()), kind
    for (kind, tensor), entries in values.items():
        if not any(k == kind and _same(entries, v) for k, v in said):
            for other in _others(D, arrays):
                assert _positive(tensor, other, dims), f"nothing is said of what must be {kind}"


def _said(
    D: Derivation, document: str, detail: str, arrays: Arrays, dims: Mapping[str, int]
) -> Iterator[tuple[str, Any]]:
    held = HOLD.search(document)
    if held is None:
        return
    lines = " ".join(re.sub(r"\\fit\{[\d.]+em\}\{(.*)\}(?= \\ne 0| > 0|$)", r"\1", line)
                     .removeprefix("& ") for line in held[1].split(" \\\\\n"))
    found = CONDITION.findall(re.sub(r"\\[bB]ig+[lr] ?", "", lines).replace(" {} ", " "))
    assert found, "conditions are announced, and none is stated"
    rows = [f"{left} &= {sides[-1]}" for s in statements(D.proof, D.proof.names, detail)
            if s.left is not None and s.of is None for left, sides in [both_sides(s)]]
    rows += [f"condition_{{{k}}} &= {formula}" for k, (formula, _) in enumerate(found)]
    read = Reader(" \\\\\n".join(rows), arrays, dims)
    for k, (_, sign) in enumerate(found):
        yield KINDS[sign], _entries(read.known[f"condition{k}"].array)


def _evaluator(tensors: list[Tensor], arrays: Arrays, dims: Mapping[str, int]) -> Evaluator:
    sizes = {s: dims[s.name] for s in dims_of(tensors)[0]}
    return Evaluator(lambda t: np.asarray(arrays[t.name or ""], dtype=float), sizes)


def _others(D: Derivation, arrays: Arrays) -> Iterator[Arrays]:
    """The arrays, the same with other signs, and zeros, each where nothing forbids it."""
    free = {t.name for t in D.inputs if not t.assume}
    signed = {t.name for t in D.inputs if t.assume <= {"nonnegative"}}
    yield arrays
    yield {k: -np.asarray(a) if k in free else a for k, a in arrays.items()}
    yield {k: np.zeros(np.shape(a)) if k in signed else a for k, a in arrays.items()}


def _positive(tensor: Tensor, arrays: Arrays, dims: Mapping[str, int]) -> bool:
    try:
        with np.errstate(all="ignore"):
            value = _evaluator([tensor], arrays, dims).value(tensor)
    except (MathDLError, np.linalg.LinAlgError):
        return True
    return bool(np.all(~np.isfinite(value) | (value > 0)))


def _entries(array: Any) -> Any:
    """The entries, each once: a condition is on what an array is made of."""
    return np.unique(np.asarray(array, dtype=float))


def _same(one: Any, other: Any) -> bool:
    """Whether two arrays have the same entries, to rounding."""
    return all(np.min(np.abs(a - x)) <= CLOSE*max(1, abs(x))
               for a, b in ((one, other), (other, one)) for x in b)

