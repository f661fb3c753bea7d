"""Activations: each with its derivative, its range and its Lipschitz constant.

What is said of an activation is data: the derivative as text of the language in ``x`` (and the
slope ``a``), the range as a SymPy interval, the constant as a number, to 16 digits where it is a
root without a closed form.  Of a function of rows, of length ``c``, the derivative is the Jacobian
and the constant is that of Euclidean lengths.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sympy import (
    Expr,
    Float,
    Interval,
    LambertW,
    Max,
    Rational,
    Set,
    Symbol,
    erf,
    exp,
    oo,
    pi,
    sqrt,
)

import mathdl as md
from mathdl.catalogue.entry import Instance, entry
from mathdl.ir.tensor import Tensor
from mathdl.scalar import lookup

FAMILY = "activations"
A, C = Symbol("a", positive=True), Symbol("c", positive=True, integer=True)
Function = Callable[..., Any]


@dataclass(frozen=True)
class Activation:
    """What is known of an activation.

    derivative
        In the language, of ``x`` and ``a``; at a kink the subgradient taken.
    values
        The range: all values and no others.
    lipschitz
        The least ``L`` with ``|f(x) - f(y)| <= L |x - y|``.
    kinks
        Where it has no derivative.
    """

    derivative: str
    values: Set
    lipschitz: Expr
    kinks: tuple[float, ...] = ()


#: What is known of each activation, by name.
FACTS: dict[str, Activation] = {}


def activation(
    law: str, derivative: str, values: Set, lipschitz: Any, *, reference: str = "",
    kinks: tuple[float, ...] = (), example: Callable[[Any], Instance] | None = None,
    about: str | None = None,
) -> Callable[[Function], Function]:
    """Register a function as an entry, with its facts."""

    def register(function: Function) -> Function:
        name = function.__name__
        FACTS[name] = Activation(derivative, values, lipschitz, kinks)
        source = reference or lookup(name).reference
        smooth = not kinks
        made = example or (lambda f: Instance.backward(f(_entries()), "x", smooth=smooth))
        facts = {
            "derivative": derivative, "range": _interval(values),
            "Lipschitz constant": str(lipschitz),
        }
        return entry(
            FAMILY, law=law, reference=source, example=made, name=name, about=about, facts=facts
        )(function)

    return register


def _interval(values: Any) -> str:
    """``(0, 1]``."""
    low, high = "(" if values.left_open else "[", ")" if values.right_open else "]"
    return f"{low}{values.start}, {values.end}{high}".replace("oo", "inf")


def _entries() -> Tensor:
    return md.tensor("x", md.dims("n"))


def _sloped(function: Function) -> Instance:
    a = md.tensor("a", assume="unit_interval")
    return Instance.backward(function(_entries(), a), "x", "a", smooth=False)


REALS = Interval(-oo, oo)
POSITIVE = Interval.open(0, oo)
NONNEGATIVE = Interval(0, oo)
UNIT = Interval.open(0, 1)

# -- saturating --------------------------------------------------------------------------------

sigmoid = activation(
    r"\sigma(x) = \frac{1}{1 + e^{-x}}", "sigmoid(x)*(1 - sigmoid(x))", UNIT, Rational(1, 4),
    about="The logistic function: a probability from log-odds.",
)(md.sigmoid)

tanh = activation(
    r"\tanh(x) = \frac{e^x - e^{-x}}{e^x + e^{-x}}", "1 - tanh(x)**2", Interval.open(-1, 1), 1,
    about="The hyperbolic tangent: a logistic function that is odd.",
)(md.tanh)

softsign = activation(
    r"\frac{x}{1 + \lvert x \rvert}", "1/(1 + abs(x))**2", Interval.open(-1, 1), 1,
    about="A sigmoid that comes to its ends as slowly as 1/x.",
)(md.softsign)

arctan = activation(
    r"\arctan(x)", "1/(1 + x**2)", Interval.open(-pi / 2, pi / 2), 1,
    about="The arc tangent, a sigmoid between quarter turns.",
)(md.arctan)

hardtanh = activation(
    r"\max(-1, \min(1, x))", "where(abs(x) < 1, 1, 0)", Interval(-1, 1), 1, kinks=(-1, 1),
    about="The identity, cut off at -1 and 1.",
)(md.hardtanh)

# -- rectifiers --------------------------------------------------------------------------------

relu = activation(
    r"\max(0, x)", "where(x > 0, 1, 0)", NONNEGATIVE, 1, kinks=(0,),
    about="The rectifier: the positive part.",
)(md.relu)

leaky_relu = activation(
    r"\begin{cases} x & x > 0 \\ a x & x \le 0 \end{cases}", "where(x > 0, 1, a)", REALS,
    Max(1, A), kinks=(0,), example=_sloped,
    about="A rectifier with the slope `a` below zero.",
)(md.leaky_relu)

elu = activation(
    r"\begin{cases} x & x > 0 \\ a (e^x - 1) & x \le 0 \end{cases}",
    "where(x > 0, 1, a*exp(x))", Interval.open(-A, oo), Max(1, A), kinks=(0,), example=_sloped,
    about="The identity above zero, and below it an exponential that falls to `-a`.",
)(md.elu)

selu = activation(
    r"\lambda \begin{cases} x & x > 0 \\ \alpha (e^x - 1) & x \le 0 \end{cases}",
    "where(x > 0, 1.0507009873554805, 1.7580993408473769*exp(x))",
    Interval.open(-Float("1.7580993408473769"), oo), Float("1.7580993408473769"), kinks=(0,),
    about="An elu so scaled that mean 0 and variance 1 are a fixed point of wide layers.",
)(md.selu)


@activation(
    r"\min(6, \max(0, x))", "where(x > 0, where(x < 6, 1, 0), 0)", Interval(0, 6), 1, kinks=(0, 6),
    reference="Krizhevsky, Convolutional Deep Belief Networks on CIFAR-10 (2010), section 2",
)
def relu6(x: Any) -> Any:
    """A rectifier that saturates at 6."""
    return md.where(x <= 0, 0, md.where(x >= 6, 6, x))


@activation(
    r"\min\left(1, \max\left(0, \tfrac{x}{6} + \tfrac12\right)\right)",
    "where(abs(x) < 3, 1/6, 0)", Interval(0, 1), Rational(1, 6), kinks=(-3, 3),
    reference="Howard et al., Searching for MobileNetV3 (2019), section 5.2",
)
def hard_sigmoid(x: Any) -> Any:
    """The logistic function made of three straight pieces."""
    return md.where(x <= -3, 0, md.where(x >= 3, 1, x / 6 + Rational(1, 2)))


# -- smooth ------------------------------------------------------------------------------------

softplus = activation(
    r"\log(1 + e^x)", "sigmoid(x)", POSITIVE, 1,
    about="The smooth rectifier, the integral of the logistic function.",
)(md.softplus)

log_sigmoid = activation(
    r"-\log(1 + e^{-x})", "sigmoid(-x)", Interval.open(-oo, 0), 1,
    about="The logarithm of the logistic function.",
)(md.log_sigmoid)

silu = activation(
    r"x\, \sigma(x)", "sigmoid(x)*(1 + x*(1 - sigmoid(x)))", Interval(-LambertW(exp(-1)), oo),
    Float("1.0998393201288669"),
    about="The input times the logistic function of it, also called swish.",
)(md.silu)

gelu = activation(
    r"x\, \Phi(x)", "(1 + erf(x/sqrt(2)))/2 + x*exp(-x**2/2)/sqrt(2*pi)",
    Interval(-Float("0.16997120747990366"), oo), (1 + erf(1)) / 2 + exp(-1) / sqrt(pi),
    about="The input times the normal distribution function of it.",
)(md.gelu)

gelu_tanh = activation(
    r"\frac x2 \left(1 + \tanh\left(\sqrt{\tfrac2\pi}\, (x + 0.044715\, x^3)\right)\right)",
    "t = tanh(sqrt(2/pi)*(x + 0.044715*x**3)); "
    "(1 + t + x*(1 - t**2)*sqrt(2/pi)*(1 + 0.134145*x**2))/2",
    Interval(-Float("0.17004075057125405"), oo), Float("1.1289930686587718"),
    about="The approximation of gelu by a hyperbolic tangent.",
)(md.gelu_tanh)


@activation(
    r"x \tanh\left(\log(1 + e^x)\right)",
    "t = tanh(softplus(x)); t + x*(1 - t**2)*sigmoid(x)",
    Interval(-Float("0.30884341301725040"), oo), Float("1.0884981612517279"),
    reference="Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2019), eq. 1",
)
def mish(x: Any) -> Any:
    """A gate by the softplus, smooth and not monotone."""
    return x * md.tanh(md.softplus(x))


@activation(
    r"x \min\left(1, \max\left(0, \tfrac{x}{6} + \tfrac12\right)\right)",
    "where(abs(x) < 3, x/3 + 1/2, where(x > 0, 1, 0))", Interval(-Rational(3, 8), oo),
    Rational(3, 2), kinks=(-3, 3),
    reference="Howard et al., Searching for MobileNetV3 (2019), section 5.2",
)
def hard_swish(x: Any) -> Any:
    """The sigmoid-weighted unit with the logistic function made of straight pieces."""
    return x * hard_sigmoid(x)


# -- of rows -----------------------------------------------------------------------------------


def _rows(function: Function) -> Instance:
    return Instance.backward(function(md.tensor("x", *md.dims("n c"))), "x")


softmax = activation(
    r"p_{ij} = \frac{e^{x_{ij}}}{\sum_k e^{x_{ik}}}",
    "p = softmax(x); diag(p) - outer(p, p)", UNIT, Rational(1, 2), example=_rows,
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 6.29; constant: Gao and Pavel, "
              "On the Properties of the Softmax Function (2017), proposition 4",
    about="Probabilities from the scores of each row.",
)(md.softmax)

log_softmax = activation(
    r"x_{ij} - \log \sum_k e^{x_{ik}}", "eye(c) - outer(ones(c), softmax(x))",
    Interval.open(-oo, 0), sqrt(C), example=_rows,
    reference="Goodfellow, Bengio and Courville, Deep Learning, eq. 6.30",
    about="The logarithms of the probabilities from the scores of each row.",
)(md.log_softmax)
