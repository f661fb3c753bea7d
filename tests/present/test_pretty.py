"""The Unicode view: what it prints for textbook cases, and that it is read back to its numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from present_cases import EXPRESSIONS, MATRICES
from test_gradients import CASES
from test_read_back import MODELS
from unicode_entries import numbers
from unicode_reader import read

import mathdl as md
from mathdl.book import load_book
from mathdl.book.checking import derivation_of
from mathdl.ir.system import inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.present.document import Document
from mathdl.present.entries import by_entries, definition, equation_by_entries
from mathdl.present.glyphs import spelled
from mathdl.present.layout import layout
from mathdl.present.text import measure
from mathdl.present.tree import Formula, Name, Sequenced
from mathdl.proof.evaluate import Evaluator
from mathdl.proof.instances import dims_of, instance

BOOK = load_book()


@cache
def derived(name: str) -> md.Derivation:
    return derivation_of(next(entry for entry in BOOK if entry.name == name))


def document_of(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> Document:
    return layout(tensors, names, measure)


def deep(tensors: Sequence[Tensor]) -> bool:
    return not any(1 in t.shape for t in topological(tensors))


# -- read back ------------------------------------------------------------------------------------


def printed(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> list[tuple[Name, Any]]:
    """The definitions, then the values as ``value0`` and so on."""
    document = document_of(tensors, names)
    values = [(Name(f"value{k}", v.ndim), v) for k, v in enumerate(document.values)]
    return [*document.definitions, *values]


def read_back(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> list[Tensor]:
    """What is printed, read; no recurrence, and no formula over indices."""
    known: dict[str, Any] = {}
    for t in topological(tensors):
        if t.is_input:
            known[spelled(t.name or "")] = t
        for dim in (d for d in t.shape if not isinstance(d, int)):
            known |= {spelled(s.name): md.dims(s.name) for s in dim.free_symbols}
    shapes = {f"value{k}": t.shape for k, t in enumerate(tensors)}
    for name, node in printed(tensors, names):
        left, right = definition(name, node, deep(tensors)).split(" = ", 1)
        if deep(tensors) and by_entries(node):
            letters, right = equation_by_entries(node)
            assert left.startswith(spelled(name.text))
            index = [md.indices(letter) for letter in letters]
            if name.text in shapes:
                index = [(i, 0, n - 1) for i, n in zip(index, shapes[name.text], strict=True)]
            entry = read(right, known, letters)
            known[spelled(name.text)] = md.equation("entry", tuple(index), entry)
        else:
            known[spelled(name.text)] = as_tensor(read(right, known))
    return [known[spelled(f"value{k}")] for k in range(len(tensors))]


def by_index(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> bool:
    """Whether there is a recurrence, or a formula over indices."""
    return any(isinstance(node, Formula | Sequenced) for _, node in printed(tensors, names))


def read_entries(
    tensors: Sequence[Tensor], names: Mapping[Tensor, str], at: Evaluator
) -> list[Any]:
    """The numbers of what is printed, read entry by entry."""
    lines = [definition(name, node, deep(tensors)) for name, node in printed(tensors, names)]
    inputs = inputs_of(tensors)
    arrays = {spelled(t.name or ""): at.value(t) for t in inputs}
    integers = {spelled(t.name or "") for t in inputs if "integer" in t.assume}
    sizes = {spelled(s.name): at.sizes[s] for s in dims_of(tensors)[0]}
    wanted = [spelled(f"value{k}") for k in range(len(tensors))]
    return numbers(lines, arrays, sizes, integers, wanted)


def same_numbers(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> None:
    """What is printed gives the same numbers."""
    entries = by_index(tensors, names)
    found = [] if entries else read_back(tensors, names)
    compared = 0
    for seed in range(2 if entries else 4):
        at = instance([*tensors, *found], seed, ("any sign", "positive")[seed % 2])
        try:
            values = read_entries(tensors, names, at) if entries else map(at.value, found)
            pairs = [(at.value(t), v) for t, v in zip(tensors, values, strict=True)]
        except np.linalg.LinAlgError:
            continue
        for expected, value in pairs:
            if not (np.all(np.isfinite(expected)) and np.all(np.isfinite(value))):
                continue
            compared += 1
            scale = max(float(np.max(np.abs(expected), initial=0)), 1e-3)
            assert np.shape(value) == np.shape(expected)
            np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9 * scale)
    assert compared >= len(tensors)


@pytest.mark.parametrize("text", [text for text, _ in EXPRESSIONS])
def test_an_expression_is_read_back(text: str) -> None:
    same_numbers([md.parse(text, MATRICES)], {})


@pytest.mark.parametrize("entry", BOOK, ids=lambda entry: entry.name)
def test_a_derivation_of_the_book_is_read_back(entry: Any) -> None:
    D = derived(entry.name)
    same_numbers(list(D.derivatives.values()), D.names)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_worked_case_is_read_back(case: dict[str, Any]) -> None:
    D = md.derive(md.parse(case["expr"], case["shapes"], case["constraints"]), case["wrt"],
                  order=case["order"])
    same_numbers(list(D.derivatives.values()), D.names)


@pytest.mark.parametrize("name", MODELS)
def test_a_recurrence_is_read_back(name: str) -> None:
    text, shapes, wrt = MODELS[name]
    loss = md.parse(text, shapes, {"ids": "integer"} if "ids" in shapes else {})
    D = md.derive(loss, wrt.split())
    same_numbers(list(D.derivatives.values()), D.names)


# -- the reader refuses what is wrong -------------------------------------------------------------

LINES = ["h₋₁ = 0ₖ", "hₜ = tanh(U hₜ₋₁ + xₜ)   (t < T)",
         "t₁[i,j] = ∑ₗ U[i,l] [j ≥ l]   (i < k, j < k, l < k)", "value₀ = t₁ h[T−1]"]


def of_lines(lines: Sequence[str]) -> Any:
    rng = np.random.default_rng(3)
    arrays = {"U": rng.normal(size=(2, 2)), "x": rng.normal(size=(3, 2))}
    return numbers(lines, arrays, {"k": 2, "T": 3}, (), ["value₀"])[0]


@pytest.mark.parametrize(("before", "after"), [
    ("ₜ₋₁", "ₜ"), ("h₋₁", "h₋₂"), ("0ₖ", "1ₖ"), ("+ xₜ", "− xₜ"), ("t < T", "t < k"),
    ("U[i,l]", "U[l,i]"), ("≥", ">"), ("l < k)", "l < 1)"), ("T−1", "T−2"), ("∑ₗ", "∏ₗ"),
])
def test_an_altered_recurrence_or_formula_is_refused(before: str, after: str) -> None:
    altered = [line.replace(before, after) for line in LINES]
    assert altered != LINES
    right = of_lines(LINES)
    try:
        found = of_lines(altered)
    except (AssertionError, KeyError, RecursionError, StopIteration, md.MathDLError):
        return
    assert not np.allclose(found, right)
