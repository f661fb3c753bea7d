"""Sums over windows: convolutions and their gradients, in many shapes."""

from __future__ import annotations

from equation_cases import c, case, d, eqn, h, i, j, k, l, m, n, r, s, t, u, x, y, z

from mathdl.ir.index import out_index
from mathdl.ir.tensor import Tensor, input_tensor

o4 = out_index(4)

ANY = input_tensor("ANY", (n, c, h, d))
SAME = input_tensor("SAME", (n, m, h, d))


def kernel(*taps: int) -> Tensor:
    return input_tensor(f"KER{'_'.join(map(str, taps))}", (m, c, *taps))


def same(rows: int, columns: int, step: int = 1) -> Tensor:
    p, q = step * (rows // 2), step * (columns // 2)
    return eqn((n, m, h, d), x * y, (ANY, i, r, k + step * s - p, l + step * t - q),
               (kernel(rows, columns), j, r, s, t), reduce="sum", bound=(c, rows, columns))


def same_image(rows: int, columns: int, step: int = 1) -> Tensor:
    p, q = step * (rows // 2), step * (columns // 2)
    return eqn((n, c, h, d), 2 * x * y, (SAME, i, r, k - step * s + p, l - step * t + q),
               (kernel(rows, columns), r, j, s, t), reduce="sum", bound=(m, rows, columns))


def same_kernel(rows: int, columns: int, step: int = 1) -> Tensor:
    p, q = step * (rows // 2), step * (columns // 2)
    return eqn((m, c, rows, columns), x * y / n,
               (ANY, r, j, s + step * k - p, t + step * l - q), (SAME, r, i, s, t),
               reduce="sum", bound=(n, h, d))


@case
def window_3x3() -> Tensor:
    return same(3, 3)


@case
def window_3x3_image() -> Tensor:
    return same_image(3, 3)


@case
def window_3x3_kernel() -> Tensor:
    return same_kernel(3, 3)


@case
def window_5x2() -> Tensor:
    return same(5, 2)


@case
def window_5x2_image() -> Tensor:
    return same_image(5, 2)


@case
def window_5x2_kernel() -> Tensor:
    return same_kernel(5, 2)


@case
def window_dilated() -> Tensor:
    return same(3, 3, 2)


@case
def window_dilated_image() -> Tensor:
    return same_image(3, 3, 2)


@case
def window_dilated_kernel() -> Tensor:
    return same_kernel(3, 3, 2)


@case
def window_1d_channels() -> Tensor:
    line = input_tensor("LINE", (n, c, h))
    return eqn((n, m, h), x * y, (line, i, r, k + s - 1), (input_tensor("KL", (m, c, 3)), j, r, s),
               reduce="sum", bound=(c, 3))


@case
def window_1d_kernel() -> Tensor:
    line, other = input_tensor("LINE", (n, c, h)), input_tensor("LINE2", (n, m, h))
    return eqn((m, c, 3), x * y, (line, r, j, s + k - 1), (other, r, i, s),
               reduce="sum", bound=(n, h))


@case
def window_1d_grows() -> Tensor:
    line = input_tensor("LINE", (n, c, h))
    return eqn((n, m, h + 2), x * y, (line, i, r, k - s),
               (input_tensor("KL", (m, c, 3)), j, r, s), reduce="sum", bound=(c, 3))


@case
def window_without_batch() -> Tensor:
    image = input_tensor("IMAGE", (c, h, d))
    return eqn((m, h, d), x * y, (image, r, j + s - 1, k + t - 1),
               (kernel(3, 3), i, r, s, t), reduce="sum", bound=(c, 3, 3))


@case
def window_without_batch_kernel() -> Tensor:
    image, other = input_tensor("IMAGE", (c, h, d)), input_tensor("IMAGE2", (m, h, d))
    return eqn((m, c, 3, 3), x * y, (image, j, r + k - 1, s + l - 1), (other, i, r, s),
               reduce="sum", bound=(h, d))


@case
def window_without_channels() -> Tensor:
    plain = input_tensor("PLAIN", (n, h, d))
    return eqn((n, h, d), x * y, (plain, i, j + r - 1, k + s - 1),
               (input_tensor("BLUR", (3, 3)), r, s), reduce="sum", bound=(3, 3))


@case
def window_channels_last() -> Tensor:
    image = input_tensor("NHWC", (n, h, d, c))
    return eqn((n, h, d, m), x * y, (image, i, j + s - 1, k + t - 1, r),
               (kernel(3, 3), l, r, s, t), reduce="sum", bound=(c, 3, 3))


@case
def window_channels_last_kernel() -> Tensor:
    image, other = input_tensor("NHWC", (n, h, d, c)), input_tensor("NHWC2", (n, h, d, m))
    return eqn((m, c, 3, 3), x * y, (image, r, s + k - 1, t + l - 1, j), (other, r, s, t, i),
               reduce="sum", bound=(n, h, d))


@case
def window_each_channel_apart() -> Tensor:
    return eqn((n, c, h, d), x * y, (ANY, i, j, k + r - 1, l + s - 1),
               (input_tensor("DEPTH", (c, 3, 3)), j, r, s), reduce="sum", bound=(3, 3))


@case
def window_each_channel_apart_kernel() -> Tensor:
    other = input_tensor("ANY2", (n, c, h, d))
    return eqn((c, 3, 3), x * y, (ANY, r, i, s + j - 1, t + k - 1), (other, r, i, s, t),
               reduce="sum", bound=(n, h, d))


@case
def window_3d() -> Tensor:
    volume = input_tensor("VOL", (n, c, h, d, 2))
    return eqn((n, m, h, d, 2), x * y, (volume, i, r, k + s - 1, l + t - 1, o4 + u - 1),
               (input_tensor("KV", (m, c, 3, 2, 3)), j, r, s, t, u), reduce="sum",
               bound=(c, 3, 2, 3))


@case
def window_3d_kernel() -> Tensor:
    volume, other = input_tensor("VOL", (n, c, h, d, 2)), input_tensor("VOL2", (n, m, h, d, 2))
    return eqn((m, c, 3, 2, 3), x * y, (volume, r, j, s + k - 1, t + l - 1, u + o4 - 1),
               (other, r, i, s, t, u), reduce="sum", bound=(n, h, d, 2))


@case
def window_few_channels() -> Tensor:
    image, many = input_tensor("RGB", (n, 1, h, d)), input_tensor("KMANY", (9, 1, 3, 3))
    return eqn((n, 9, h, d), x * y, (image, i, 0, k + r - 1, l + s - 1), (many, j, 0, r, s),
               reduce="sum", bound=(3, 3))


@case
def window_few_channels_kernel() -> Tensor:
    image, other = input_tensor("RGB2", (n, 2, h, d)), input_tensor("MANY", (n, 20, h, d))
    return eqn((20, 2, 3, 3), x * y, (image, r, j, s + k - 1, t + l - 1), (other, r, i, s, t),
               reduce="sum", bound=(n, h, d))


@case
def window_on_one_axis() -> Tensor:
    return eqn((n, m, h, d), x * y, (ANY, i, r, k, l + s - 1),
               (input_tensor("KONE", (m, c, 3)), j, r, s), reduce="sum", bound=(c, 3))


@case
def window_strided() -> Tensor:
    wide = input_tensor("WIDE2", (n, c, 2 * h + 1, 2 * d + 1))
    return eqn((n, m, h, d), x * y, (wide, i, r, 2 * k + s, 2 * l + t), (kernel(3, 3), j, r, s, t),
               reduce="sum", bound=(c, 3, 3))


@case
def window_strided_kernel() -> Tensor:
    wide = input_tensor("WIDE2", (n, c, 2 * h + 1, 2 * d + 1))
    return eqn((m, c, 3, 3), x * y, (wide, r, j, 2 * s + k, 2 * t + l), (SAME, r, i, s, t),
               reduce="sum", bound=(n, h, d))


@case
def window_and_more() -> Tensor:
    """A sum over windows in one of its terms only."""
    return eqn((n, m, h, d), x * y + y * z, (ANY, i, r, k + s - 1, l + t - 1),
               (kernel(3, 3), j, r, s, t), (input_tensor("BIAS", (m,)), j),
               reduce="sum", bound=(c, 3, 3))
