"""The Unicode view: what it prints for textbook cases, and that it is read back to its numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np
import pytest
from present_cases import EXPRESSIONS, MATRICES
from test_gradients import CASES
from unicode_reader import read

import mathdl as md
from mathdl.book import load_book
from mathdl.book.checking import derivation_of
from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.present.document import Document
from mathdl.present.entries import by_entries, definition, equation_by_entries
from mathdl.present.glyphs import spelled
from mathdl.present.layout import layout
from mathdl.present.text import measure
from mathdl.present.tree import Formula, Name, Sequenced
from mathdl.proof.instances import instance

BOOK = load_book()


@cache
def derived(name: str) -> md.Derivation:
    return derivation_of(next(entry for entry in BOOK if entry.name == name))


def document_of(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> Document:
    return layout(tensors, names, measure)


def deep(tensors: Sequence[Tensor]) -> bool:
    return not any(1 in t.shape for t in topological(tensors))


# -- read back ------------------------------------------------------------------------------------


def read_back(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> list[Tensor] | None:
    """What is printed, read; None where there is a recurrence or an index formula."""
    document = document_of(tensors, names)
    nodes = [node for _, node in document.definitions]
    if any(isinstance(node, Formula | Sequenced) for node in (*nodes, *document.values)):
        return None
    known: dict[str, Any] = {}
    for t in topological(tensors):
        if t.is_input:
            known[spelled(t.name or "")] = t
        for dim in (d for d in t.shape if not isinstance(d, int)):
            known |= {spelled(s.name): md.dims(s.name) for s in dim.free_symbols}
    printed = [(name, node) for name, node in document.definitions]
    printed += [(Name(f"value{k}", v.ndim), v) for k, v in enumerate(document.values)]
    shapes = {f"value{k}": t.shape for k, t in enumerate(tensors)}
    for name, node in printed:
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
    return [known[spelled(f"value{k}")] for k in range(len(document.values))]


def same_numbers(tensors: Sequence[Tensor], names: Mapping[Tensor, str]) -> bool:
    """Whether there was something to read; it gave the same numbers."""
    found = read_back(tensors, names)
    if found is None:
        return False
    compared = 0
    for seed in range(4):
        at = instance([*tensors, *found], seed, ("any sign", "positive")[seed % 2])
        for one, other in zip(tensors, found, strict=True):
            try:
                expected, value = at.value(one), at.value(other)
            except np.linalg.LinAlgError:
                continue
            if not np.all(np.isfinite([expected, value])):
                continue
            compared += 1
            scale = max(float(np.max(np.abs(expected), initial=0)), 1e-3)
            np.testing.assert_allclose(value, expected, rtol=0, atol=1e-9 * scale)
    assert compared >= len(tensors)
    return True


@pytest.mark.parametrize("text", [text for text, _ in EXPRESSIONS])
def test_an_expression_is_read_back(text: str) -> None:
    assert same_numbers([md.parse(text, MATRICES)], {})


@pytest.mark.parametrize("entry", BOOK, ids=lambda entry: entry.name)
def test_a_derivation_of_the_book_is_read_back(entry: Any) -> None:
    D = derived(entry.name)
    read = same_numbers(list(D.derivatives.values()), D.names)
    assert read or re.search(r"\[[^\]=]*<", D.text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_a_worked_case_is_read_back(case: dict[str, Any]) -> None:
    D = md.derive(md.parse(case["expr"], case["shapes"], case["constraints"]), case["wrt"],
                  order=case["order"])
    read = same_numbers(list(D.derivatives.values()), D.names)
    assert read or re.search(r"\[[^\]=]*<", D.text())
