"""Index algebra: what is claimed of bounds and ranges holds for every small size."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import sympy
from sympy import Integer, Mod, Rational, Symbol, floor

from mathdl.errors import ShapeError
from mathdl.ir.dim import as_dim, dim_symbol, nonnegative, normal, product, show_shape
from mathdl.ir.index import (
    bound_index,
    bounds,
    digits,
    flatten_index,
    in_range,
    linear,
    out_index,
    out_indices,
    reshape_index,
    slot,
    slot_number,
    slots_in,
)

n, m = dim_symbol("n"), dim_symbol("m")
i, j, r = out_index(0), out_index(1), bound_index(0)
SIZES = [dict(zip((n, m), s, strict=True)) for s in itertools.product(range(1, 6), repeat=2)]


def value(expr, sizes, places=None):
    result = sympy.sympify(expr).subs({**sizes, **(places or {})})
    assert result.is_Rational, result
    return Rational(result)


def _polynomials(count, seed):
    """Random expressions in two dims, some with floors and remainders."""
    rng = np.random.default_rng(seed)

    def atom(depth):
        kind = rng.integers(0, 9)
        if kind < 3:
            return Integer(int(rng.integers(-4, 5)))
        if kind < 6 or depth == 0:
            return [n, m, n * m, n**2][int(rng.integers(4))]
        inner = atom(depth - 1) + atom(depth - 1)
        if kind == 6:
            return floor(inner / int(rng.integers(2, 4)))
        return Mod(inner, int(rng.integers(2, 4))) if kind == 7 else inner * atom(0)

    for _ in range(count):
        yield sum((int(rng.integers(-2, 4)) * atom(2) for _ in range(3)), Integer(0))


@pytest.mark.parametrize("seed", range(6))
def test_nonnegative_is_sound(seed):
    claimed = 0
    for expr in _polynomials(200, seed):
        if nonnegative(expr):
            claimed += 1
            assert all(value(expr, s) >= 0 for s in SIZES), expr
    assert claimed > 20


@pytest.mark.parametrize(
    ("expr", "holds"),
    [
        (n - 1, True), (n - 2, False), (n * m - 1, True), (n * m - n, True), (n - m, False),
        (n**2 - n, True), (n**2 - 2 * n, False), (2 * n - 2, True), (floor(n / 2), True),
        (floor((n - 5) / 2), False), (floor((n - 1) / 2), True), (-floor(n / 2), False),
        (1 / (n - 2), False), (Mod(n, 3), True), (Mod(n, 3) - 1, False), (Integer(0), True),
        (Integer(-1), False), (slot(0), False), (i, True), (i - 1, False),
    ],
)
def test_nonnegative(expr, holds):
    assert nonnegative(expr) is holds


def _accesses(count, seed):
    """Random indices with the ranges of their symbols and the length that they address."""
    rng = np.random.default_rng(seed)
    dims = [n, m, n * m, n + 1, n - 1, 2, 3, floor(n / 2), m + n, 1]
    for _ in range(count):
        ranges = {s: dims[int(rng.integers(len(dims)))] for s in (i, j, r)}
        terms = [i, j, r, n, m, Integer(1), Integer(-1), floor(i / m), Mod(i, n), floor(j / 2)]
        expr = sum((int(rng.integers(-1, 3)) * terms[int(k)]
                    for k in rng.integers(0, len(terms), size=2)), Integer(0))
        yield sympy.sympify(expr), dims[int(rng.integers(len(dims)))], ranges


def _places(ranges, sizes):
    lengths = [int(value(d, sizes)) for d in ranges.values()]
    for place in itertools.product(*map(range, lengths)):
        yield dict(zip(ranges, place, strict=True))


@pytest.mark.parametrize("seed", range(4))
def test_in_range_is_sound(seed):
    """Brute force over the sizes 1 to 3: wherever the claim is made it holds."""
    claimed = 0
    small = [s for s in SIZES if max(s.values()) <= 3]
    for expr, dim, ranges in _accesses(250, seed):
        if not in_range(expr, dim, ranges):
            continue
        claimed += 1
        used = {s: d for s, d in ranges.items() if s in expr.free_symbols}
        for sizes in small:
            for place in _places(used, sizes):
                assert 0 <= value(expr, sizes, place) < value(dim, sizes), (expr, dim, ranges)
    assert claimed > 10


@pytest.mark.parametrize("seed", range(2))
def test_bounds_are_sound(seed):
    for expr, _, ranges in _accesses(150, seed):
        found = bounds(expr, ranges)
        if found is None:
            continue
        used = {s: d for s, d in ranges.items() if s in expr.free_symbols}
        for sizes in (s for s in SIZES if max(s.values()) <= 3):
            low, high = (value(b, sizes) for b in found)
            for place in _places(used, sizes):
                assert low <= value(expr, sizes, place) <= high, (expr, ranges)


@pytest.mark.parametrize(
    ("expr", "dim", "ranges", "holds"),
    [
        (i, n, {i: n}, True), (i, m, {i: n}, False), (i + 1, n, {i: n - 1}, True),
        (i + 1, n, {i: n}, False), (i - 1, n, {i: n}, False), (n - 1 - i, n, {i: n}, True),
        (n - i, n, {i: n}, False), (Integer(0), n, {}, True), (Integer(1), n, {}, False),
        (2 * i, 2 * n, {i: n}, True), (2 * i + 1, 2 * n, {i: n}, True),
        (2 * i + 2, 2 * n, {i: n}, False), (floor(i / m), n, {i: n * m}, True),
        (floor(i / n), n, {i: n * m}, False), (Mod(i, m), m, {i: n * m}, True),
        (i + j, n + m - 1, {i: n, j: m}, True), (i + j, n + m, {i: n, j: m}, True),
        (i + j, n, {i: n, j: m}, False), (slot(0), n, {i: n}, False),
    ],
)
def test_in_range(expr, dim, ranges, holds):
    assert in_range(expr, dim, ranges) is holds


def test_linear():
    assert linear(2 * i + 3 * j + n, i) == (2, 3 * j + n)
    assert linear(i, i) == (1, 0)
    assert linear(j, i) == (0, j)
    assert linear(n * i - i, i) == (n - 1, 0)
    assert linear(i**2, i) is None
    assert linear(Mod(i, 3), i) is None
    assert linear(floor(i / 2) + i, i) is None


@pytest.mark.parametrize("source", [(6,), (2, 3), (3, 2), (1, 6), (2, 1, 3), (n, m), (n * m,)])
@pytest.mark.parametrize("target", [(6,), (2, 3), (3, 2), (6, 1), (3, 1, 2), (m, n), (n * m,)])
def test_reshape_index(source, target):
    """NumPy's reshape, for dims that multiply to the same number."""
    sizes = {n: 2, m: 3}
    before = [int(value(d, sizes)) for d in source]
    after = [int(value(d, sizes)) for d in target]
    if product(source) != product(target):
        return
    index = reshape_index(source, target)
    array = np.arange(6).reshape(before)
    expected = array.reshape(after)
    for place in np.ndindex(*after):
        at = dict(zip(out_indices(len(after)), place, strict=True))
        found = tuple(int(value(e, sizes, at)) for e in index)
        assert array[found] == expected[place]


def test_digits_invert_flattening():
    shape = (n, m, 3)
    flat = flatten_index(out_indices(3), shape)
    for sizes in SIZES[:8]:
        lengths = [int(value(d, sizes)) for d in shape]
        for place in np.ndindex(*lengths):
            at = dict(zip(out_indices(3), place, strict=True))
            position = value(flat, sizes, at)
            assert position == np.ravel_multi_index(place, lengths)
            assert [value(d, sizes) for d in digits(position, shape)] == list(place)


# -- dims --------------------------------------------------------------------------------------


def test_dims_have_one_form():
    assert normal(n * (m + 1)) == normal(n * m + n)
    assert normal(Integer(3)) == 3
    assert type(normal(n - n + 3)) is int
    assert as_dim("n") is n
    assert product([2, n, 3]) == 6 * n
    assert product([]) == 1
    assert type(product([2, 3])) is int
    assert show_shape((n,)) == "(n,)"
    assert show_shape(()) == "()"
    assert show_shape((n, 2)) == "(n, 2)"


@pytest.mark.parametrize("bad", [0, -1, True, False, 1.5, None, Rational(1, 2), Integer(0) - 1])
def test_not_a_dim(bad):
    if bad == -1 and isinstance(bad, sympy.Expr):
        with pytest.raises(ShapeError):
            product([as_dim(bad), as_dim(-1)])
        return
    with pytest.raises(ShapeError):
        as_dim(bad)


def test_slots_are_known_by_number():
    for k in (0, 7, 1023, 1024, 5000):
        assert slot_number(slot(k)) == k
        assert slots_in(slot(k) + 1) == [k]


def test_index_symbols_are_not_dims():
    """A dim that is called like an index or a slot is still another symbol."""
    for k in range(3):
        assert dim_symbol(f"i{k}") != out_index(k)
        assert dim_symbol(f"r{k}") != bound_index(k)
        assert dim_symbol(f"x{k}") != slot(k)
    assert Symbol("n") != n
