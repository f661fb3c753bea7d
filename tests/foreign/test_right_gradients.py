"""No right gradient is refused: kinks, scales, noise, float32; and nearly all are compared."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from right_gradients import Problem, kinked, plain, scaled, single

import mathdl as md

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")
KINDS: tuple[Callable[[np.random.Generator], Problem], ...] = (kinked, scaled, single, plain)


def run(make: Callable[[np.random.Generator], Problem], seed: int) -> md.foreign.GradientReport:
    problem = make(np.random.default_rng(seed))
    report = md.check_gradient(problem.f, problem.gradient(), problem.shapes, wrt=problem.wrt,
                               seed=seed, **problem.options)
    assert not report.failures, f"{make.__name__} {seed}\n{report}"
    return report


@pytest.mark.parametrize("make", KINDS)
def test_right_gradients_are_not_refused(make: Callable[[np.random.Generator], Problem]) -> None:
    verified = [bool(run(make, seed)) for seed in range(20)]
    assert np.mean(verified) > 0.9


@pytest.mark.exhaustive
@pytest.mark.parametrize("make", KINDS)
def test_right_gradients_are_not_refused_in_many(
    make: Callable[[np.random.Generator], Problem]
) -> None:
    for seed in range(20, 1000):
        run(make, seed)


def _wrong(problem: Problem, factor: float) -> Callable[..., tuple[np.ndarray, ...]]:
    right = problem.gradient()
    return lambda *arrays: tuple((g * factor).astype(g.dtype) for g in right(*arrays))


@pytest.mark.parametrize("make", KINDS)
def test_the_same_gradients_times_a_factor_are_refused(
    make: Callable[[np.random.Generator], Problem]
) -> None:
    refused = []
    for seed in range(5):
        problem = make(np.random.default_rng(seed))
        report = md.check_gradient(problem.f, _wrong(problem, 1.01), problem.shapes,
                                   wrt=problem.wrt, seed=seed, **problem.options)
        assert not report, f"{make.__name__} {seed}\n{report}"
        refused.append(bool(report.failures))
    assert np.mean(refused) > 0.9
