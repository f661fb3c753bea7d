"""Canonical form: equations equal up to naming are one object, and it changes no value."""

from __future__ import annotations

import gc
import pickle

import numpy as np
import pytest
from interpreter import evaluate
from sympy import KroneckerDelta, S, Symbol, exp, log

import mathdl as md
from mathdl.ir.bodies import inline, is_structural
from mathdl.ir.build import constant, define, out_ranges, read
from mathdl.ir.dim import dim_symbol
from mathdl.ir.index import bound_index, out_index, out_indices, slot
from mathdl.ir.system import depends_on, inputs_of, rewrite, strip_labels, topological
from mathdl.ir.tensor import Access, Requirement, input_tensor, intern

n, m, d = (dim_symbol(s) for s in "nmd")
X, W, Y = input_tensor("X", (n, d)), input_tensor("W", (d, m)), input_tensor("Y", (n, d))
v, V = input_tensor("v", (n,)), input_tensor("V", (n, n))
a, b, c, e = (Symbol(s, integer=True, nonnegative=True) for s in "abce")
x0, x1 = slot(0), slot(1)


def product_of(left, right, i, j, k):
    return define([(i, n), (j, m)], x0 * x1, [Access(left, (i, k)), Access(right, (k, j))],
                  reduce="sum", bound=[(k, d)])


def test_names_of_indices_do_not_matter():
    first = product_of(X, W, a, b, c)
    assert product_of(X, W, e, a, b) is first
    assert product_of(X, W, out_index(1), out_index(0), bound_index(3)) is first


def test_order_of_operands_does_not_matter():
    swapped = define([(a, n), (b, m)], x0 * x1, [Access(W, (c, b)), Access(X, (a, c))],
                     reduce="sum", bound=[(c, d)])
    assert swapped is product_of(X, W, a, b, c)


def test_order_of_bound_indices_does_not_matter():
    def total(bound):
        return define([], x0 * x1, [Access(X, (a, b)), Access(Y, (a, b))], reduce="sum",
                      bound=bound)

    assert total([(a, n), (b, d)]) is total([(b, d), (a, n)])


def test_what_differs_stays_different():
    pairs = [
        (md.parse("sum(X, axis=0)", "X: n d"), md.parse("sum(X, axis=1)", "X: n d")),
        (md.parse("V", "V: n n"), md.parse("V.T", "V: n n")),
        (md.parse("max(X)", "X: n d"), md.parse("min(X)", "X: n d")),
        (md.parse("sum(V)", "V: n n"), md.parse("trace(V)", "V: n n")),
        (constant(1, (n,)), constant(1, (m,))), (constant(1, (n,)), constant(1)),
        (constant(1, (2,)), constant(1, (3,))), (constant(n), constant(m)),
        (constant(1, (n, m)), constant(1, (m, n))),
        (md.parse("exp(v)", "v: n"), md.parse("exp(v)", "v: m")),
        (md.parse("sum(v)*v", "v: 2"), md.parse("sum(v)*v", "v: 3")),
        (md.parse("sum(v*0 + 1)", "v: n"), md.parse("sum(v*0 + 1)", "v: m")),
    ]
    for left, right in pairs:
        assert left is not right


def test_extents_are_part_of_the_identity():
    """The same body over the first 2 and the first 3 entries."""
    x = md.tensor("x", n)
    assert md.parse("sum(x[:2]*x[:2])", "x: 5") is not md.parse("sum(x[:3]*x[:3])", "x: 5")
    short, long = (define([], x0, [Access(x, (a,))], reduce="sum", bound=[(a, k)]) for k in (2, 3))
    assert short is not long


def test_equal_inputs_are_one():
    assert input_tensor("X", (n, d)) is X
    assert input_tensor("X", (n, m)) is not X
    assert input_tensor("X", (n, d), {"positive"}) is not X
    assert input_tensor("X2", (n, d)) is not X


def test_interning_does_not_outlive_its_tensors():
    """Identities are reused after garbage collection; keys must not be."""
    for k in range(200):
        t = define([], x0 + k, [Access(input_tensor(f"gc{k % 7}", ()), ())])
        t = define([], x0 + k + 1, [Access(t, ())])
        assert t.equation.body - x0 == k + 1
        inner = t.operands[0].tensor
        assert inner.name == f"gc{k % 7}" or inner.equation.body - x0 == k
        del t
        gc.collect(0)


def test_pickling_finds_the_same_tensor():
    t = md.parse("sum(softmax(X @ W)*Y)", "X: n d; W: d d; Y: n d")
    assert pickle.loads(pickle.dumps(t)) is t
    assert pickle.loads(pickle.dumps(X)) is X


# -- views --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("X.T.T", "X"), ("X[:, :]", "X"), ("X[:, None, :][:, 0]", "X"),
        ("transpose(X, (0, 1))", "X"),
        ("sum(X.T, axis=0)", "sum(X, axis=1)"),
        ("sum(X, axis=1, keepdims=True)[:, 0]", "sum(X, axis=1)"),
        ("X[::-1][::-1]", "X"), ("X @ eye(d)", "X"),
        ("X*ones(n, d)", "X"),
        ("X + zeros(n, d)", "X"), ("einsum('ij,jk->ik', X, W)", "X @ W"),
        ("einsum('ij->ji', X)", "X.T"), ("sum(sum(X, axis=0))", "sum(X)"),
        ("+v", "v"), ("X - X", "zeros(n, d)"), ("X/X", "ones(n, d)"),
        ("concat([v])", "v"), ("sum(ones(n, d))", "n*d*1.0"),
        ("v**1", "v"), ("dot(X, W)", "X @ W"), ("outer(v, v)", "v[:, None]*v[None, :]"),
    ],
)
def test_read_through(text, same):
    shapes = "X: n d; W: d m; v: n"
    left, right = md.parse(text, shapes), md.parse(same, shapes)
    if text == "sum(sum(X, axis=0))":  # two sums stay two, with one value
        arrays = {"X": np.arange(6.0).reshape(2, 3)}
        assert evaluate([left], arrays, {"n": 2, "d": 3})[0] == evaluate(
            [right], arrays, {"n": 2, "d": 3})[0]
        return
    assert left is right


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x[1:][::-1]", lambda x: x[1:][::-1]), ("x[::2][1:]", lambda x: x[::2][1:]),
        ("concat([x, x])[1:][:3]", lambda x: np.concatenate([x, x])[1:][:3]),
        ("concat([x[:1], x])[0]", lambda x: x[0]),
        ("stack([x, x*2])[1, ::-1]", lambda x: 2 * x[::-1]),
        ("reshape(concat([x, x]), 2, n)[1]", lambda x: x),
        ("concat([x, x*2])[n - 1]", lambda x: x[-1]), ("eye(n)[1:, 1:][0]", lambda x: np.eye(3)[0]),
        ("tril(ones(n, n))[1:]", lambda x: np.tril(np.ones((4, 4)))[1:]),
        ("concat([eye(n), ones(n, n)])[1:]",
         lambda x: np.concatenate([np.eye(4), np.ones((4, 4))])[1:]),
        ("sum(concat([ones(n), x*0])[1:])", lambda x: 3.0),
        ("prod(x*0 + 2)", lambda x: 16.0), ("max(ones(n))", lambda x: 1.0),
        ("prod(2*ones(n))", lambda x: 16.0), ("sum(eye(n)[1:])", lambda x: 3.0),
        ("sum(eye(n + 1)[:n, 1:])", lambda x: 3.0),
        ("sum(eye(n)[:, 1:] @ x[1:])", lambda x: x[1:].sum()),
        ("eye(n)[1:] @ x", lambda x: x[1:]),
        ("eye(n, n - 1) @ x[1:]", lambda x: np.append(x[1:], 0)),
        ("eye(n, n + 2) @ concat([x, x[:2]])", lambda x: x),
        ("exp(eye(n, n - 1)) @ exp(x[1:])", lambda x: np.exp(np.eye(4, 3)) @ np.exp(x[1:])),
    ],
)
def test_out_of_range_is_never_read(text, expected):
    """Views of views, deltas that leave the range, constants that end: values as in NumPy."""
    x = np.array([2.0, 3.0, 5.0, 7.0])
    got = evaluate([md.parse(text, "x: n")], {"x": x}, {"n": 4})[0]
    np.testing.assert_allclose(got, expected(x), rtol=1e-12)


# -- deltas -------------------------------------------------------------------------------------


def test_contracted_delta_keeps_its_range():
    """``sum_r delta(r, i) f(r)`` over a shorter axis is zero beyond it, not ``f(i)``."""
    r = bound_index(0)
    i = out_index(0)
    shifted = define([(i, n)], KroneckerDelta(r, i) * x0, [Access(v, (i,))], reduce="sum",
                     bound=[(r, m)])
    got = evaluate([shifted], {"v": np.array([1.0, 2.0, 3.0])}, {"n": 3, "m": 2})[0]
    np.testing.assert_array_equal(got, [1, 2, 0])
    inverse = define([(i, n)], KroneckerDelta(r, i) / x0, [Access(v, (i,))], reduce="sum",
                     bound=[(r, m)])
    got = evaluate([inverse], {"v": np.array([1.0, 2.0, 0.0])}, {"n": 3, "m": 2})[0]
    np.testing.assert_array_equal(got, [1, 0.5, 0])


def test_contracted_delta_with_a_logarithm():
    """What is read out of range is zero; its logarithm must not be."""
    r, i = bound_index(0), out_index(0)
    t = define([(i, n + 1)], KroneckerDelta(r, i - 1) * log(x0), [Access(v, (r,))],
               reduce="sum", bound=[(r, n)])
    got = evaluate([t], {"v": np.array([1.0, 2.0])}, {"n": 2})[0]
    np.testing.assert_allclose(got, [0, 0, np.log(2)])


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("(X.T + 1).T", "X + 1"), ("(W.T @ X.T).T", "X @ W"), ("diagonal(diag(v))", "v"),
        ("diag(v) @ X", "v[:, None]*X"), ("trace(diag(v))", "sum(v)"), ("v*2*0.5", "v"),
        ("-(-v)", "v"), ("reshape(X, n, d)", "X"), ("reshape(reshape(X, d, n), n, d)", "X"),
        ("sum(diag(v) @ X)", "v @ sum(X, axis=1)"),
        ("kron(v, ones(m))", "reshape(v[:, None]*ones(n, m), -1)"),
    ],
)
def test_equal_values(text, same):
    rng = np.random.default_rng(0)
    arrays = {"X": rng.normal(size=(2, 3)), "W": rng.normal(size=(3, 4)), "v": rng.normal(size=2)}
    shapes = "X: n d; W: d m; v: n"
    both = [md.parse(text, shapes), md.parse(same, shapes)]
    np.testing.assert_allclose(*evaluate(both, arrays, {"n": 2, "d": 3, "m": 4}), rtol=1e-12)


def test_structural():
    i, j = out_indices(2)
    assert is_structural(define([(i, n), (j, n)], x0 * KroneckerDelta(i, j), [Access(v, (i,))]))
    assert not is_structural(define([(i, n), (j, n)], x0 * x1, [Access(v, (i,)), Access(v, (j,))]))
    assert not is_structural(v)


# -- sums of constants --------------------------------------------------------------------------


def test_unused_bound_indices():
    for reduce, expected in (("sum", 3 * 5.0), ("prod", 5.0**3), ("max", 5.0), ("min", 5.0)):
        t = define([], x0, [Access(input_tensor("s", ()), ())], reduce=reduce, bound=[(a, n)])
        assert evaluate([t], {"s": 5.0}, {"n": 3})[0] == expected


def test_unit_axes_are_squeezed():
    kept = md.parse("sum(X, axis=1, keepdims=True)", "X: n d")
    plain = md.parse("sum(X, axis=1)", "X: n d")
    assert kept.operands[0].tensor is plain
    assert kept.shape == (n, 1)


# -- requirements --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["x[3]", "sum(x[2:])", "0*x[3] + 1", "x[3] - x[3]", "sum(x[1:-1]**2)", "exp(x[2])",
     "x[-4]", "sum(conv2d(X, ones(3, 3)))"],
)
def test_requirements_are_not_lost(text):
    expr = md.parse(text, "x: n; X: n n")
    arrays = {"x": np.ones(1), "X": np.ones((1, 1))}
    with pytest.raises(AssertionError, match="needed"):
        evaluate([expr], arrays, {"n": 1})
    name = "X" if "X" in text else "x"
    derivative = md.derive(md.parse(f"sum({text})", "x: n; X: n n"), wrt=name)
    with pytest.raises(AssertionError, match="needed"):
        evaluate([derivative[name]], arrays, {"n": 1})


def test_requirements_are_part_of_the_identity():
    needs = Requirement(n - 3, "because")
    t = define(out_ranges((n,)), exp(x0), [read(v)], requires=[needs])
    assert t is not define(out_ranges((n,)), exp(x0), [read(v)])
    assert t.requires == (needs,)


# -- traversals ----------------------------------------------------------------------------------


def test_topological_visits_once():
    t = v
    for _ in range(60):
        t = define(out_ranges((n,)), x0 + x1, [read(t), Access(t, (n - 1 - out_index(0),))])
    order = topological([t])
    assert len(order) == 61
    position = {id(s): k for k, s in enumerate(order)}
    assert all(position[id(o.tensor)] < position[id(s)] for s in order for o in s.operands)


def test_rewrite_replaces():
    t = md.parse("sum(X @ W)", "X: n d; W: d m")
    assert rewrite([t])[0] is t
    other = rewrite([t], replace={X: Y})[0]
    assert set(inputs_of([other])) == {Y, W}


def test_strip_labels_finds_the_quantity():
    t = md.parse("Z = X @ W; sum(Z**2)", "X: n d; W: d m")
    stripped, names = strip_labels([t])
    assert list(names.values()) == ["Z"]
    assert next(iter(names)) is md.parse("X @ W", "X: n d; W: d m")
    assert stripped[0] is md.parse("sum((X @ W)**2)", "X: n d; W: d m")


def test_depends_on_skips_held_accesses():
    held = define([], x0, [Access(v, (S.Zero,), held=True)])
    total = define([], x0 + x1, [Access(held, ()), Access(input_tensor("s", ()), ())])
    assert id(total) not in depends_on([total], [v])
    assert id(total) in depends_on([total], [input_tensor("s", ())])


def test_inline_keeps_values():
    outer = md.parse("sin(exp(v[::-1]*2) + v)", "v: n")
    arrays, dims = {"v": np.linspace(0, 1, 4)}, {"n": 4}
    body, operands = outer.equation.body, list(outer.operands)
    for k in range(len(operands)):
        if operands[k].tensor.definition is not None:
            body, operands = inline(body, operands, k)
    again = define(out_ranges(outer.shape), body, operands)
    assert again is not outer
    np.testing.assert_allclose(*evaluate([outer, again], arrays, dims))


def test_intern_refuses_nothing_but_equals():
    t = md.parse("exp(v)", "v: n")
    assert intern(t.shape, t.equation, t.requires, t.label) is t
    assert intern(t.shape, t.equation, t.requires, "other") is not t
