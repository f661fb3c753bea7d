"""Shape laws and the messages of shape errors, as tables."""

from __future__ import annotations

import pytest
from sympy import floor

from mathdl.errors import DomainError, MathDLError, ShapeError, UnsupportedError
from mathdl.language import dims, tensor
from mathdl.language.elementwise import ELEMENTWISE
from mathdl.language.linalg import ones
from mathdl.language.parser import parse
from mathdl.language.structure import broadcast_to, expand_dims

n, m, d = dims("n m d")
SHAPES = "s:; x: n; y: m; X: n d; Y: m d; T: n m d; c: 5; C: 5 7; img: g b a h; ids: m"

SHAPE_TABLE = [
    ("X + x[:, None]", (n, d)),
    ("x[:, None] - y", (n, m)),
    ("T*Y", (n, m, d)),
    ("X.T @ X", (d, d)),
    ("T @ X.T", (n, m, n)),
    ("T[0, 1:]", (m - 1, d)),
    ("T[..., None]", (n, m, d, 1)),
    ("T[None, :, 0]", (1, n, d)),
    ("x[::2]", (floor((n + 1) / 2),)),
    ("x[1::3]", (floor((n + 1) / 3),)),
    ("x[::-2]", (floor((n + 1) / 2),)),
    ("x[:-2]", (n - 2,)),
    ("x[-2:]", (2,)),
    ("c[1:100:2]", (2,)),
    ("X[ids]", (m, d)),
    ("T[:, ids, ids]", (n, m)),
    ("concat([x, y, x])", (2 * n + m,)),
    ("stack([X, X], axis=-1)", (n, d, 2)),
    ("reshape(T, m*d, n)", (m * d, n)),
    ("reshape(T, -1)", (n * m * d,)),
    ("reshape(T, n, -1)", (n, m * d)),
    ("kron(X, Y)", (n * m, d**2)),
    ("conv2d(C, ones(2, 3))", (4, 5)),
    ("conv2d(X, ones(2, 3))", (n - 1, d - 2)),
    ("conv2d(X, ones(3, 3), padding=1)", (n, d)),
    ("conv2d(X, ones(3, 3), stride=2)[0]", (floor((d - 3) / 2) + 1,)),
    ("max_pool(C, 2)", (2, 3)),
    ("avg_pool(X, 2)", (floor(n / 2), floor(d / 2))),
    ("sum(T, axis=(0, 2), keepdims=True)", (1, m, 1)),
    ("eye(n)", (n, n)),
    ("ones((n, 2))", (n, 2)),
    ('einsum("abc->ca", T)', (d, n)),
]


@pytest.mark.parametrize(("text", "shape"), SHAPE_TABLE, ids=[r[0] for r in SHAPE_TABLE])
def test_shape(text, shape):
    found = parse(text, SHAPES, {"ids": "integer"}).shape
    assert all((a - b) == 0 for a, b in zip(found, shape, strict=True))


# (text, error, what the message says)
ERRORS = [
    ("x + y", ShapeError, r"\(n,\) and \(m,\) do not broadcast in \+: axis -1 has length n"),
    ("X + x", ShapeError, "length d in one and n in another"),
    ("X @ Y", ShapeError, "last axis of the left has length d"),
    ("s @ x", ShapeError, "use \\* to scale"),
    ("T @ C", ShapeError, "do not fit in @"),
    ("sum(X, axis=2)", ShapeError, "axis 2 of sum is out of range for 2 axes"),
    ("sum(X, axis=(0, -2))", ShapeError, "names one axis twice"),
    ("sum(X, axis=0.5)", ShapeError, "axis of sum is an integer"),
    ("sum(X, axis=True)", ShapeError, "axis of sum is an integer"),
    ("sum(X, keepdims=1)", ShapeError, "keepdims of sum is True or False"),
    ("softmax(s)", ShapeError, "out of range"),
    ("cumsum(X)", ShapeError, "needs an axis"),
    ("c[7]", ShapeError, r"index 7 is out of range for axis 0 of length 5 in c\[7\]"),
    ("c[-6]", ShapeError, "index -6 is out of range"),
    ("x[n]", ShapeError, "index n is out of range for axis 0 of length n"),
    ("x[-n - 1]", ShapeError, "out of range"),
    ("c[5:]", ShapeError, "empty"),
    ("x[5:2]", ShapeError, "always empty"),
    ("x[::0]", ShapeError, "step of the slice in x\\[::0\\] is zero"),
    ("x[::n]", UnsupportedError, "not a number"),
    ("x[1.5]", ShapeError, "not an integer or a slice"),
    ("x[y]", ShapeError, "not an integer index; assume it to be integer"),
    ("x[0, 0]", ShapeError, "2 indices for the 1 axes"),
    ("T[..., ...]", ShapeError, "at most one '...'"),
    ("T[ids, :, ids]", UnsupportedError, "not next to each other"),
    ("T[0, :, ids]", UnsupportedError, "not next to each other"),
    ("concat([x, X])", ShapeError, "do not fit in concat"),
    ("concat([X, T[0]], axis=1)", ShapeError, "other than axis 1"),
    ("concat(x)", ShapeError, "takes a list"),
    ("stack([x, y])", ShapeError, "do not fit in stack"),
    ("stack([])", ShapeError, "takes a list"),
    ("reshape(X, n, n)", ShapeError, "are not equal"),
    ("reshape(X, -1, m)", ShapeError, "not an integer for all dims"),
    ("reshape(X, -1, -1)", ShapeError, "more than one -1"),
    ("transpose(X, (0, 0))", ShapeError, "not a permutation"),
    ("transpose(X, (0, 2))", ShapeError, "out of range"),
    ("conv2d(X, T)", ShapeError, "conv2d takes a matrix with a matrix"),
    ("conv2d(img, ones(2, 4, 3, 3))", ShapeError, "channels"),
    ("conv2d(C, ones(6, 6))", ShapeError, "longer than the axis"),
    ("conv2d(C, C, stride=0)", ShapeError, "stride of conv2d is an integer >= 1"),
    ("max_pool(x, 2)", ShapeError, "at least two axes"),
    ("max_pool(C, 2.5)", ShapeError, "size of max_pool"),
    ("trace(X)", ShapeError, "square"),
    ("diag(T)", ShapeError, "vector or a matrix"),
    ("outer(X, x)", ShapeError, "needs vectors"),
    ("tril(x)", ShapeError, "needs a matrix"),
    ("tril(X, k=0.5)", ShapeError, "k of tril is an integer"),
    ("eye(0)", ShapeError, "positive integer"),
    ("ones(x)", ShapeError, "positive integer"),
    ("zeros(2.5)", ShapeError, "positive integer"),
    ("dot(T, x)", ShapeError, "do not fit in dot"),
    ('einsum("ij,jk->ik", X, Y)', ShapeError, "index 'j' has length d in one place and m"),
    ('einsum("ij->ik", X)', ShapeError, "'k' is in no operand"),
    ('einsum("ij->ii", X)', ShapeError, "occurs twice"),
    ('einsum("ij,ij", X)', ShapeError, "subscripts for 2 operands, not 1"),
    ('einsum("ijk", X)', ShapeError, "do not fit shape"),
    ('einsum("...i", X)', UnsupportedError, "write every axis"),
    ('einsum("i-j", X)', ShapeError, "not like"),
    ("batch_norm(T)", ShapeError, "batch_norm takes"),
    ("layer_norm(s)", ShapeError, "at least one axis"),
    ("mse(X, X[0])", ShapeError, "differ in mse"),
    ("cross_entropy(X, x)", ShapeError, "assume them to be integer"),
    ("cross_entropy(X, y)", ShapeError, "do not fit logits"),
    ("elu(x)", ShapeError, "elu takes 2 arguments, not 1"),
    ("where(x, x)", ShapeError, "where takes 3 arguments"),
    ("log(-1)*x", DomainError, "log is not a real number at the constant -1"),
    ("sqrt(2 - 3)*x", DomainError, "sqrt is not a real number"),
    ("arcsin(2)*x", DomainError, "arcsin"),
    ("log1p(-2)*x", DomainError, "log1p"),
    ("log(x - x)", DomainError, "log"),
    ("(-8)**(1/3)*x", DomainError, "not a real number"),
    ("0/0*x", DomainError, "zero"),
    ("x/(x - x)", DomainError, "denominator is identically zero"),
    ("x/(0*x)", DomainError, "identically zero"),
    ("(sum(x) - sum(x))**-1", DomainError, "zero"),
    ("x/log(1)", DomainError, "zero"),
    ("x**(10**5)", DomainError, "beyond 10000"),
]


@pytest.mark.parametrize(("text", "error", "message"), ERRORS, ids=[r[0] for r in ERRORS])
def test_error(text, error, message):
    with pytest.raises(error, match=message) as caught:
        parse(text, SHAPES, {"ids": "integer"})
    assert "\n" not in str(caught.value)
    assert "column" in str(caught.value)


REQUIREMENTS = [
    ("X[1, 2]", ["n > 1", "d > 2"]),
    ("x[-3]", ["n >= 3"]),
    ("x[0] + x[-1] + x[n - 1]", []),
    ("x[1:]", ["n - 1 >= 1"]),
    ("x[:3]", ["n >= 3 \\(a slice of a symbolic length is not clamped\\)"]),
    ("x[d]", ["n > d"]),
    ("c[:n]", ["5 >= n"]),
    ("x[:] + x[::-1]", []),
    ("conv2d(X, ones(3, 1))", ["must fit into n"]),
    ("ones(n - 2)", ["n - 2 >= 1"]),
]


@pytest.mark.parametrize(("text", "reasons"), REQUIREMENTS, ids=[r[0] for r in REQUIREMENTS])
def test_requirement(text, reasons):
    import re

    found = parse(text, SHAPES).requires
    assert len(found) == len(reasons)
    for requirement, reason in zip(found, reasons, strict=True):
        assert re.search(reason, requirement.reason)


def test_requirement_is_about_the_stated_dims():
    (requirement,) = parse("x[:3]", "x: n").requires
    assert requirement.expr == n - 3


def test_functions_of_numbers_are_exact_numbers():
    assert ELEMENTWISE["sqrt"](4) == 2
    assert ELEMENTWISE["sqrt"](2) ** 2 == 2
    assert ELEMENTWISE["exp"](0) == 1


def test_python_objects_that_are_not_of_the_language():
    x = tensor("x", n)
    for value in ([1, 2], "a", object(), 1j, True):
        with pytest.raises(MathDLError):
            x + value
    with pytest.raises(DomainError):
        x * float("nan")
    with pytest.raises(TypeError, match="where"):
        bool(x > 0)


def test_broadcast_to_and_expand_dims():
    x = tensor("x", n)
    assert broadcast_to(x, (m, n)).shape == (m, n)
    assert expand_dims(x, -1).shape == (n, 1)
    with pytest.raises(ShapeError, match="broadcast"):
        broadcast_to(x, (n, m))
    with pytest.raises(ShapeError, match="broadcast"):
        broadcast_to(ones(n, m), (m,))


def test_equal_expressions_are_one_tensor():
    x = tensor("x", n)
    assert x[::-1][::-1] is x
    assert parse("softmax(x)", "x: n") is parse("exp(x)/sum(exp(x), axis=0)", "x: n")
