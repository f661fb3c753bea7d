"""Names that the generated module uses itself: the same numbers, or a NamingError."""

from __future__ import annotations

import builtins
import contextlib
import io
import itertools
import keyword
import tokenize
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import pytest

import mathdl as md
from mathdl.errors import MathDLError, NamingError
from mathdl.generate import helpers

PLAIN = {"a": "A0", "b": "B0", "c": "C0", "t": "T0", "p": "P0", "n": "n0", "d": "d0"}

# text, shapes, assumptions, what it is differentiated by, sizes of the arguments
MODELS: dict[str, tuple[str, str, str, str, dict[str, tuple[int, ...]]]] = {
    "softmax": ("{p} = softmax({a} @ {b} + {c}); -sum({t}*log({p}))/{n}",
                "{a}: {n} {d}; {b}: {d} classes; {c}: classes; {t}: {n} classes", "", "{b}",
                {"a": (4, 3), "b": (3, 2), "c": (2,), "t": (4, 2)}),
    "factors": ("{p} = {a} @ {a}.T + eye({n}); logdet({p}) + {b} @ solve({p}, {b}) "
                "+ {n}*{d}*{c} + sum({t})",
                "{a}: {n} {d}; {b}: {n}; {c}:; {t}: {d}", "", "{a}",
                {"a": (4, 3), "b": (4,), "c": (), "t": (3,)}),
    "loop": ("{p}[-1] = {c}; {p}[step0<{n}] = tanh({b} @ {p}[step0 - 1] + {a}[step0]); "
             "sum({p}**2) + sum({t})",
             "{a}: {n} {d}; {b}: {d} {d}; {c}: {d}; {t}: {n}", "", "{b}",
             {"a": (4, 3), "b": (3, 3), "c": (3,), "t": (4,)}),
    "rows": ("{p} = where({a} > {c}, {a}, 0); sum({a}[{t}, :]*{b}) + mean({p})*sqrt({n})",
             "{a}: {n} {d}; {b}: {d}; {c}:; {t}: 3", "{t}: integer", "{a}",
             {"a": (4, 3), "b": (3,), "c": (), "t": (3,)}),
    "passed": ("{p} = sum(ones({n}, {d})*{c}); {p}**2 + sum({b}) + {a}",
               "{a}:; {b}: 5; {c}:; {t}: {n} {d}", "", "{c}", {"a": (), "b": (5,), "c": ()}),
}
SIZES = {"n": 4, "d": 3}


def values(model: str, names: dict[str, str]) -> tuple[Any, ...]:
    """Value and gradient twice, the second time on the path for known arguments, and by a plan."""
    called = {**PLAIN, **names}
    text, shapes, assume, wrt, sizes = (
        part.format(**called) if isinstance(part, str) else part for part in MODELS[model]
    )
    code = md.derive(md.parse(text, shapes, assume), wrt).compile()
    rng = np.random.default_rng(3)
    arrays = {
        called[k]: np.array([2, 0, 1]) if (model, k) == ("rows", "t") else rng.normal(size=shape)
        for k, shape in sizes.items()
    }
    free = {called[k]: size for k, size in SIZES.items()} if model == "passed" else {}
    code(**arrays, **free)
    value, gradient = code(**arrays, **free)
    run = code.plan(*(arrays[name] for name in code.inputs), **free)
    again = run(*(arrays[n] if arrays[n].ndim else float(arrays[n]) for n in code.inputs),
                *([np.empty_like(gradient)] if gradient.ndim else []))
    assert sorted(code.inputs) == sorted(arrays)
    return value, gradient, again[0]


def words(source: str) -> set[str]:
    return {t.string for t in tokenize.generate_tokens(io.StringIO(source).readline)
            if t.type == tokenize.NAME}


OWN = words("\n".join([helpers.COMMON, *helpers.OPTIONAL.values()]))
FURTHER = {
    "np", "math", "sys", "os", "scipy", "out", "out_", "plan", "_plan", "_shapes", "_AT",
    "_RESULTS",
    "_plan_in_blocks", "_step1", "_in_range", "value", "value_and_grad", "x0", "x1", "i0", "r0",
    "t1", "s1", "f1", "u1", "v1", "c1", "low", "high", "rows", "n_dim", "np_dim", "out_P0", "_1",
    "_n", "_np", "__import__", "__name__", "self", "match", "case", "type", "_", "_x_", "T", "I",
}
ALL = sorted(OWN | FURTHER | set(dir(builtins)) | set(keyword.kwlist) | set(keyword.softkwlist))


def grouped(names: Iterable[str], roles: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Each name once in each role, several names at a time."""
    chosen = list(names)
    for start, shift in itertools.product(range(0, len(chosen), len(roles)), range(len(roles))):
        part = chosen[start : start + len(roles)]
        turned = roles[shift:] + roles[:shift]
        yield dict(zip(turned, part, strict=False))


def allowed(names: Iterable[str]) -> list[str]:
    """Those that may be declared."""
    found = []
    for name in names:
        with contextlib.suppress(MathDLError):
            md.dims(name)
            found.append(name)
    return found


def check(model: str, names: Iterable[str]) -> None:
    """The same numbers under these names; alone, a name may also be refused."""
    expected = values(model, {})

    def compare(called: dict[str, str]) -> None:
        for got, want in zip(values(model, called), expected, strict=True):
            np.testing.assert_allclose(got, want, rtol=1e-9, err_msg=str(called))

    for group in grouped(allowed(names), tuple(PLAIN)):
        try:
            compare(group)
        except NamingError:
            for role, name in group.items():
                with contextlib.suppress(NamingError):
                    compare({role: name})


@pytest.mark.parametrize("model", MODELS)
def test_names_of_the_module(model: str) -> None:
    check(model, sorted(FURTHER | {w for w in OWN if w.startswith("_")})[::12])


@pytest.mark.exhaustive
@pytest.mark.parametrize("model", MODELS)
def test_every_name(model: str) -> None:
    check(model, ALL)
