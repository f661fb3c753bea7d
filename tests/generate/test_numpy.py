"""Generated NumPy against the reference meaning of equations."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import window_cases  # noqa: F401  (adds to the cases)
from equation_cases import CASES
from oracle import evaluate

import mathdl as md
from mathdl.generate.compiled import Compiled
from mathdl.generate.numpy import generate_numpy
from mathdl.ir.system import inputs_of
from mathdl.ir.tensor import Tensor

SIZES = [
    {"n": 4, "d": 3, "m": 2, "h": 5, "c": 2, "max": 3, "key": 2},
    {"n": 3, "d": 5, "m": 4, "h": 2, "c": 1, "max": 2, "key": 4},
    {"n": 1, "d": 1, "m": 1, "h": 1, "c": 1, "max": 1, "key": 1},
]


def size_of(dim: Any, sizes: dict[str, int]) -> int:
    return dim if isinstance(dim, int) else int(dim.subs({s: sizes[s.name]
                                                         for s in dim.free_symbols}))


def arrays_for(
    tensor: Tensor, sizes: dict[str, int], rng: np.random.Generator, dtype: Any = np.float64
) -> dict[str, np.ndarray]:
    found = {}
    for t in inputs_of([tensor]):
        shape = tuple(size_of(d, sizes) for d in t.shape)
        if "integer" in t.assume:
            found[t.name or ""] = rng.integers(0, sizes["n"], shape)
        else:
            found[t.name or ""] = rng.normal(size=shape).astype(dtype)
    return found


def loose_dims(compiled: Compiled, sizes: dict[str, int]) -> dict[str, int]:
    """The sizes of the dims that no input's shape has."""
    return {dim: sizes[dim] for dim in compiled.plan.__kwdefaults__ or ()}


@pytest.fixture
def rng(request: pytest.FixtureRequest) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(request.node.name.encode()))


def scrambled(array: np.ndarray) -> np.ndarray:
    """The same numbers in memory that is not contiguous."""
    wide = np.empty((*array.shape[::-1], 2), array.dtype)[..., 0].T if array.ndim else array
    if array.ndim:
        wide[...] = array
    return wide


# some BLAS raise the flag for lanes of a vector register that they do not use
@pytest.mark.filterwarnings("ignore:invalid value encountered in dot:RuntimeWarning")
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("sizes", SIZES, ids=["wide", "tall", "ones"])
def test_equals_the_equation(
    name: str, sizes: dict[str, int], rng: np.random.Generator
) -> None:
    tensor = CASES[name]()
    compiled = generate_numpy([("result", tensor)], value=None, single=True)
    arrays = arrays_for(tensor, sizes, rng)
    free = loose_dims(compiled, sizes)
    expected = evaluate(tensor, arrays, sizes)
    first = compiled(**arrays, **free)
    np.testing.assert_allclose(first, expected, rtol=1e-11, atol=1e-12)
    assert np.shape(first) == expected.shape
    kept = np.array(first)
    other = arrays_for(tensor, sizes, rng)
    second = compiled(**other, **free)
    np.testing.assert_allclose(second, evaluate(tensor, other, sizes), rtol=1e-11, atol=1e-12)
    np.testing.assert_array_equal(first, kept)
    third = compiled(**{k: scrambled(v) for k, v in arrays.items()}, **free)
    np.testing.assert_allclose(third, expected, rtol=1e-11, atol=1e-12)
    if arrays and all(a.dtype == np.float64 for a in arrays.values()):
        narrow = compiled(**{k: v.astype(np.float32) for k, v in arrays.items()}, **free)
        assert narrow.dtype == np.float32
        np.testing.assert_allclose(narrow, expected, rtol=3e-4, atol=3e-5)
    if expected.shape and "out" not in arrays:
        target = np.full(expected.shape, np.nan)
        assert compiled(**arrays, **free, out={"result": target}) is target
        np.testing.assert_allclose(target, expected, rtol=1e-11, atol=1e-12)
        turned = np.full(expected.shape[::-1], np.nan).T
        assert compiled(**arrays, **free, out={"result": turned}) is turned
        np.testing.assert_allclose(turned, expected, rtol=1e-11, atol=1e-12)


def test_every_case_at_once(rng: np.random.Generator) -> None:
    """Buffers shared among many unrelated results never mix."""
    sizes = SIZES[0]
    tensors = {name: build() for name, build in CASES.items()}
    compiled = generate_numpy(list(tensors.items()), value=None)
    arrays: dict[str, np.ndarray] = {}
    for tensor in tensors.values():
        for name, array in arrays_for(tensor, sizes, rng).items():
            arrays.setdefault(name, array)
    free = loose_dims(compiled, sizes)
    found = compiled(**arrays, **free)
    for name, tensor in tensors.items():
        np.testing.assert_allclose(
            found[name], evaluate(tensor, arrays, sizes), rtol=1e-11, atol=1e-12, err_msg=name
        )
    for name, array in found.items():
        for other, second in found.items():
            if name != other and np.ndim(array):
                assert not np.may_share_memory(array, second)
        assert not any(np.may_share_memory(array, a) for a in arrays.values())


@pytest.mark.parametrize("name", CASES)
def test_blocks_of_rows_give_the_same(
    name: str, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every case once more, forced into blocks of one or a few rows."""
    monkeypatch.setattr("mathdl.generate.blocks.LEAST", 1)
    monkeypatch.setattr("mathdl.generate.numpy_blocks.LARGE", 0)
    monkeypatch.setattr("mathdl.generate.numpy_blocks.CACHE", 200)
    tensor = CASES[name]()
    compiled = generate_numpy([("result", tensor)], value=None, single=True)
    for sizes in SIZES:
        arrays = arrays_for(tensor, sizes, rng)
        free = loose_dims(compiled, sizes)
        expected = evaluate(tensor, arrays, sizes)
        for given in (arrays, {k: scrambled(v) for k, v in arrays.items()}):
            np.testing.assert_allclose(
                compiled(**given, **free), expected, rtol=1e-11, atol=1e-12
            )


def test_every_case_at_once_in_blocks(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mathdl.generate.blocks.LEAST", 1)
    monkeypatch.setattr("mathdl.generate.numpy_blocks.LARGE", 0)
    monkeypatch.setattr("mathdl.generate.numpy_blocks.CACHE", 200)
    test_every_case_at_once(rng)


def test_runs_with_blocks_of_different_lengths_share_no_block(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second run reads fewer arrays, so its blocks are longer than those of the first."""
    monkeypatch.setattr("mathdl.generate.numpy_blocks.LARGE", 0)
    monkeypatch.setattr("mathdl.generate.numpy_blocks.CACHE", 800)
    tensor = md.parse(
        "B = (exp(X)*sin(X) + cos(X)*sin(2*X)*Y*Z) @ W; exp(B)*sin(B)*cos(B) + sqrt(1 + B**2)",
        shapes="X: n d; Y: n d; Z: n d; W: d d",
    )
    compiled = generate_numpy([("result", tensor)], value=None, single=True)
    arrays = arrays_for(tensor, {"n": 20, "d": 3}, rng)
    np.testing.assert_allclose(
        compiled(**arrays), evaluate(tensor, arrays, {"n": 20, "d": 3}), rtol=1e-11
    )


@pytest.mark.parametrize("name", ["matmul", "block_hessian", "convolution_2d_image",
                                  "gathered_rows", "choice", "softmax_rows"])
def test_complex_inputs_stay_complex(name: str, rng: np.random.Generator) -> None:
    tensor = CASES[name]()
    compiled = generate_numpy([("result", tensor)], value=None, single=True)
    arrays = arrays_for(tensor, SIZES[0], rng)
    real = compiled(**arrays)
    moved = {k: v + 1e-30j if v.dtype.kind == "f" else v for k, v in arrays.items()}
    shifted = compiled(**moved)
    assert shifted.dtype == np.complex128
    np.testing.assert_allclose(shifted.real, real, rtol=1e-12, atol=1e-12)
    along = shifted.imag / 1e-30
    up = compiled(**{k: v + 1e-6 if v.dtype.kind == "f" else v for k, v in arrays.items()})
    down = compiled(**{k: v - 1e-6 if v.dtype.kind == "f" else v for k, v in arrays.items()})
    np.testing.assert_allclose(along, (up - down) / 2e-6, rtol=1e-6, atol=1e-6)


def test_threads_do_not_share_buffers(rng: np.random.Generator) -> None:
    tensor = CASES["softmax_rows"]()
    compiled = generate_numpy([("result", tensor)], value=None, single=True)
    inputs = [rng.normal(size=(50, 20)) for _ in range(8)]
    expected = [compiled(X=a) for a in inputs]
    wrong: list[int] = []

    def work(k: int) -> None:
        for _ in range(200):
            if not np.array_equal(compiled(X=inputs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_module_stands_alone(tmp_path: Path, rng: np.random.Generator) -> None:
    tensor = CASES["matmul"]()
    compiled = generate_numpy([("result", tensor)], value=None)
    (tmp_path / "saved.py").write_text(compiled.source)
    program = (
        "import sys, numpy as np, saved\n"
        "assert not any(name.startswith('mathdl') for name in sys.modules)\n"
        "X, W = np.ones((2, 3)), np.ones((3, 4))\n"
        "assert (saved.value_and_grad(X=X, W=W)['result'] == 3).all()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_integer_data_is_checked() -> None:
    compiled = generate_numpy([("result", CASES["gathered_rows"]())], value=None)
    table = np.ones((3, 2))
    for bad in ([0, 3], [-1, 0]):
        with pytest.raises(IndexError, match="ids has an index out of range"):
            compiled(ids=np.array(bad), EMB=table)
    with pytest.raises(TypeError, match="array of integers"):
        compiled(ids=np.array([0.0, 1.0]), EMB=table)


def test_dtypes() -> None:
    compiled = generate_numpy([("result", CASES["broadcast_all_ranks"]())], value=None,
                              single=True)
    arrays = {"X": np.ones((2, 3)), "b": np.ones(3), "g": np.float64(2), "a": np.ones(2)}
    assert compiled(**arrays).dtype == np.float64
    single = {k: np.asarray(v, np.float32) for k, v in arrays.items()}
    assert compiled(**single).dtype == np.float32
    assert compiled(**{**single, "g": 2.0}).dtype == np.float32
    assert compiled(**{**single, "b": np.ones(3)}).dtype == np.float64
    assert compiled(**{**single, "b": np.ones(3, int)}).dtype == np.float64
    assert compiled(**{k: v.astype(np.float16) for k, v in single.items()}).dtype == np.float32
    ints = {"X": np.ones((2, 3), int), "b": [1, 2, 3], "g": True, "a": [1, 1]}
    assert compiled(**ints).dtype == np.float64


def test_structure_of_the_result() -> None:
    loss, grad = CASES["squares"](), CASES["matmul"]()
    arrays = {"X": np.ones((2, 3)), "W": np.ones((3, 1))}
    both = generate_numpy([("value", loss), ("g", grad)])
    value, grads = both(**arrays)
    assert np.ndim(value) == 0
    assert isinstance(value, np.float64)
    assert list(grads) == ["g"]
    value, array = generate_numpy([("value", loss), ("g", grad)], single=True)(**arrays)
    assert array.shape == (2, 1)
    only = generate_numpy([("g", grad)], value=None)(**arrays)
    assert list(only) == ["g"]
    assert generate_numpy([("value", loss)])(X=arrays["X"]) == value
    run = both.plan(**arrays)
    target = np.empty((2, 1))
    found = run(arrays["W"], arrays["X"], target)
    assert found[1] is target
    assert found[0] == value


def test_equations_stand_in_the_source() -> None:
    source = generate_numpy([("result", CASES["matmul"]())], value=None).source
    assert re.search(r"\[i, j\] = sum_k (X\[i, k\]\*W\[k, j\]|W\[k, j\]\*X\[i, k\])", source)
    assert "X.dot(W, " in source
