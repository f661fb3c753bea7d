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
    def limit(self) -> Limit | None:
        """Where digits are lost, and why, where that is known."""
        return LIMITS.get(self.text)


@dataclass(frozen=True)
class Limit:
    """Why digits are lost, and at inputs of which sizes, in each precision."""

    reason: str
    float64: tuple[float, float] | None
    float32: tuple[float, float] | None

    def covers(self, dtype: str, at: float) -> bool:
        span: tuple[float, float] | None = getattr(self, dtype)
        return span is not None and span[0] <= abs(at) <= span[1]


POWERS = "a power, product or quotient over- or underflows on the way to a float"
TAIL = "terms that cancel far from 0"
SMALLEST = "the reciprocal of what is no normal number overflows"
EQUAL = "a difference that vanishes where all entries are equal"
SHIFTED = "inputs that are large beside their differences, whose rounding is all there is"
UNIT = "weights that sum to one to rounding only, but are assumed to"
MEANS = "w - sum(p*w) for a p that is 1 to rounding"

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

#: Written after the rules, to see what they do with others.
OTHERS = tuple(Formula(text, shapes, assume, wrt) for text, shapes, assume, wrt in (
    ("log(exp(x) - exp(y))", "x: ; y:", "", ""),
    ("(1 - exp(-x))/x", "x:", "", ""),
    ("sinh(x)/x", "x:", "", ""),
    ("sin(x)/x", "x:", "", ""),
    ("tanh(x)/x", "x:", "", ""),
    ("(x + sqrt(x**2 + 4))/2", "x:", "", ""),
    ("sqrt(x**2 + 1) - x", "x:", "", ""),
    ("1 - x/sqrt(1 + x**2)", "x:", "", ""),
    ("log(sqrt(x**2 + 1) - x)", "x:", "", ""),
    ("1 - x/(1 + x)", "x:", "x: positive", ""),
    ("(1 + x)*log(1 + x)", "x:", "", ""),
    ("log(exp(x) + exp(y) + exp(z))", "x: ; y: ; z:", "", ""),
    ("log(cosh(x - y))", "x: ; y:", "", ""),
    ("sqrt(x**2 + y**2 + z**2)", "x: ; y: ; z:", "", ""),
    ("p = sigmoid(x); -p*log(p) - (1 - p)*log(1 - p)", "x:", "", ""),
    ("(a - 1)*log(x) - b*x + a*log(b) - gammaln(a)", "x: ; a: ; b:",
     "x: positive; a: positive; b: positive", "x"),
    ("k*log(exp(x)) - exp(x) - gammaln(k + 1)", "x: ; k:", "k: nonnegative", "x"),
    ("sum(y*log(y/softmax(x)))", "x: n; y: n", "y: probability_vector", "x"),
    ("-mean(logsumexp(X, axis=1) - sum(Y*X, axis=1))", "X: n c; Y: n c", "Y: one_hot", "X"),
    ("sum(log(1 + exp(-y*(X @ w))))", "X: n m; w: m; y: n", "y: sign_labels", "w"),
))

#: Where digits are lost, and why; everywhere else none are.
LIMITS: dict[str, Limit] = {
    "sum(y*log(y/softmax(x)))": Limit(UNIT, None, (0.0, 1e38)),
    "exp(-x)/(1 + exp(-x))**2": Limit(TAIL, (50.0, 700.0), (20.0, 50.0)),
    "x*tanh(log(1 + exp(x)))": Limit(TAIL, None, (88.0, 88.0)),
    "log((1 + tanh(x))/(1 - tanh(x)))/2": Limit(TAIL, None, (50.0, 50.0)),
    "gelu_tanh(x)": Limit(POWERS, None, (1e+38, 1e+38)),
    "0.5*x*(1 + tanh(sqrt(2/pi)*(x + 0.044715*x**3)))":
        Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "x**2/(1 + x**2)": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "log(1 + x**2)": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "log(1 + x**2/2)": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "x**4/(1 + x**4)": Limit(POWERS, (1e+300, 1e+300), (100000.0, 1e+38)),
    "x/sqrt(x**2 + y**2)": Limit(TAIL, (1e-20, 1e-20), (20.0, 100000.0)),
    "log(x**2 + y**2)": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "x/(x + y)": Limit(TAIL, (1e-20, 1e-20), (1e-20, 100000.0)),
    "x*log(x/y)": Limit(POWERS, (1e-320, 1e-320), (1e-40, 1e-40)),
    "log(1/(1 + ((x - m)/s)**2)/(pi*s))": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "log(mean(exp(x)))": Limit(EQUAL, (1e-20, 1e-20), (1e-20, 1e-20)),
    "log(sum(exp(x)/n))": Limit(EQUAL, (1e-20, 1e-20), (1e-20, 1e-20)),
    "log(sum(exp(x - y)))": Limit(SHIFTED, None, (100000.0, 100000.0)),
    "sum(w*exp(x)/sum(exp(x)))": Limit(MEANS, (50.0, 1000.0), (20.0, 88.0)),
    "sum(w*exp(x)/(1 + sum(exp(x))))": Limit(MEANS, (50.0, 1000.0), (20.0, 88.0)),
    "sum(w*softmax(x))": Limit(MEANS, (50.0, 1000.0), (20.0, 88.0)),
    "p = exp(x)/sum(exp(x)); -sum(p*log(p))": Limit(EQUAL, (1e-20, 1e-20), (1e-20, 1e-20)),
    "p = softmax(x); -sum(p*log(p))": Limit(EQUAL, (1e-20, 1e-20), (1e-20, 1e-20)),
    "sqrt(sum(x**2))": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "sqrt(x @ x)": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "norm2(x)": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "sqrt(mean(x**2))": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "sum(w*x/sqrt(sum(x**2)))": Limit(POWERS, (1e-320, 1e+300), (1e-20, 1e+38)),
    "sum(x*y)/(sqrt(sum(x**2))*sqrt(sum(y**2)))": Limit(POWERS, (1e-320, 1e+300), (1e-40, 1.0)),
    "log(sum(x**2))": Limit(POWERS, (1e+300, 1e+300), (1e-20, 1e+38)),
    "std(x)": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "mean(x*y) - mean(x)*mean(y)": Limit(SHIFTED, (700.0, 100000.0), (20.0, 100000.0)),
    "sqrt(mean(x**2) - mean(x)**2)": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "sum(w*(x - mean(x))/sqrt(var(x) + 1e-5))": Limit(SHIFTED, (700.0, 100000.0), (0.0, 100000.0)),
    "sum(x*log(x/y))": Limit(POWERS, None, (1e+38, 1e+38)),
    "prod(x)**(1/n)": Limit(POWERS, (1e-320, 1e+300), (1e-40, 1e+38)),
    "sum(abs(x)**3)**(1/3)": Limit(POWERS, (1e-320, 1e+300), (1e-40, 1e+38)),
    "log(sum(pi*exp(-(x - m)**2/2)))": Limit(POWERS, (1e+300, 1e+300), (1e+38, 1e+38)),
    "log(sum(exp(log(w) + x)))": Limit(SHIFTED, None, (100000.0, 100000.0)),
    "log(abs(det(A)))": Limit(POWERS, (1e-320, 1e+300), (1e-40, 1e+38)),
    "sqrt(sum(A**2))": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "norm2(A)": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
    "sqrt(trace(A.T @ A))": Limit(SMALLEST, (1e-320, 1e-320), (1e-40, 1e-40)),
}
FORMULAS = (*SCALARS, *PAIRS, *VECTORS, *MATRICES, *OTHERS)
