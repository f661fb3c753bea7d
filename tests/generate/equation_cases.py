"""Equations of every kind that the generator lowers, each a function that builds its outputs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Abs, KroneckerDelta, Mod, Rational, exp, floor, log, pi, sqrt, sympify, tanh

from mathdl.ir.build import define
from mathdl.ir.dim import dim_symbol
from mathdl.ir.index import bound_index, out_index, reshape_index, slot
from mathdl.ir.tensor import Access, Tensor, input_tensor
from mathdl.scalar.compare import ge, gt, le, lt, where
from mathdl.scalar.rectifiers import maximum

n, d, m, h, c = map(dim_symbol, ("n", "d", "m", "h", "c"))
i, j, k, l = (out_index(a) for a in range(4))
r, s, t, u, v = (bound_index(a) for a in range(5))
x, y, z = slot(0), slot(1), slot(2)

X = input_tensor("X", (n, d))
Y = input_tensor("Y", (n, d))
W = input_tensor("W", (d, m))
S = input_tensor("S", (n, n))
a = input_tensor("a", (n,))
b = input_tensor("b", (d,))
g = input_tensor("g", ())
T3 = input_tensor("T3", (n, d, m))
U3 = input_tensor("U3", (n, m, h))
IMG = input_tensor("IMG", (n, c, 5, 6))
KER = input_tensor("KER", (m, c, 3, 2))
ids = input_tensor("ids", (h,), {"integer"})
EMB = input_tensor("EMB", (n, d))
HV = input_tensor("HV", (h, d))
hv = input_tensor("hv", (h,))
WIDE = input_tensor("WIDE", (n + 2,))

Case = Callable[[], Tensor]
CASES: dict[str, Case] = {}


def case(build: Case) -> Case:
    assert build.__name__ not in CASES
    CASES[build.__name__] = build
    return build


def eqn(
    shape: tuple[Any, ...], body: Any, *accesses: tuple[Any, ...], reduce: Any = "none",
    bound: tuple[Any, ...] = (),
) -> Tensor:
    """``T[i, j, ...] = reduce_{r, s, ...} body``; accesses are (tensor, index, ...)."""
    return define(
        [(out_index(q), dim) for q, dim in enumerate(shape)],
        body,
        [Access(tensor, tuple(map(sympify, index))) for tensor, *index in accesses],
        reduce=reduce,
        bound=[(bound_index(q), dim) for q, dim in enumerate(bound)],
    )


# -- elementwise --------------------------------------------------------------------------


@case
def broadcast_all_ranks() -> Tensor:
    return eqn((n, d), (x + y) * z / slot(3) + 1, (X, i, j), (b, j), (g,), (a, i))


@case
def column_broadcast() -> Tensor:
    return eqn((n, d), exp(x) / (1 + y**2), (X, i, j), (a, i))


@case
def powers() -> Tensor:
    return eqn((n,), x**3 - 2 * x**5 + 1 / (1 + x**2) ** Rational(3, 2) + sqrt(1 + x**4),
               (a, i))


@case
def transposed_operands() -> Tensor:
    return eqn((d, n), tanh(x - y) * x, (X, j, i), (Y, j, i))


@case
def mixed_transposed() -> Tensor:
    return eqn((n, n), x - 2 * y, (S, i, j), (S, j, i))


@case
def outer_product() -> Tensor:
    return eqn((n, d), x * y, (a, i), (b, j))


@case
def outer_sum_three() -> Tensor:
    return eqn((n, d, n), x - y * z, (a, i), (b, j), (a, k))


@case
def constant_output() -> Tensor:
    return eqn((n, d), Rational(1, 2) * n / d)


@case
def repeated_rows() -> Tensor:
    return eqn((n, d), x**2, (b, j))


@case
def choice() -> Tensor:
    return eqn((n, d), where(gt(x, 0), log(x + y**2 + Rational(1, 10)), x * 3),
               (X, i, j), (b, j))


@case
def magnitudes() -> Tensor:
    return eqn((n, d), Abs(x) - y, (X, i, j), (b, j))


@case
def choice_of_index() -> Tensor:
    return eqn((n, d), where(gt(i, j), x, pi), (X, i, j))


@case
def masks_add_up() -> Tensor:
    return eqn((n, d), gt(x, 0) + lt(x, y) / 2, (X, i, j), (Y, i, j))


@case
def rectified() -> Tensor:
    return eqn((n, d), maximum(x, 0) * gt(y, 0) + maximum(x, y), (X, i, j), (Y, i, j))


@case
def index_arithmetic() -> Tensor:
    return eqn((n, d), x * i + j / n - exp(-i), (X, i, j))


@case
def lower_triangle() -> Tensor:
    return eqn((n, n), x * le(j, i), (S, i, j))


@case
def negative_all() -> Tensor:
    return eqn((n, d), -x - y - 3, (X, i, j), (Y, i, j))


@case
def scalar_only() -> Tensor:
    return eqn((), exp(x) * 2 - x**2 / n, (g,))


@case
def scalar_entry() -> Tensor:
    return eqn((), x * y + n, (X, 0, 0), (a, n - 1))


# -- contractions -------------------------------------------------------------------------


@case
def matmul() -> Tensor:
    return eqn((n, m), x * y, (X, i, r), (W, r, j), reduce="sum", bound=(d,))


@case
def matmul_transposed_result() -> Tensor:
    return eqn((m, n), -x * y / 3, (X, j, r), (W, r, i), reduce="sum", bound=(d,))


@case
def gram() -> Tensor:
    return eqn((d, d), x * y, (X, r, i), (X, r, j), reduce="sum", bound=(n,))


@case
def matvec() -> Tensor:
    return eqn((n,), x * y, (X, i, r), (b, r), reduce="sum", bound=(d,))


@case
def vecmat_scaled() -> Tensor:
    return eqn((d,), 2 * x * y / n, (X, r, i), (a, r), reduce="sum", bound=(n,))


@case
def inner() -> Tensor:
    return eqn((), x * y, (X, r, s), (Y, r, s), reduce="sum", bound=(n, d))


@case
def inner_transposed() -> Tensor:
    return eqn((), x * y, (S, r, s), (S, s, r), reduce="sum", bound=(n, n))


@case
def squares() -> Tensor:
    return eqn((), x**2 / (2 * n), (X, r, s), reduce="sum", bound=(n, d))


@case
def cubes() -> Tensor:
    return eqn((n,), x**3, (X, i, r), reduce="sum", bound=(d,))


@case
def row_dots() -> Tensor:
    return eqn((n,), x * y, (X, i, r), (Y, i, r), reduce="sum", bound=(d,))


@case
def column_dots() -> Tensor:
    return eqn((d,), x * y, (X, r, i), (Y, r, i), reduce="sum", bound=(n,))


@case
def row_sums() -> Tensor:
    return eqn((n,), x / d, (X, i, r), reduce="sum", bound=(d,))


@case
def column_sums() -> Tensor:
    return eqn((d,), x, (X, r, i), reduce="sum", bound=(n,))


@case
def middle_sums() -> Tensor:
    return eqn((n, m), x, (T3, i, r, j), reduce="sum", bound=(d,))


@case
def leading_sums() -> Tensor:
    return eqn((m,), x, (T3, r, s, i), reduce="sum", bound=(n, d))


@case
def batched() -> Tensor:
    return eqn((n, d, h), x * y, (T3, i, j, r), (U3, i, r, k), reduce="sum", bound=(m,))


@case
def batched_vector() -> Tensor:
    return eqn((n, d), x * y, (T3, i, j, r), (U3, i, r, 0), reduce="sum", bound=(m,))


@case
def batched_transposed() -> Tensor:
    return eqn((h, n, d), x * y, (T3, j, k, r), (U3, j, r, i), reduce="sum", bound=(m,))


@case
def tensordot() -> Tensor:
    return eqn((d, h), x * y, (T3, r, i, s), (U3, r, s, j), reduce="sum", bound=(n, m))


@case
def three_factors() -> Tensor:
    return eqn((n, m), x * y * z, (X, i, r), (b, r), (W, r, j), reduce="sum", bound=(d,))


@case
def chain_of_four() -> Tensor:
    return eqn((n, n), x * y * z * slot(3), (X, i, r), (W, r, s), (W, t, s), (X, j, t),
               reduce="sum", bound=(d, m, d))


@case
def quadratic_form() -> Tensor:
    return eqn((), x * y * z, (a, r), (S, r, s), (a, s), reduce="sum", bound=(n, n))


@case
def trace() -> Tensor:
    return eqn((), x, (S, r, r), reduce="sum", bound=(n,))


@case
def diagonal_product() -> Tensor:
    return eqn((n,), x * y, (S, i, i), (a, i))


@case
def sum_of_different_spans() -> Tensor:
    return eqn((n, m), x * y + z + 2, (X, i, r), (W, r, j), (b, r), reduce="sum", bound=(d,))


@case
def nonlinear_sum() -> Tensor:
    return eqn((n,), exp(x - y) / (1 + z**2), (X, i, r), (a, i), (b, r), reduce="sum",
               bound=(d,))


@case
def pairwise_distances() -> Tensor:
    return eqn((n, h), (x - y) ** 2, (X, i, r), (HV, j, r), reduce="sum", bound=(d,))


@case
def masked_sum() -> Tensor:
    return eqn((n,), x * gt(x, 0) * y, (X, i, r), (a, i), reduce="sum", bound=(d,))


@case
def count_of_positives() -> Tensor:
    return eqn((n,), gt(x, 0), (X, i, r), reduce="sum", bound=(d,))


@case
def divided_sum() -> Tensor:
    return eqn((d,), x / (1 + y**2), (X, r, i), (a, r), reduce="sum", bound=(n,))


@case
def idle_index() -> Tensor:
    return eqn((n,), x * (y + 1), (a, i), (X, r, s), reduce="sum", bound=(n, d))


@case
def column_dots_inside() -> Tensor:
    return eqn((m, d), x * y, (T3, r, j, i), (X, r, j), reduce="sum", bound=(n,))


@case
def product_reduction() -> Tensor:
    return eqn((n,), 1 + x / 2, (X, i, r), reduce="prod", bound=(d,))


@case
def product_with_idle_axis() -> Tensor:
    return eqn((), 1 + x / (1 + s), (a, r), reduce="prod", bound=(n, d))


@case
def largest() -> Tensor:
    return eqn((d,), x - y, (X, r, i), (a, r), reduce="max", bound=(n,))


@case
def smallest_of_all() -> Tensor:
    return eqn((), x, (X, r, s), reduce="min", bound=(n, d))


@case
def softmax_rows() -> Tensor:
    top = eqn((n,), x, (X, i, r), reduce="max", bound=(d,))
    e = eqn((n, d), exp(x - y), (X, i, j), (top, i))
    total = eqn((n,), x, (e, i, r), reduce="sum", bound=(d,))
    return eqn((n, d), x / y, (e, i, j), (total, i))


# -- shifted, strided and windowed accesses -----------------------------------------------


@case
def slices() -> Tensor:
    return eqn((n,), x - y, (WIDE, i), (WIDE, i + 2))


@case
def reversed_axis() -> Tensor:
    return eqn((n, d), x * 2, (X, n - 1 - i, j))


@case
def shifted_with_zeros() -> Tensor:
    return eqn((n,), x, (a, i - 1))


@case
def shifted_inside_function() -> Tensor:
    return eqn((n,), exp(x) + y, (a, i - 1), (a, i))


@case
def shifted_both_ways() -> Tensor:
    return eqn((n, d), x + 2 * y, (X, i - 1, j), (X, i + 1, j))


@case
def concatenated() -> Tensor:
    return eqn((n + h, d), x + y, (X, i, j), (HV, i - n, j))


@case
def slice_adjoint() -> Tensor:
    return eqn((n + 2,), 3 * x, (a, i - 1))


@case
def strided_read() -> Tensor:
    even = input_tensor("EVEN", (2 * n, d))
    return eqn((n, d), x + y, (even, 2 * i, j), (even, 2 * i + 1, j))


@case
def strided_write() -> Tensor:
    return eqn((2 * n,), x * KroneckerDelta(i, 2 * r), (a, r), reduce="sum", bound=(n,))


@case
def convolution_1d() -> Tensor:
    kernel = input_tensor("K1", (3,))
    return eqn((n,), x * y, (WIDE, i + r), (kernel, r), reduce="sum", bound=(3,))


@case
def convolution_1d_same() -> Tensor:
    kernel = input_tensor("K1", (3,))
    return eqn((n,), x * y, (a, i + r - 1), (kernel, r), reduce="sum", bound=(3,))


@case
def convolution_1d_adjoint() -> Tensor:
    kernel = input_tensor("K1", (3,))
    return eqn((n + 2,), x * y, (a, i - r), (kernel, r), reduce="sum", bound=(3,))


@case
def convolution_1d_same_adjoint() -> Tensor:
    kernel = input_tensor("K1", (3,))
    return eqn((n,), x * y, (a, i - r + 1), (kernel, r), reduce="sum", bound=(3,))


@case
def convolution_2d() -> Tensor:
    return eqn((n, m, 3, 5), x * y, (IMG, i, r, k + s, l + t), (KER, j, r, s, t),
               reduce="sum", bound=(c, 3, 2))


@case
def convolution_2d_kernel() -> Tensor:
    out = input_tensor("OUT", (n, m, 3, 5))
    return eqn((m, c, 3, 2), x * y, (IMG, r, j, s + k, t + l), (out, r, i, s, t),
               reduce="sum", bound=(n, 3, 5))


@case
def convolution_2d_image() -> Tensor:
    out = input_tensor("OUT", (n, m, 3, 5))
    return eqn((n, c, 5, 6), x * y, (out, i, r, k - s, l - t), (KER, r, j, s, t),
               reduce="sum", bound=(m, 3, 2))


@case
def convolution_2d_stride() -> Tensor:
    return eqn((n, m, 2, 3), x * y, (IMG, i, r, 2 * k + s, 2 * l + t - 1),
               (KER, j, r, s, t), reduce="sum", bound=(c, 3, 2))


@case
def convolution_2d_stride_image() -> Tensor:
    out = input_tensor("OUT2", (n, m, 2, 3))
    body = x * y * KroneckerDelta(k, 2 * s + t) * KroneckerDelta(l, 2 * u + v - 1)
    return eqn((n, c, 5, 6), body, (out, i, r, s, u), (KER, r, j, t, v), reduce="sum",
               bound=(m, 2, 3, 3, 2))


@case
def max_pool() -> Tensor:
    return eqn((n, c, 2, 3), x, (IMG, i, j, 2 * k + r, 2 * l + s), reduce="max", bound=(2, 2))


@case
def max_pool_adjoint() -> Tensor:
    part = input_tensor("PART", (n, c, 2, 3, 2, 2))
    e, f = k - 2 * r, l - 2 * s
    body = x * ge(e, 0) * ge(f, 0) * lt(e, 2) * lt(f, 2)
    return eqn((n, c, 5, 6), body, (part, i, j, r, s, e, f), reduce="sum", bound=(2, 3))


@case
def average_pool() -> Tensor:
    return eqn((n, c, 2, 3), x / 4, (IMG, i, j, 2 * k + r, 2 * l + s), reduce="sum",
               bound=(2, 2))


@case
def running_sum() -> Tensor:
    return eqn((n, d), x * le(r, j), (X, i, r), reduce="sum", bound=(d,))


@case
def running_sum_back() -> Tensor:
    return eqn((n, d), x * y * ge(r, i), (X, r, j), (a, r), reduce="sum", bound=(n,))


@case
def running_sum_strict() -> Tensor:
    return eqn((n,), x * lt(r, i), (a, r), reduce="sum", bound=(n,))


@case
def sum_of_shifted() -> Tensor:
    return eqn((), x * y, (a, r - 1), (a, r), reduce="sum", bound=(n,))


@case
def guarded_range() -> Tensor:
    return eqn((n + 2,), x * y * ge(i - 1, 0) * lt(i - 1, n), (a, i - 1), (WIDE, i))


# -- reshapes -----------------------------------------------------------------------------


@case
def flattened() -> Tensor:
    return eqn((n * d,), x * 2, (X, *reshape_index((n, d), (n * d,))))


@case
def unflattened() -> Tensor:
    flat = input_tensor("FLAT", (n * d,))
    return eqn((n, d), tanh(x), (flat, *reshape_index((n * d,), (n, d))))


@case
def regrouped() -> Tensor:
    return eqn((n * d, m), x + 1, (T3, *reshape_index((n, d, m), (n * d, m))))


@case
def reshaped_then_transposed() -> Tensor:
    index = [e.xreplace({i: j, j: i}) for e in reshape_index((n, d, m), (n * d, m))]
    return eqn((m, n * d), x + 1, (T3, *index))


@case
def reshaped_under_prefix() -> Tensor:
    index = [e.xreplace({i: j}) if hasattr(e, "xreplace") else e
             for e in reshape_index((d, m), (d * m,))]
    return eqn((n, d * m), x * y, (T3, i, *index), (a, i))


@case
def digit_of_a_position() -> Tensor:
    return eqn((2 * n,), x + Mod(i, 2) * floor(i / 3), (a, floor(i / 2)))


# -- deltas and data ----------------------------------------------------------------------


@case
def identity_matrix() -> Tensor:
    return eqn((n, n), KroneckerDelta(i, j))


@case
def diagonal_matrix() -> Tensor:
    return eqn((n, n), x * KroneckerDelta(i, j), (a, i))


@case
def diagonal_plus_dense() -> Tensor:
    return eqn((n, n), x * KroneckerDelta(i, j) - x * y, (a, i), (a, j))


@case
def softmax_jacobian() -> Tensor:
    return eqn((n, n), x * (KroneckerDelta(i, j) - y), (a, i), (a, j))


@case
def softmax_pullback() -> Tensor:
    return eqn((n,), x * y * (KroneckerDelta(r, i) - z), (a, i), (b2(), r), (a, r),
               reduce="sum", bound=(n,))


def b2() -> Tensor:
    return input_tensor("b2", (n,))


@case
def block_hessian() -> Tensor:
    gram_matrix = eqn((d, d), x * y, (X, r, i), (X, r, j), reduce="sum", bound=(n,))
    return eqn((n, d, n, d), 2 * x * KroneckerDelta(i, k), (gram_matrix, j, l))


@case
def block_hessian_two_terms() -> Tensor:
    return eqn((n, d, n, d),
               2 * x * y * KroneckerDelta(i, k) - z * slot(3) * KroneckerDelta(j, l),
               (b, j), (b, l), (a, i), (a, k))


@case
def kronecker_product_of_deltas() -> Tensor:
    return eqn((n, d, n, d), KroneckerDelta(i, k) * KroneckerDelta(j, l) * x, (X, i, j))


@case
def one_row() -> Tensor:
    return eqn((n, d), x * KroneckerDelta(i, 0), (b, j))


@case
def last_row() -> Tensor:
    return eqn((n, d), x * KroneckerDelta(i, n - 1) + y, (b, j), (a, i))


@case
def off_diagonal() -> Tensor:
    return eqn((n, n), x * KroneckerDelta(i, j + 1), (a, j))


@case
def inner_delta() -> Tensor:
    return eqn((n, m), x * (KroneckerDelta(r, s) + y) * z, (X, i, r), (b, s), (W, s, j),
               reduce="sum", bound=(d, d))


@case
def delta_in_function() -> Tensor:
    return eqn((n, n), exp(x * KroneckerDelta(i, j)), (a, i))


@case
def gathered_rows() -> Tensor:
    return eqn((h, d), 2 * y, (ids, i), (EMB, x, j))


@case
def gathered_columns() -> Tensor:
    return eqn((d, h), y, (ids, j), (EMB, x, i))


@case
def gathered_entries() -> Tensor:
    return eqn((h,), y * z, (ids, i), (input_tensor("HN", (h, n)), i, x), (hv, i))


@case
def gathered_sum() -> Tensor:
    return eqn((), y * z, (ids, r), (EMB, x, s), (HV, r, s), reduce="sum", bound=(h, d))


@case
def gathered_by_one_number() -> Tensor:
    return eqn((d,), 2 * y, (input_tensor("pick", (), {"integer"}),), (EMB, x, i))


@case
def gathered_twice() -> Tensor:
    return eqn((h, h), z, (ids, i), (ids, j), (S, x, y))


@case
def gathered_next() -> Tensor:
    return eqn((h, d), y * z, (ids, i), (EMB, x + 1, j), (HV, i, j))


@case
def scattered_rows() -> Tensor:
    return eqn((n, d), KroneckerDelta(i, x) * y, (ids, r), (HV, r, j), reduce="sum", bound=(h,))


@case
def scattered_columns() -> Tensor:
    return eqn((d, n), 3 * KroneckerDelta(j, x) * y, (ids, r), (HV, r, i), reduce="sum",
               bound=(h,))


@case
def scattered_entries() -> Tensor:
    return eqn((n,), KroneckerDelta(i, x) * y, (ids, r), (hv, r), reduce="sum", bound=(h,))


@case
def scattered_counts() -> Tensor:
    return eqn((n,), KroneckerDelta(i, x), (ids, r), reduce="sum", bound=(h,))


@case
def one_hot_rows() -> Tensor:
    return eqn((h, n), KroneckerDelta(j, x) * y, (ids, i), (hv, i))


@case
def integer_values() -> Tensor:
    return eqn((h,), x * y + x, (ids, i), (hv, i))


@case
def named_alias() -> Tensor:
    inner = eqn((n, d), x * y, (X, i, j), (b, j))
    named = define([(i, n), (j, d)], x, [Access(inner, (i, j))], label="N")
    return eqn((n, d), x - y, (named, i, j), (a, i))


@case
def shared_exponential() -> Tensor:
    first = eqn((n, d), 1 / (1 + exp(-x - y)), (X, i, j), (b, j))
    return eqn((n, d), x * exp(-y - z), (first, i, j), (X, i, j), (b, j))


@case
def plain_copy_of_input() -> Tensor:
    return eqn((d, n), x, (X, j, i))


@case
def awkward_names() -> Tensor:
    size, other = dim_symbol("max"), dim_symbol("key")
    tensors = [input_tensor(name, (size, other)) for name in ("np", "out", "dtype", "range")]
    lone = input_tensor("key", (size,))
    product = tensors[0]
    for t in tensors[1:]:
        product = eqn((size, other), tanh(x) * y / size, (product, i, j), (t, i, j))
    return eqn((size, other), x * y - i * size, (product, i, j), (lone, i))
