"""Worked examples with their closed forms from the literature: ``gradients.jsonl``.

Each is derived and evaluated at random instances of its declared shapes, again with some dims
equal to 1, and again under other names, which must change nothing but the names.
"""

from __future__ import annotations

import ast
import json
import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.special as sc
from interpreter import evaluate

import mathdl as md
from mathdl.ir.dim import dim_symbol
from mathdl.ir.system import topological

CASES = [json.loads(line) for line in
         (Path(__file__).parent / "gradients.jsonl").read_text().splitlines()]
PRIMITIVES = re.compile(r"\b(det|logdet|inv|pinv|solve|cholesky)\(")
ELEMENTARY = [c for c in CASES if not PRIMITIVES.search(c["expr"])]
IDS = [c["id"] for c in ELEMENTARY]
TOLERANCE = 1e-8


def _words(value: Any) -> list[str]:
    return value.split() if isinstance(value, str) else list(value)


def instance(case: dict[str, Any], dims: dict[str, int], seed: int = 0) -> dict[str, Any]:
    """Arrays for every tensor of a case that satisfy its constraints."""
    rng = np.random.default_rng([seed, zlib.crc32(case["id"].encode())])
    return {
        name: _sample([dims[t] if t in dims else int(t) for t in shape.split()],
                      _words(case["constraints"].get(name, "")), rng)
        for name, shape in case["shapes"].items()
    }


def _sample(shape: list[int], words: list[str], rng: np.random.Generator) -> Any:
    x = np.asarray(rng.normal(size=shape))
    makers = {
        "positive": lambda x: np.abs(x) + 0.3,
        "nonnegative": lambda x: np.abs(x) + 0.3,
        "unit_interval": lambda x: rng.uniform(0.1, 0.9, size=shape),
        "probability_vector": lambda x: sc.softmax(x, axis=-1),
        "probability_table": lambda x: sc.softmax(x),
        "one_hot": lambda x: np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])],
        "binary": lambda x: rng.integers(0, 2, shape).astype(float),
        "adjacency": lambda x: np.where(np.add.outer(*[np.arange(shape[0])] * 2) % 3 > 0, 1.0, 0),
        "causal_mask": lambda x: np.tril(np.ones(shape)),
        "symmetric": lambda x: x + np.swapaxes(x, -1, -2),
        "positive_definite": lambda x: x @ x.T + shape[0] * np.eye(shape[0]),
        "orthogonal": lambda x: np.linalg.qr(x)[0],
        "lower_triangular": np.tril,
        "diagonal": lambda x: x * np.eye(shape[-1]),
        "invertible": lambda x: x,
        "integer": lambda x: rng.integers(0, 2, shape).astype(float),
        "small": lambda x: x * 0.1,
        "tiny": lambda x: x * 1e-9,
        "large": lambda x: x * 300,
        "greater_than_one": lambda x: 1.2 + np.abs(x),
        "large_positive": lambda x: 20 + np.abs(x),
        "minus_one_one": lambda x: rng.uniform(-0.9, 0.9, size=shape),
        "sign_labels": lambda x: np.where(x >= 0, 1.0, -1.0),
        "counts": lambda x: rng.poisson(3, size=shape).astype(float),
    }
    for word in words:
        x = np.asarray(makers[word](x))
    return x


def closed_form(case: dict[str, Any], arrays: dict[str, Any], dims: dict[str, int]) -> Any:
    with np.errstate(all="ignore"):
        return np.asarray(eval(case["expected"], {"np": np, "sp": sc, **dims, **arrays}))


@cache
def derived(k: int) -> Any:
    case = ELEMENTARY[k]
    expr = md.parse(case["expr"], shapes=case["shapes"], assume=case["constraints"])
    return expr, md.derive(expr, wrt=case["wrt"], order=case["order"])


def close(got: Any, expected: Any) -> bool:
    if np.shape(got) != np.shape(expected):
        return False
    scale = float(np.max(np.abs(expected), initial=0)) or 1.0
    # a scale below 1 is met relatively too, except where the value is rounding of larger terms
    return bool(np.max(np.abs(got - expected), initial=0) <= TOLERANCE * max(scale, 1e-3))


def check(case: dict[str, Any], got: Any, arrays: dict[str, Any], dims: dict[str, int]) -> None:
    expected = closed_form(case, arrays, dims)
    assert np.all(np.isfinite(expected)), "the instance is outside the closed form's domain"
    assert np.shape(got) == np.shape(expected)
    assert close(got, expected), (got, expected)


@pytest.mark.parametrize("k", range(len(ELEMENTARY)), ids=IDS)
@pytest.mark.parametrize("seed", [0, 1])
def test_closed_form(k: int, seed: int) -> None:
    case = ELEMENTARY[k]
    arrays, dims = instance(case, case["dims"], seed), case["dims"]
    expr, derivation = derived(k)
    got = evaluate([derivation[case["wrt"]]], arrays, dims)[0]
    if case["expected"] is not None:
        check(case, got, arrays, dims)
        return
    lower = expr if case["order"] == 1 else md.derive(expr, wrt=case["wrt"])[case["wrt"]]
    numeric = differences(lower, case["wrt"], arrays, dims)
    assert got.shape == numeric.shape
    np.testing.assert_allclose(got, numeric, rtol=1e-6, atol=1e-6)


def differences(value: Any, name: str, arrays: dict[str, Any], dims: dict[str, int]) -> Any:
    """Central differences, the argument's axes last."""
    point = np.asarray(arrays[name])
    columns = []
    for place in np.ndindex(point.shape):
        ends = []
        for step in (1e-5, -1e-5):
            moved = point.copy()
            moved[place] += step
            ends.append(evaluate([value], {**arrays, name: moved}, dims)[0])
        columns.append((ends[0] - ends[1]) / 2e-5)
    stacked = np.stack(columns, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *point.shape)


@pytest.mark.parametrize("k", range(len(ELEMENTARY)), ids=IDS)
def test_compiled(k: int) -> None:
    case = ELEMENTARY[k]
    arrays, dims = instance(case, case["dims"]), case["dims"]
    expr, derivation = derived(k)
    value, got = derivation.compile()(**arrays)
    np.testing.assert_allclose(value, evaluate([expr], arrays, dims)[0], rtol=1e-8, atol=1e-10)
    if case["expected"] is not None:
        check(case, got, arrays, dims)


@pytest.mark.parametrize("k", [k for k, c in enumerate(ELEMENTARY) if c["dims"]],
                         ids=[c["id"] for c in ELEMENTARY if c["dims"]])
def test_dims_of_one(k: int) -> None:
    """One derivation serves every size: each dim in turn is 1, and then all are."""
    case = ELEMENTARY[k]
    _, derivation = derived(k)
    tried = 0
    for ones in [*([d] for d in case["dims"]), list(case["dims"])]:
        dims = {**case["dims"], **dict.fromkeys(ones, 1)}
        sizes = {dim_symbol(name): size for name, size in dims.items()}
        if any(r.expr.subs(sizes) < 0 for t in topological([derivation[case["wrt"]]])
               for r in t.requires):
            continue
        arrays = instance(case, dims)
        if case["expected"] is None:
            continue
        try:
            expected = closed_form(case, arrays, dims)
        except (ValueError, IndexError, np.linalg.LinAlgError):
            continue  # the closed form itself is for longer axes
        if not np.all(np.isfinite(expected)):
            continue
        got = evaluate([derivation[case["wrt"]]], arrays, dims)[0]
        check(case, got, arrays, dims)
        tried += 1
    if case["expected"] is not None and not tried:
        pytest.skip("no dim of this case can be 1")


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self.names = names

    def visit_Name(self, node: ast.Name) -> Any:
        return ast.Name(self.names.get(node.id, node.id), node.ctx)


@pytest.mark.parametrize("k", range(len(ELEMENTARY)), ids=IDS)
def test_names_do_not_matter(k: int) -> None:
    """Other names for tensors and dims: as many equations, and the same numbers."""
    case = ELEMENTARY[k]
    old = sorted(case["shapes"])
    tensors = {name: f"z{len(old) - i}_" for i, name in enumerate(old)}
    sizes = {name: f"dim_{len(case['dims']) - i}" for i, name in enumerate(sorted(case["dims"]))}
    text = ";".join(
        ast.unparse(_Renamed({**tensors, **sizes}).visit(ast.parse(part.strip())))
        for part in case["expr"].split(";")
    )
    shapes = {tensors[t]: " ".join(sizes.get(d, d) for d in shape.split())
              for t, shape in case["shapes"].items()}
    assume = {tensors[t]: words for t, words in case["constraints"].items()}
    renamed = md.derive(md.parse(text, shapes=shapes, assume=assume), wrt=tensors[case["wrt"]],
                        order=case["order"])[tensors[case["wrt"]]]
    original = derived(k)[1][case["wrt"]]
    assert len(topological([renamed])) == len(topological([original]))
    arrays = instance(case, case["dims"])
    got = evaluate([renamed], {tensors[t]: v for t, v in arrays.items()},
                   {sizes[d]: v for d, v in case["dims"].items()})[0]
    expected = evaluate([original], arrays, case["dims"])[0]
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)


def test_the_file_is_covered() -> None:
    assert len(CASES) == 148
    assert len(ELEMENTARY) >= 120
    assert len(set(IDS)) == len(IDS)


def test_a_wrong_gradient_is_refused() -> None:
    """The comparison itself: a sign, a factor, a lost transpose and a lost axis do not pass."""
    x = np.random.default_rng(3).normal(size=(3, 3))
    assert close(x, x)
    for wrong in (-x, 2 * x, x.T, x[None], x * (1 + 1e-6)):
        assert not close(wrong, x)
