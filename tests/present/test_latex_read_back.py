"""Printed LaTeX is read by a reader of its own and gives the engine's numbers.

Every derivation of the book, every worked case and recurrences; and an altered formula is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
from latex_reader import Reader
from latex_tokens import Unreadable
from test_gradients import CASES, instance
from test_read_back import MODELS, SIZES, values

import mathdl as md
from mathdl.book import load_book
from mathdl.book.checking import ATTEMPTS, _evaluate, derivation_of
from mathdl.derivation import Derivation, compile_expression
from mathdl.verify import choose_dims, sample

ENTRIES = load_book()
UNREAD: dict[str, str] = {}  # what cannot be read, and why; may only shrink


def agree(derivation: Derivation, latex: str, arrays: Mapping[str, Any], dims: Any) -> None:
    """The numbers that are read are the engine's: values and derivatives."""
    found = Reader(latex, arrays, dims)
    expected = [*derivation.outputs.values()][: len(found.values)]
    pairs = [*zip(expected, found.values, strict=True),
             *zip(derivation.derivatives.values(), found.derivatives, strict=True)]
    given = {t.name: arrays[t.name].astype(int) if "integer" in t.assume else arrays[t.name]
             for t in derivation.inputs}
    for tensor, read in pairs:
        wanted = _evaluate(compile_expression(tensor), given, dims)
        scale = max(float(np.max(np.abs(wanted), initial=0)), 1e-3)
        spread = np.broadcast_to(read.array, wanted.shape)
        np.testing.assert_allclose(spread, wanted, rtol=0, atol=1e-8 * scale)


@cache
def of_book(name: str) -> tuple[Derivation, Any, Any]:
    derivation = derivation_of(next(entry for entry in ENTRIES if entry.name == name))
    tensors = [*derivation.outputs.values(), *derivation.derivatives.values(), *derivation.inputs]
    dims = next(iter(choose_dims(tensors, count=1, rng=np.random.default_rng(3))))
    codes = [compile_expression(t) for t in tensors]
    for manner in ATTEMPTS:
        drawn = sample(list(derivation.inputs), dims, np.random.default_rng(5), outputs=tensors,
                       manner=manner)
        arrays = {k: np.asarray(a) for k, a in drawn.items()}
        with np.errstate(all="ignore"):
            if all(np.all(np.isfinite(_evaluate(code, arrays, dims))) for code in codes):
                return derivation, arrays, dims
    raise AssertionError(f"{name} is finite nowhere")


@pytest.mark.parametrize("name", [entry.name for entry in ENTRIES])
def test_the_book(name: str) -> None:
    derivation, arrays, dims = of_book(name)
    if name in UNREAD:
        with pytest.raises(Unreadable):
            agree(derivation, derivation.latex(), arrays, dims)
    else:
        agree(derivation, derivation.latex(), arrays, dims)


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_a_worked_case(case: dict[str, Any]) -> None:
    expr = md.parse(case["expr"], case["shapes"], case["constraints"])
    derivation = md.derive(expr, case["wrt"], case["order"])
    agree(derivation, derivation.latex(), instance(case, case["dims"]), case["dims"])


@pytest.mark.parametrize(
    ("name", "wrt"), [(name, w) for name, model in MODELS.items() for w in model[2].split()]
)
def test_a_recurrence(name: str, wrt: str) -> None:
    text, shapes, _ = MODELS[name]
    loss = md.parse(text, shapes, {"ids": "integer"} if "ids" in shapes else {})
    derivation = md.derive(loss, wrt)
    agree(derivation, derivation.latex(), values(shapes), SIZES)


# -- the reader refuses what is wrong ------------------------------------------------------------

ALTERED = [
    ("softmax_cross_entropy", r"\mathbf{P} - \mathbf{Y}", r"\mathbf{P} + \mathbf{Y}"),
    ("softmax_cross_entropy", r"\frac{1}{n} \mathbf{X}^\top", r"\mathbf{X}^\top"),
    ("softmax_cross_entropy", r"\mathbf{1} \mathbf{b}^\top", r"\mathbf{b}"),
    ("attention", r"\mathbf{T}_{1}^\top \mathbf{Q}", r"\mathbf{T}_{1} \mathbf{Q}"),
    ("attention", r"\frac{1}{\sqrt{d}} \mathbf{Q}", r"\frac{1}{d} \mathbf{Q}"),
    ("determinant", r"\mathbf{X}^{-\top}", r"\mathbf{X}^{-1}"),
    ("layer_norm", r"\mathrm{axis}\,1", r"\mathrm{axis}\,0"),
    ("convolution_2d", r"Y_{i - k,j - l}", r"Y_{i + k,j + l}"),
    ("convolution_2d", r"K_{k,l}", r"K_{l,k}"),
    ("through_time", r"\mathbf{W}^\top", r"\mathbf{W}"),
    ("through_time", r"_{t + 1}", r"_{t}"),
    ("relu", r"\mathbf{Z} > 0", r"\mathbf{Z} < 0"),
    ("log_det_barrier_hessian", r"_{b,c}\right]", r"_{b,d}\right]"),
    ("matrix_factorisation_hessian", r"2 \, ", ""),
    ("kl_of_gaussians", r"\log \det\left(\mathbf{S}\right)", r"\log \det\left(\mathbf{T}\right)"),
]


@pytest.mark.parametrize(("name", "before", "after"), ALTERED)
def test_an_altered_formula_is_refused(name: str, before: str, after: str) -> None:
    derivation, arrays, dims = of_book(name)
    latex = derivation.latex()
    assert before in latex
    with pytest.raises((AssertionError, Unreadable, ValueError, RecursionError)):
        agree(derivation, latex.replace(before, after), arrays, dims)
