"""Numbers of many digits and signatures: every scalar function and primitive has its meaning."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy
from sympy.ntheory import isprime

from mathdl.primitives import primitives
from mathdl.proof.evaluate import PRIMITIVES
from mathdl.scalar import scalar_functions
from mathdl.verify.exact import TRANSCENDENTAL
from mathdl.verify.numbers.digits import Digits
from mathdl.verify.numbers.duals import Dual, Duals
from mathdl.verify.numbers.residues import CHOICES, Residue, Unlucky, primes
from mathdl.verify.numbers.signatures import Signatures

FUNCTIONS = {f.name: f for f in scalar_functions()}
SYMBOLS = sympy.symbols("u v w", real=True)


def _point(name: str) -> list[float]:
    """A point of the domain; an order is an integer."""
    function = FUNCTIONS[name]
    point = [low + (0.37 + 0.11 * k) * (high - low)
             for k, (low, high) in enumerate(function.domain)]
    laws = function.derivative or (0,) * function.arity
    return [float(round(x)) if law is None else x for x, law in zip(point, laws, strict=True)]


def _signatures(count: int, law: object) -> object:
    """What a law gives at a point where its roots exist."""
    for seed in range(60):
        numbers = Signatures(count, seed)
        try:
            with numbers.at_work():
                return law(numbers)
        except Unlucky:
            continue
    raise AssertionError("no point has the roots")


def _residues(numbers: Signatures, point: list[float]) -> list[Residue]:
    return [numbers.lift(int(x)) if x == int(x) else numbers.variable(mpmath.mpf(x))
            for x in point]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_scalar_function_has_its_value_in_every_kind_of_number(name: str) -> None:
    function, point = FUNCTIONS[name], _point(name)
    symbols = SYMBOLS[: function.arity]
    applied = function.head(*symbols)
    numbers = Digits(50)
    with numbers.at_work():
        used, law = numbers.scalar(applied)
        value = law(*(mpmath.mpf(x) for s, x in zip(symbols, point, strict=True) if s in used))
    expected = applied.subs(dict(zip(symbols, map(sympy.Float, point), strict=True)))
    assert float(value) == pytest.approx(float(expected.evalf(30)), rel=1e-12)

    def at(signatures: Signatures) -> Residue:
        used, law = signatures.scalar(applied)
        given = dict(zip(symbols, _residues(signatures, point), strict=True))
        return law(*(given[s] for s in used))

    assert mpmath.almosteq(_signatures(4, at).real, value, rel_eps=mpmath.mpf(10) ** -12)


# by recurrences between Bessel functions, which are variables of their own here
RECURRENT = {"bessel_ratio_slope", "i0e", "i1e"}


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in RECURRENT])
def test_a_stated_derivative_is_that_of_sympy_as_an_expression(name: str) -> None:
    """The slope of a dual number by SymPy, minus the declared derivative, has the residue 0."""
    function, point = FUNCTIONS[name], _point(name)
    symbols = SYMBOLS[: function.arity]
    for k, law in enumerate(function.derivative):
        if law is None:
            continue

        def difference(numbers: Signatures, k: int = k, law: object = law) -> Residue:
            given = dict(zip(symbols, _residues(numbers, point), strict=True))
            duals = Duals(numbers)
            used, value = duals.scalar(function.head(*symbols))
            moving = {s: Dual(x, numbers.lift(1) if s == symbols[k] else None)
                      for s, x in given.items()}
            slope = value(*(moving[s] for s in used)).slope or numbers.lift(0)
            stated, ours = numbers.scalar(law(*symbols))
            return slope - ours(*(given[s] for s in stated))

        found = _signatures(4, difference)
        assert abs(found.real) < mpmath.mpf(10) ** -40
        assert found.top == 0


def test_every_primitive_has_a_meaning_or_a_reason() -> None:
    numbers, residues = Digits(50), Signatures(2, 0)
    for primitive in primitives():
        assert primitive.name in PRIMITIVES
        assert numbers.primitive(primitive.name) is not None
        known = residues.primitive(primitive.name) is not None
        assert known != (primitive.name in TRANSCENDENTAL), primitive.name


@pytest.mark.parametrize("name", [p.name for p in primitives()])
def test_a_primitive_has_its_value_in_many_digits(name: str) -> None:
    rng = np.random.default_rng(5)
    a = rng.standard_normal((3, 3))
    first = {"cholesky": a @ a.T + np.eye(3), "inverse_gaps": a[0], "inverse_sums": a[0],
             "inverse_values": a[0], "svd_u": a[:2], "svdvals": a[:2], "svd_vh": a[:2],
             "eigvalsh": a + a.T, "eigvecsh": a + a.T}.get(name, a)
    second = {"solve": [a[:, :2]], "lstsq": [a[:, :2]],
              "inverse_values": [rng.standard_normal((4, 3))]}.get(name, [])
    numbers = Digits(50)
    with numbers.at_work():
        got = numbers.primitive(name)(*(numbers.array(x) for x in (first, *second)))
    expected = PRIMITIVES[name](first, *second)
    np.testing.assert_allclose(np.asarray(got, dtype=object).astype(float), expected,
                               rtol=1e-10, atol=1e-12)


def test_the_primes_are_a_chain() -> None:
    chain = primes()
    assert chain[0] > CHOICES
    for p, q in zip(chain, [*chain[1:], None], strict=True):
        assert isprime(p)
        assert p % 8 == 7
        assert q is None or (q - 1) % p == 0
        for small in (2, 3, 5, 7, 11):
            assert pow(small, (p - 1) // 2, p) == 1


def _law(text: str) -> sympy.Expr:
    tiny = sympy.Rational(1, 10**40)
    return sympy.sympify(text, {"u": SYMBOLS[0], "v": SYMBOLS[1], "tiny": tiny})


IDENTITIES = {
    "exp(u + v) - exp(u)*exp(v)": True,
    "exp(2*u) - exp(u)**2": True,
    "exp(u - v)/(1 + exp(u - v)) - exp(u)/(exp(u) + exp(v))": True,
    "tanh(u)**2 + 1/cosh(u)**2 - 1": True,
    "sin(u)**2 + cos(u)**2 - 1": True,
    "sqrt(u**2*v) - u*sqrt(v)": True,
    "log(u*v**2/3) - log(u) - 2*log(v) + log(3)": True,
    "log(exp(u)) - u": True,
    "exp(log(u) + v) - u*exp(v)": True,
    "sqrt(2)*sqrt(8) - 4": True,
    "exp(u + v) - exp(u) - exp(v)": False,
    "tanh(u) - u": False,
    "sqrt(u + v) - sqrt(u) - sqrt(v)": False,
    "log(u + v) - log(u) - log(v)": False,
    "(u + v)**2 - u**2 - v**2": False,
    "u*(1 + tiny) - u": False,
}


@pytest.mark.parametrize("text", IDENTITIES)
def test_signatures_know_identities_and_no_others(text: str) -> None:
    def at(numbers: Signatures) -> Residue:
        with sympy.evaluate(False):
            expression = _law(text)
        used, law = numbers.scalar(expression)
        given = dict(zip(SYMBOLS, (numbers.variable(mpmath.mpf(x)) for x in (1.7, 0.6)),
                         strict=False))
        return law(*(given[s] for s in used))

    assert (_signatures(4, at).top == 0) == IDENTITIES[text]
