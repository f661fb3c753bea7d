"""Declarations of tensors, dims and assumptions."""

from __future__ import annotations

import pytest
from sympy import Rational, Symbol

from mathdl.errors import AssumptionError, NamingError, ShapeError
from mathdl.ir.assumptions import ASSUMPTIONS, closure
from mathdl.ir.system import inputs_of
from mathdl.language import dims, parse_assumptions, parse_shapes, tensor
from mathdl.language.declare import declare_inputs

n, d = dims("n d")


@pytest.mark.parametrize("shapes", [
    "X: n d; w: d; lam:; c: 3",
    "X: n, d\n w:d\nlam: \n c: 3;",
    {"X": "n d", "w": "d", "lam": "", "c": "3"},
    {"X": (n, "d"), "w": [d], "lam": (), "c": (3,)},
    {"X": ["n", d], "w": d, "lam": [], "c": 3},
])
def test_shapes(shapes):
    assert parse_shapes(shapes) == {"X": (n, d), "w": (d,), "lam": (), "c": (3,)}


def test_sympy_names_are_names():
    assert set(parse_shapes("E: n; I:; N:; Q:; S:; beta:; gamma:; e:; pi:; lambda_:")) == {
        "E", "I", "N", "Q", "S", "beta", "gamma", "e", "pi", "lambda_"
    }


BAD_SHAPES = [
    ("x: n; x: n d", NamingError, "'x' is declared twice"),
    ("x: 2.5", ShapeError, "'2.5' of x is not a positive integer"),
    ({"x": (2.5,)}, ShapeError, "2.5"),
    ({"x": (Rational(5, 2),)}, ShapeError, "5/2"),
    ({"x": (True,)}, ShapeError, "True"),
    ({"x": (Symbol("z"),)}, ShapeError, "z"),
    ("x: 0", ShapeError, "positive integer"),
    ("x: -1", ShapeError, "'-1'"),
    ("x: n*m", NamingError, "'n\\*m' is not an identifier"),
    ("x: " + "n " * 70, ShapeError, "70 axes"),
    ("x: 9999999999999", ShapeError, "not a positive integer"),
    ({"x": (10**13,)}, ShapeError, "not between"),
    ("None: n", NamingError, "keyword"),
    ("lambda: n", NamingError, "keyword"),
    ("sum: n", NamingError, "function of the language"),
    ("x: sum", NamingError, "function of the language"),
    ("n: n", NamingError, "both a tensor and a dim"),
    ("x: n; n: d", NamingError, "both a tensor and a dim"),
    ("x y: n", NamingError, "not an identifier"),
    ("x", NamingError, "not like"),
    ("__x__: n", NamingError, "reserved"),
    ("x): n\n    import os", NamingError, "not like"),
    ("x): n", NamingError, "not an identifier"),
    ("\u00e9: n", NamingError, "not an identifier"),
    ({1: "n"}, NamingError, "a string"),
    (["x"], NamingError, "text like"),
    ("x: n;" * 9000, NamingError, "characters"),
]


@pytest.mark.parametrize(("shapes", "error", "message"), BAD_SHAPES)
def test_bad_shapes(shapes, error, message):
    with pytest.raises(error, match=message) as caught:
        parse_shapes(shapes)
    assert "\n" not in str(caught.value)


def test_tensor():
    X = tensor("X", n, 3, assume="positive")
    assert X.shape == (n, 3)
    assert X is tensor("X", "n 3", assume=["positive"])
    assert X.assume == {"positive", "nonnegative"}
    assert tensor("s").shape == ()
    for name in ("sum", "x y", "def", "", 3, "newaxis"):
        with pytest.raises(NamingError):
            tensor(name, n)
    with pytest.raises(NamingError, match="both"):
        tensor("n", n)


def test_dims():
    assert dims("a, b") == (dims("a"), dims("b"))
    assert dims("a").is_positive
    for names in ("", "sum", "2", "a-b"):
        with pytest.raises(NamingError):
            dims(names)


def test_assumptions():
    expected = {"S": ("positive_definite", "symmetric"), "Y": ("one_hot",)}
    assert parse_assumptions("S: positive_definite, symmetric; Y: one_hot") == expected
    assert parse_assumptions({"S": ["positive_definite", "symmetric"], "Y": "one_hot"}) == expected
    assert parse_assumptions(None) == {}


def test_what_was_declared_before_does_not_change_the_order():
    kept = tensor("late", n) * tensor("early", n)
    early, late = tensor("early", n), tensor("late", n)
    assert inputs_of([late / early]) == [early, late] == inputs_of([kept])
    assert list(declare_inputs("late: n; early: n").values()) == inputs_of([kept])


BAD_ASSUMPTIONS = [
    ("x: postive", AssumptionError, "unknown assumption 'postive' of x; did you mean positive"),
    ("X: symmetric", AssumptionError, "symmetric needs a square matrix; X has shape \\(n, d\\)"),
    ("x: symmetric", AssumptionError, "at least 2 axes"),
    ("s: one_hot", AssumptionError, "at least 1 axes"),
    ("z: positive", NamingError, "no declared shape"),
    ("x: positive; x: binary", NamingError, "twice"),
    ({"x": [3]}, AssumptionError, "words"),
    ({"x": 3}, AssumptionError, "words"),
    ({"x": None}, AssumptionError, "words"),
]


@pytest.mark.parametrize(("assume", "error", "message"), BAD_ASSUMPTIONS)
def test_bad_assumptions(assume, error, message):
    with pytest.raises(error, match=message):
        declare_inputs("x: n; X: n d; s:", assume)


def test_assumption_table():
    for name, assumption in ASSUMPTIONS.items():
        assert assumption.name == name
        assert assumption.meaning
        for implied in assumption.implied:
            assert not ASSUMPTIONS[implied].requires_square or assumption.requires_square
    assert closure(["causal_mask"]) >= {"binary", "nonnegative", "lower_triangular"}
    assert closure(["probability_vector"]) >= {"positive", "nonnegative", "unit_interval"}
    assert "positive" not in closure(["one_hot"])
