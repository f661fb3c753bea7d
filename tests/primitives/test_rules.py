"""The rules of every primitive: forward against reverse, against differences, and again."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from primitive_cases import CASES, Case

import mathdl as md
from mathdl.primitives import primitives

SIZES = {"n": 3, "m": 2, "k": 2}
every = pytest.mark.parametrize("case", CASES, ids=lambda c: c.id)


def inner(a: Any, b: Any) -> Any:
    return np.sum(np.asarray(a) * b)


def sizes(case: Case) -> dict[str, int]:
    return {d: SIZES[d] for _, dims in case.operands() for d in dims}


def weighted(case: Case, shapes: str = "") -> md.Tensor:
    """A scalar of the result that no symmetry makes blind: ``sum(C * f(A)**2)/2 + sum(f(A))``."""
    out = case.expr(shapes)
    weights = md.tensor("C", *out.shape)
    return md.sum(weights * out * out) + md.sum(out)


def test_every_primitive() -> None:
    assert {p.name for p in primitives()} == {c.primitive for c in CASES}
    for p in primitives():
        assert len(p.vjp) == len(p.jvp)
        assert p.reference


@every
@pytest.mark.parametrize("n", [1, 2, 5])
def test_value(case: Case, n: int, rng: np.random.Generator) -> None:
    arrays = case.arrays(rng, n=n, m=3, k=2)
    got = md.compile(case.expr())(**arrays)
    np.testing.assert_allclose(got, case.reference(*arrays.values()), rtol=1e-11, atol=1e-12)


@every
@pytest.mark.parametrize("n", [1, 4])
def test_reverse_is_the_transpose_of_forward(
    case: Case, n: int, rng: np.random.Generator
) -> None:
    expr = case.expr()
    arrays = case.arrays(rng, n=n, m=3, k=2)
    out = np.asarray(md.compile(expr)(**arrays))
    g = rng.normal(size=out.shape)
    for name, point in arrays.items():
        v = rng.normal(size=point.shape)
        if case.primitive == "cholesky":
            v = v + v.T
        shape = dict(case.operands())[name]
        forward = md.jvp(expr, {name: md.tensor("V", *shape)})
        code = md.compile(forward)
        along = code(**{n: a for n, a in {**arrays, "V": v}.items() if n in code.inputs})
        reverse = md.derive(md.sum(expr * md.tensor("G", *expr.shape)), wrt=name)
        back = reverse.compile("grad")(**arrays, G=g)
        assert np.shape(back) == point.shape
        np.testing.assert_allclose(inner(g, along), inner(back, v), rtol=1e-9)


@every
@pytest.mark.parametrize("order", [1, 2])
def test_differences(case: Case, order: int) -> None:
    for name, _ in case.operands():
        report = md.derive(weighted(case), wrt=name, order=order).verify(
            points=2, dims=sizes(case)
        )
        assert report, f"{name}\n{report}"


@every
def test_jacobian(case: Case) -> None:
    report = md.derive(case.expr(), wrt="A").verify(points=2, dims=sizes(case))
    assert report, str(report)


@every
@pytest.mark.parametrize("shared", [False, True])
def test_stacks(case: Case, shared: bool, rng: np.random.Generator) -> None:
    """A stack is computed and differentiated as its matrices are; a shared operand sums."""
    names = [name for name, _ in case.operands()]
    stacked = names[-1:] if shared else names
    if shared and len(names) == 1:
        pytest.skip("one operand is not shared with anything")
    text = "; ".join(f"{name}: {'s ' if name in stacked else ''}{' '.join(dims)}"
                     for name, dims in case.operands())
    one, many = weighted(case), weighted(case, text)
    parts = [case.arrays(rng, **SIZES) for _ in range(3)]
    arrays = {name: np.stack([p[name] for p in parts]) if name in stacked else parts[0][name]
              for name in names}
    out = np.shape(md.compile(case.expr())(**parts[0]))
    weights = rng.normal(size=(3, *out))
    whole, single = md.derive(many, wrt=names), md.derive(one, wrt=names)
    value, grads = whole.compile()(**arrays, C=weights)
    found = [
        single.compile()(**{n: arrays[n][k] if n in stacked else arrays[n] for n in names},
                         C=weights[k])
        for k in range(3)
    ]
    np.testing.assert_allclose(value, sum(v for v, _ in found), rtol=1e-10)
    for name in names:
        each = [(g[name] if isinstance(g, dict) else g) for _, g in found]
        expected = np.stack(each) if name in stacked else sum(each)
        got = grads[name] if isinstance(grads, dict) else grads
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-11)


@every
def test_single_precision(case: Case, rng: np.random.Generator) -> None:
    arrays = {n: a.astype(np.float32) for n, a in case.arrays(rng, **SIZES).items()}
    call = md.derive(md.sum(case.expr()), wrt="A").compile()
    value, gradient = call(**arrays)
    assert np.asarray(value).dtype == np.float32
    assert gradient.dtype == np.float32
    exact = call(**{n: a.astype(float) for n, a in arrays.items()})
    np.testing.assert_allclose(value, exact[0], rtol=1e-4)
    np.testing.assert_allclose(gradient, exact[1], rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("case", [c for c in CASES if c.analytic], ids=lambda c: c.id)
def test_complex_steps(case: Case, rng: np.random.Generator) -> None:
    derivation = md.derive(md.sum(case.expr()), wrt="A")
    arrays = case.arrays(rng, **SIZES)
    v = rng.normal(size=arrays["A"].shape)
    value = derivation.compile("value")(**{**arrays, "A": arrays["A"] + 1e-30j * v})
    gradient = derivation.compile("grad")(**arrays)
    np.testing.assert_allclose(np.imag(value) / 1e-30, inner(gradient, v), rtol=1e-10)
