"""Formulas as their users write them, naively; each is one line of the table of stability."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Formula:
    """Text in the language, the shapes of its inputs, what is assumed, what is moved."""

    text: str
    shapes: str = "x:"
    assume: str = ""
    wrt: str = ""

    @property
    def limit(self) -> str:
        """Why digits are lost somewhere, where that is known."""
        return LIMITS.get(self.text, "")


SQUARES = "squares over- or underflow beyond 1e154 and below 1e-154"
SMALL = "a difference whose limit at 0 takes a series"
SINGLE = "only in float32: a rounded difference of large inputs, or a square, is all there is"
SATURATED = "a probability of 1 to rounding, less 1; a logarithm of one"

SCALARS = tuple(map(Formula, (
    # softplus, sigmoid and their logarithms
    "log(1 + exp(x))", "log(exp(x) + 1)", "log(1 + exp(-x))", "-log(1/(1 + exp(-x)))",
    "log(sigmoid(x))", "log(1 - sigmoid(x))", "log(1/(1 + exp(x)))", "-log(1 + exp(-x))",
    "log(exp(x)/(1 + exp(x)))", "1/(1 + exp(-x))", "exp(x)/(1 + exp(x))", "1 - 1/(1 + exp(-x))",
    "1 - sigmoid(x)", "sigmoid(x)*(1 - sigmoid(x))", "exp(-x)/(1 + exp(-x))**2",
    "x/(1 + exp(-x))", "x*sigmoid(x)", "log(1 + exp(2*x))/2", "log(exp(x) + exp(-x))",
    "log((exp(x) + exp(-x))/2)", "log(cosh(x))", "x*tanh(log(1 + exp(x)))",
    # tanh written out
    "tanh(x)", "1 - tanh(x)**2", "(exp(x) - exp(-x))/(exp(x) + exp(-x))",
    "(exp(2*x) - 1)/(exp(2*x) + 1)", "(1 - exp(-2*x))/(1 + exp(-2*x))", "2/(1 + exp(-2*x)) - 1",
    "1 - 2/(exp(2*x) + 1)", "2*sigmoid(2*x) - 1", "log(1 - tanh(x)**2)", "log(1 + tanh(x))",
    "(exp(x) - exp(-x))/2", "(exp(x) + exp(-x))/2", "1/cosh(x)", "2/(exp(x) + exp(-x))",
    "log((1 + tanh(x))/(1 - tanh(x)))/2",
    # exponentials and logarithms that cancel
    "exp(x) - 1", "1 - exp(-x)", "(exp(x) - 1)/x", "log(1 + x)", "log(1 - x)",
    "log(1 - exp(-x))", "log(exp(x) - 1)", "-log(1 - exp(-x**2))", "x - log(1 + x)",
    "log(exp(x))", "exp(log(x))", "log(x**2)", "log(x)/x", "x*log(x)", "-x*log(x)",
    "-x*log(x) - (1 - x)*log(1 - x)", "x*exp(-x)", "exp(-x**2)", "exp(-x**2/2)/sqrt(2*pi)",
    "log(exp(-x**2/2)/sqrt(2*pi))", "log(exp(-x**2/2))", "exp(-exp(-x))", "1 - exp(-exp(x))",
    "log(1 - exp(-exp(x)))", "log(log(1 + exp(x)))", "sqrt(exp(x))", "log(sqrt(x))",
    # the normal distribution
    "0.5*x*(1 + erf(x/sqrt(2)))", "gelu(x)", "gelu_tanh(x)",
    "0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))",
    "log(0.5*(1 + erf(x/sqrt(2))))",
    "1 - erf(x)", "erfc(x)", "log(erfc(x))",
    # roots and quotients
    "sqrt(x**2)", "sqrt(1 + x**2)", "sqrt(1 + x**2) - 1", "x/sqrt(1 + x**2)", "1/(1 + x**2)",
    "x**2/(1 + x**2)", "x/(1 + abs(x))", "sqrt(x**2 + 1e-6)", "log(1 + x**2)",
    "log(1 + x**2/2)", "log(x + sqrt(1 + x**2))", "sqrt(x + 1) - sqrt(x)", "1 - cos(x)",
    "log((1 + x)/(1 - x))/2", "arctan(x)", "abs(x)", "x**3", "x**4/(1 + x**4)",
    "where(x > 0, sqrt(x), 0)", "where(x > 0, log(x), 0)", "where(x > 0, x*log(x), 0)",
    "exp(where(x > 0, sqrt(x), 0))", "log(1 + where(x > 0, sqrt(x), 0))",
    "where(x > 0, x, exp(x) - 1)", "maximum(x, 0)", "relu(x)",
)))

PAIRS = tuple(Formula(text, shapes, assume, wrt) for text, shapes, assume, wrt in (
    ("log(exp(x) + exp(y))", "x: ; y:", "", ""),
    ("exp(x)/(exp(x) + exp(y))", "x: ; y:", "", ""),
    ("log(exp(x)/(exp(x) + exp(y)))", "x: ; y:", "", ""),
    ("sqrt(x**2 + y**2)", "x: ; y:", "", ""),
    ("x/sqrt(x**2 + y**2)", "x: ; y:", "", ""),
    ("log(x**2 + y**2)", "x: ; y:", "", ""),
    ("x/(x + y)", "x: ; y:", "x: positive; y: positive", ""),
    ("x*log(x/y)", "x: ; y:", "x: positive; y: positive", ""),
    ("log(exp(-(x - m)**2/(2*s**2))/sqrt(2*pi*s**2))", "x: ; m: ; s:", "s: positive", "x,m"),
    ("-log(exp(-(x - m)**2/(2*s**2))/sqrt(2*pi*s**2))", "x: ; m: ; s:", "s: positive", "x,s"),
    ("exp(-(x - m)**2/(2*s**2))/sqrt(2*pi*s**2)", "x: ; m: ; s:", "s: positive", "x"),
    ("log(exp(-abs(x - m)/s)/(2*s))", "x: ; m: ; s:", "s: positive", "x"),
    ("log(1/(1 + ((x - m)/s)**2)/(pi*s))", "x: ; m: ; s:", "s: positive", "x"),
    ("log(l*exp(-l*x))", "x: ; l:", "l: positive", "x"),
    ("-(y*log(sigmoid(x)) + (1 - y)*log(1 - sigmoid(x)))", "x: ; y:", "y: binary", "x"),
    ("p = 1/(1 + exp(-x)); -(y*log(p) + (1 - y)*log(1 - p))", "x: ; y:", "y: binary", "x"),
    ("log(1 + exp(x)) - y*x", "x: ; y:", "y: binary", "x"),
    ("log(1 + exp(-y*x))", "x: ; y:", "y: sign_labels", "x"),
    ("-log(1/(1 + exp(-y*x)))", "x: ; y:", "y: sign_labels", "x"),
))

VECTORS = tuple(Formula(text, shapes, assume, wrt) for text, shapes, assume, wrt in (
    ("log(sum(exp(x)))", "x: n", "", ""),
    ("log(mean(exp(x)))", "x: n", "", ""),
    ("log(1 + sum(exp(x)))", "x: n", "", ""),
    ("log(sum(exp(x)**2))", "x: n", "", ""),
    ("log(sum(exp(2*x)))/2", "x: n", "", ""),
    ("log(sum(exp(-x)))", "x: n", "", ""),
    ("-log(sum(exp(-x)))", "x: n", "", ""),
    ("log(sum(w*exp(x)))", "x: n; w: n", "w: positive", "x"),
    ("log(sum(exp(x)/n))", "x: n", "", ""),
    ("log(sum(exp(x - y)))", "x: n; y: n", "", "x"),
    ("logsumexp(x)", "x: n", "", ""),
    ("sum(w*exp(x)/sum(exp(x)))", "x: n; w: n", "", "x"),
    ("sum(w*exp(x)/(1 + sum(exp(x))))", "x: n; w: n", "", "x"),
    ("sum(w*log(exp(x)/sum(exp(x))))", "x: n; w: n", "", "x"),
    ("sum(w*log(softmax(x)))", "x: n; w: n", "", "x"),
    ("sum(w*log_softmax(x))", "x: n; w: n", "", "x"),
    ("sum(w*softmax(x))", "x: n; w: n", "", "x"),
    ("p = exp(x)/sum(exp(x)); -sum(p*log(p))", "x: n", "", ""),
    ("p = softmax(x); -sum(p*log(p))", "x: n", "", ""),
    ("-sum(y*log(softmax(x)))", "x: n; y: n", "y: one_hot", "x"),
    ("-sum(y*log(exp(x)/sum(exp(x))))", "x: n; y: n", "y: one_hot", "x"),
    ("log(sum(exp(x))) - sum(y*x)", "x: n; y: n", "y: one_hot", "x"),
    ("-log(exp(x[k])/sum(exp(x)))", "x: n; k:", "k: integer", "x"),
    ("-sum(y*log(softmax(x)))/n", "x: n c; y: n c", "y: one_hot", "x"),
    ("sum(x**2)", "x: n", "", ""),
    ("sqrt(sum(x**2))", "x: n", "", ""),
    ("sqrt(x @ x)", "x: n", "", ""),
    ("norm2(x)", "x: n", "", ""),
    ("sqrt(mean(x**2))", "x: n", "", ""),
    ("sqrt(sum((x - y)**2))", "x: n; y: n", "", "x"),
    ("sum(w*x/sqrt(sum(x**2)))", "x: n; w: n", "", "x"),
    ("sum(x*y)/(sqrt(sum(x**2))*sqrt(sum(y**2)))", "x: n; y: n", "", "x"),
    ("log(sum(x**2))", "x: n", "", ""),
    ("sqrt(1 + sum(x**2))", "x: n", "", ""),
    ("mean(x**2) - mean(x)**2", "x: n", "", ""),
    ("(x@x - n*mean(x)**2)/n", "x: n", "", ""),
    ("(sum(x**2) - n*mean(x)**2)/n", "x: n", "", ""),
    ("(sum(x**2) - sum(x)**2/n)/n", "x: n", "", ""),
    ("(sum(x**2) - n*mean(x)**2)/(n - 1)", "x: n", "", ""),
    ("sum(x**2) - n*mean(x)**2", "x: n", "", ""),
    ("sum(x**2)/n - (sum(x)/n)**2", "x: n", "", ""),
    ("x@x/n - mean(x)**2", "x: n", "", ""),
    ("mean((x - mean(x))**2)", "x: n", "", ""),
    ("var(x)", "x: n", "", ""),
    ("std(x)", "x: n", "", ""),
    ("mean(x*y) - mean(x)*mean(y)", "x: n; y: n", "", "x"),
    ("sqrt(mean(x**2) - mean(x)**2)", "x: n", "", ""),
    ("sum(w*(x - mean(x))/sqrt(var(x) + 1e-5))", "x: n; w: n", "", "x"),
    ("sum(x*log(x))", "x: n", "x: nonnegative", ""),
    ("sum(x*log(x/y))", "x: n; y: n", "x: positive; y: positive", "x"),
    ("sum(log(1 + exp(x)))", "x: n", "", ""),
    ("prod(x)", "x: n", "", ""),
    ("log(prod(x))", "x: n", "x: positive", ""),
    ("prod(x)**(1/n)", "x: n", "x: positive", ""),
    ("log(prod(sigmoid(x)))", "x: n", "", ""),
    ("max(x)", "x: n", "", ""),
    ("sum(abs(x)**3)**(1/3)", "x: n", "", ""),
    ("log(sum(pi*exp(-(x - m)**2/2)))", "x: ; m: n; pi: n", "pi: positive", "x"),
    ("log(sum(exp(log(w) + x)))", "x: n; w: n", "w: positive", "x"),
))

MATRICES = tuple(Formula(text, shapes, assume, wrt) for text, shapes, assume, wrt in (
    ("log(det(A))", "A: n n", "A: positive_definite", ""),
    ("logdet(A)", "A: n n", "A: positive_definite", ""),
    ("log(abs(det(A)))", "A: n n", "A: invertible", ""),
    ("-log(det(A))/2", "A: n n", "A: positive_definite", ""),
    ("log(sqrt(det(A)))", "A: n n", "A: positive_definite", ""),
    ("log(1/sqrt(det(A)))", "A: n n", "A: positive_definite", ""),
    ("log(exp(-(x @ inv(A) @ x)/2)/sqrt((2*pi)**n*det(A)))", "x: n; A: n n",
     "A: positive_definite", "x"),
    ("log(det(A)**2)", "A: n n", "A: positive_definite", ""),
    ("sqrt(sum(A**2))", "A: n m", "", ""),
    ("norm2(A)", "A: n m", "", ""),
    ("sqrt(trace(A.T @ A))", "A: n m", "", ""),
))

#: Where digits are lost somewhere, and why; everywhere else none are.
LIMITS: dict[str, str] = {
    "x*tanh(log(1 + exp(x)))": SINGLE,
    "gelu_tanh(x)": SINGLE,
    "log(sum(exp(x - y)))": SINGLE,
    "mean(x**2) - mean(x)**2": SINGLE,
    "(x@x - n*mean(x)**2)/n": SINGLE,
    "(sum(x**2) - n*mean(x)**2)/n": SINGLE,
    "(sum(x**2) - sum(x)**2/n)/n": SINGLE,
    "(sum(x**2) - n*mean(x)**2)/(n - 1)": SINGLE,
    "sum(x**2) - n*mean(x)**2": SINGLE,
    "sum(x**2)/n - (sum(x)/n)**2": SINGLE,
    "x@x/n - mean(x)**2": SINGLE,
    "mean((x - mean(x))**2)": SINGLE,
    "var(x)": SINGLE,
    "mean(x*y) - mean(x)*mean(y)": SINGLE,
    "sqrt(1 + x**2)": SQUARES,
    "sqrt(1 + x**2) - 1": SQUARES,
    "x/sqrt(1 + x**2)": SQUARES,
    "x**2/(1 + x**2)": SQUARES,
    "sqrt(x**2 + 1e-6)": SQUARES,
    "log(1 + x**2)": SQUARES,
    "log(1 + x**2/2)": SQUARES,
    "log(x + sqrt(1 + x**2))": SQUARES,
    "x**4/(1 + x**4)": SQUARES,
    "log(x**2)": SQUARES,
    "sqrt(x**2 + y**2)": SQUARES,
    "x/sqrt(x**2 + y**2)": SQUARES,
    "log(x**2 + y**2)": SQUARES,
    "log(1/(1 + ((x - m)/s)**2)/(pi*s))": SQUARES,
    "-log(exp(-(x - m)**2/(2*s**2))/sqrt(2*pi*s**2))": SQUARES,
    "sqrt(sum(x**2))": SQUARES,
    "sqrt(x @ x)": SQUARES,
    "norm2(x)": SQUARES,
    "sqrt(mean(x**2))": SQUARES,
    "sqrt(sum((x - y)**2))": SQUARES,
    "sum(w*x/sqrt(sum(x**2)))": SQUARES,
    "sum(x*y)/(sqrt(sum(x**2))*sqrt(sum(y**2)))": SQUARES,
    "log(sum(x**2))": SQUARES,
    "sqrt(1 + sum(x**2))": SQUARES,
    "sqrt(mean(x**2) - mean(x)**2)": SQUARES,
    "std(x)": SQUARES,
    "sum(w*(x - mean(x))/sqrt(var(x) + 1e-5))": SQUARES,
    "sqrt(sum(A**2))": SQUARES,
    "norm2(A)": SQUARES,
    "sqrt(trace(A.T @ A))": SQUARES,
    "0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))": SQUARES,
    "x*log(x/y)": SQUARES,
    "log(abs(det(A)))": SQUARES,
    "sigmoid(x)*(1 - sigmoid(x))": SMALL,
    "exp(-x)/(1 + exp(-x))**2": SMALL,
    "log(1 + tanh(x))": SMALL,
    "log((1 + tanh(x))/(1 - tanh(x)))/2": SMALL,
    "(exp(x) - 1)/x": SMALL,
    "x - log(1 + x)": SMALL,
    "log(erfc(x))": SMALL,
    "log((1 + x)/(1 - x))/2": SMALL,
    "sqrt(x + 1) - sqrt(x)": SMALL,
    "x/(x + y)": SMALL,
    "log(mean(exp(x)))": SMALL,
    "log(sum(exp(x)/n))": SMALL,
    "1/cosh(x)": SMALL,
    "2/(exp(x) + exp(-x))": SMALL,
    "log(1 + sum(exp(x)))": SATURATED,
    "sum(w*exp(x)/sum(exp(x)))": SATURATED,
    "sum(w*exp(x)/(1 + sum(exp(x))))": SATURATED,
    "sum(w*log(exp(x)/sum(exp(x))))": SATURATED,
    "sum(w*log(softmax(x)))": SATURATED,
    "sum(w*log_softmax(x))": SATURATED,
    "sum(w*softmax(x))": SATURATED,
    "p = exp(x)/sum(exp(x)); -sum(p*log(p))": SATURATED,
    "p = softmax(x); -sum(p*log(p))": SATURATED,
    "-sum(y*log(softmax(x)))": SATURATED,
    "-sum(y*log(exp(x)/sum(exp(x))))": SATURATED,
    "log(sum(exp(x))) - sum(y*x)": SATURATED,
    "-log(exp(x[k])/sum(exp(x)))": SATURATED,
    "-sum(y*log(softmax(x)))/n": SATURATED,
    "-(y*log(sigmoid(x)) + (1 - y)*log(1 - sigmoid(x)))": SATURATED,
    "p = 1/(1 + exp(-x)); -(y*log(p) + (1 - y)*log(1 - p))": SATURATED,
    "log(1 + exp(x)) - y*x": SATURATED,
}
FORMULAS = (*SCALARS, *PAIRS, *VECTORS, *MATRICES)
