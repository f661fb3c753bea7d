"""Derivations to certify: expressions with shapes, assumptions and what they are derived by.

``python tests/formal/certified.py [NAME]...`` prints how long each takes, in seconds of one core.
"""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import mathdl as md


class Case(NamedTuple):
    """An expression, its shapes and assumptions as the command line takes them, its variables.

    What text cannot say, a recurrence, is a function of the tensors.
    """

    text: str | Callable[[dict[str, Any]], Any]
    shapes: str
    wrt: str
    assume: str = ""
    order: int = 1


def _pairs(text: str) -> dict[str, str]:
    """``X: n d; w: d`` as a dict."""
    return {name.strip(): rest.strip() for name, _, rest in
            (part.partition(":") for part in text.split(";") if part.strip())}


def _network(depth: int) -> Case:
    """Squared error of a network with ``depth`` tanh layers, each of its own width."""
    layer, shapes = "X", "X: n d0; y: n"
    for k in range(1, depth + 1):
        layer = f"tanh({layer}@W{k} + b{k})"
        shapes += f"; W{k}: d{k - 1} d{k}; b{k}: d{k}"
    return Case(f"sum(({layer}@v - y)**2)/n", f"{shapes}; v: d{depth}", "W1 b1")


def _sigmoid_layers(p: dict[str, Any]) -> Any:
    """Nielsen's network with as many layers as there are weights: BP1 to BP4."""
    last, _ = md.scan(lambda a, layer: (md.sigmoid(layer[0] @ a + layer[1]), None), p["x"],
                      (p["W"], p["b"]))
    return md.sum((last - p["y"]) ** 2) / 2


def _rnn(p: dict[str, Any]) -> Any:
    def step(s: Any, x: Any) -> Any:
        s = md.tanh(p["W"] @ s + p["U"] @ x + p["b"])
        return s, p["V"] @ s

    return md.sum((md.scan(step, p["s"], p["X"])[1] - p["Y"]) ** 2)


def _lstm(p: dict[str, Any]) -> Any:
    def step(state: Any, x: Any) -> Any:
        h, c = state
        i, f, o, g = (p["W" + q] @ x + p["U" + q] @ h for q in "ifog")
        c = md.sigmoid(f) * c + md.sigmoid(i) * md.tanh(g)
        h = md.sigmoid(o) * md.tanh(c)
        return (h, c), h

    zero = md.zeros(md.dims("h"))
    return md.sum((md.scan(step, (zero, zero), p["X"])[1] - p["Y"]) ** 2)


def _gru(p: dict[str, Any]) -> Any:
    def step(s: Any, x: Any) -> Any:
        z = md.sigmoid(p["Wz"] @ x + p["Uz"] @ s)
        r = md.sigmoid(p["Wr"] @ x + p["Ur"] @ s)
        return (1 - z) * md.tanh(p["Wn"] @ x + p["Un"] @ (r * s)) + z * s, None

    return md.sum((md.scan(step, p["s"], p["X"])[0] - p["y"]) ** 2)


ATTENTION = "Q: n d; K: m d; V: m k; G: n k"
HEADS = ("Q: h n d; K: h m d; V: h m k; G: h n k",
         'A = softmax(einsum("hid,hjd->hij", Q, K)/sqrt(d)); '
         'sum(G*einsum("hij,hjk->hik", A, V))')

#: A few of every kind, fast enough for every run.
SAMPLE: dict[str, Case] = {
    "least squares": Case("sum((X@w - y)**2)/n", "X: n d; w: d; y: n", "w"),
    "softmax cross-entropy": Case(
        "-sum(Y*log_softmax(X@W + b))/n", "X: n d; W: d k; b: k; Y: n k", "W b", "Y: one_hot"),
    "layer norm": Case("sum(G*layer_norm(X))", "X: n d; G: n d", "X"),
    "relu network": Case(
        "sum((relu(X@W + b)@v - y)**2)", "X: n d; W: d h; b: h; v: h; y: n", "W v"),
    "jacobian of softmax": Case("softmax(x)", "x: n", "x"),
    "logistic likelihood": Case(
        "-sum(y*log(sigmoid(X@w + b)) + (1 - y)*log(1 - sigmoid(X@w + b)))",
        "X: n d; w: d; b: ; y: n", "w b", "y: binary"),
    "matrix factorization": Case("sum((T - A@B.T)**2)", "T: n m; A: n k; B: m k", "A B"),
    "Gaussian KL": Case(
        "sum(log(s) - log(t) + (t**2 + (u - v)**2)/(2*s**2) - 1/2)",
        "u: n; v: n; s: n; t: n", "u t", "s: positive; t: positive"),
    "products of neighbours": Case("sum(x[1:]*x[:-1])", "x: n", "x"),
    "maximum": Case("max(X@w)", "X: n d; w: d", "w"),
    "embedding": Case("sum(tanh(E[t]@w))", "E: v d; t: n; w: d", "E", "t: integer"),
}

#: The whole set, checked under the marker ``exhaustive``.
CERTIFIED: dict[str, Case] = {
    **SAMPLE,
    "ridge": Case("sum((X@w - y)**2)/n + lam*sum(w**2)", "X: n d; w: d; y: n; lam: ", "w lam"),
    "lasso away from zero": Case("sum((X@w - y)**2)/2 + lam*sum(abs(w))",
                                 "X: n d; w: d; y: n; lam: ", "w"),
    "weighted least squares": Case("sum(c*(X@w - y)**2)", "X: n d; w: d; y: n; c: n", "w c"),
    "quadratic form": Case("x@A@x", "x: n; A: n n", "x A"),
    "bilinear form": Case("a@X@b", "a: n; X: n m; b: m", "X a"),
    "Rayleigh quotient": Case("(x@A@x)/(x@x)", "x: n; A: n n", "x"),
    "trace of a product": Case("trace(A@X@B)", "A: k n; X: n m; B: m k", "X"),
    "trace of a quadratic": Case("trace(X@B@X.T)", "X: n m; B: m m", "X"),
    "Frobenius norm": Case("norm2(A@X - B)**2", "A: n d; X: d k; B: n k", "X"),
    "Euclidean norm": Case("norm2(x - a)", "x: n; a: n", "x"),
    "linear map": Case("A@x", "A: m n; x: n", "x"),
    "softmax regression by P": Case(
        "P = softmax(X@W + b); -sum(Y*log(P))/n", "X: n d; W: d k; b: k; Y: n k", "W b",
        "Y: one_hot"),
    "label smoothing": Case(
        "-sum(((1 - a)*Y + a/k)*log_softmax(X@W))/n", "X: n d; W: d k; Y: n k; a: ", "W",
        "Y: one_hot"),
    "focal loss": Case(
        "p = sigmoid(X@w); -sum((1 - p)**2*y*log(p) + p**2*(1 - y)*log(1 - p))",
        "X: n d; w: d; y: n", "w", "y: binary"),
    "softplus form of logistic loss": Case(
        "sum(softplus(-y*(X@w)))/n", "X: n d; w: d; y: n", "w"),
    "Poisson likelihood": Case("sum(exp(X@w) - y*(X@w))", "X: n d; w: d; y: n", "w"),
    "exponential likelihood": Case("sum(y*exp(-X@w) + X@w)", "X: n d; w: d; y: n", "w"),
    "Gaussian likelihood": Case(
        "n*log(s) + sum((X@w - y)**2)/(2*s**2)", "X: n d; w: d; y: n; s: ", "w s", "s: positive"),
    "Gaussian likelihood by log variance": Case(
        "sum(rho + (m - y)**2*exp(-rho))/2", "m: n; rho: n; y: n", "m rho"),
    "mixture likelihood": Case(
        "-sum(logsumexp(log_softmax(a)[None, :] - (y[:, None] - mu[None, :])**2/2, axis=1))",
        "y: n; mu: k; a: k", "mu a"),
    "Cauchy likelihood": Case("sum(log(1 + ((x - m)/g)**2) + log(g))", "x: n; m: ; g: ", "m g",
                              "g: positive"),
    "Student likelihood": Case("(nu + 1)/2*sum(log(1 + (y - X@w)**2/nu))",
                               "X: n d; w: d; y: n; nu: ", "w", "nu: positive"),
    "gamma likelihood by rate": Case("sum(b*x - a*log(b))", "x: n; a: ; b: ", "b",
                                     "a: positive; b: positive"),
    "ranking likelihood": Case("-sum(log_sigmoid(D@s))", "D: m n; s: n", "s"),
    "entropy": Case("-sum(p*log(p))", "p: n", "p", "p: positive"),
    "categorical KL": Case("sum(p*log(p/q))", "p: n; q: n", "p q", "p: positive; q: positive"),
    "VAE prior": Case("sum(exp(rho) + mu**2 - 1 - rho)/2", "mu: n k; rho: n k", "mu rho"),
    "VAE reconstruction": Case(
        "z = mu + exp(rho/2)*eps; sum((X - tanh(z@W))**2)/2",
        "mu: n k; rho: n k; eps: n k; W: k d; X: n d", "mu rho W"),
    "ELBO": Case(
        "z = mu + exp(rho/2)*eps; "
        "sum((X - z@W)**2)/2 + sum(exp(rho) + mu**2 - 1 - rho)/2",
        "mu: n k; rho: n k; eps: n k; W: k d; X: n d", "mu W"),
    "hinge": Case("sum(relu(1 - y*(X@w)))/n", "X: n d; w: d; y: n", "w"),
    "support vector machine": Case(
        "0.5*(w@w) + c*sum(relu(1 - y*(X@w + b)))", "X: n d; w: d; y: n; b: ; c: ", "w b"),
    "squared hinge": Case("sum(relu(1 - y*(X@w))**2)", "X: n d; w: d; y: n", "w"),
    "Huber": Case("r = X@w - y; sum(where(abs(r) < 1, r**2/2, abs(r) - 1/2))",
                  "X: n d; w: d; y: n", "w"),
    "log-cosh loss": Case("sum(log(cosh(X@w - y)))", "X: n d; w: d; y: n", "w"),
    "absolute error": Case("sum(abs(X@w - y))", "X: n d; w: d; y: n", "w"),
    "pinball": Case("sum(maximum(0.9*(y - X@w), -0.1*(y - X@w)))", "X: n d; w: d; y: n", "w"),
    "contrastive": Case("-trace(log_softmax(Z@C.T/tau))/n", "Z: n d; C: n d; tau: ", "Z tau",
                        "tau: positive"),
    "distillation": Case(
        "-sum(softmax(v)*log_softmax(z))", "v: n; z: n", "z"),
    **{f"network of depth {k}": _network(k) for k in range(1, 9)},
    "sigmoid layer": Case("sum(G*sigmoid(X@W + b))", "X: n d; W: d h; b: h; G: n h", "X W b"),
    "softplus layer": Case("sum(G*softplus(X@W + b))", "X: n d; W: d h; b: h; G: n h", "W b"),
    "silu layer": Case("sum(G*silu(X@W))", "X: n d; W: d h; G: n h", "W"),
    "gelu layer": Case("sum(G*gelu(X@W))", "X: n d; W: d h; G: n h", "W"),
    "elu layer": Case("sum(G*elu(X@W, 1))", "X: n d; W: d h; G: n h", "W"),
    "leaky relu layer": Case("sum(G*leaky_relu(X@W, 1/100))", "X: n d; W: d h; G: n h", "W"),
    "gated layer": Case("sum(G*(sigmoid(X@W)*(X@V)))", "X: n d; W: d h; V: d h; G: n h", "W V"),
    "residual block": Case("sum(G*(X + relu(X@W)@U))", "X: n d; W: d h; U: h d; G: n d", "X W"),
    "graph convolution": Case("sum(G*tanh(A@X@W))", "A: n n; X: n d; W: d h; G: n h", "W X"),
    "attention by Q": Case("sum(G*(softmax(Q@K.T/sqrt(d))@V))", ATTENTION, "Q"),
    "attention by K": Case("sum(G*(softmax(Q@K.T/sqrt(d))@V))", ATTENTION, "K"),
    "attention by V": Case("sum(G*(softmax(Q@K.T/sqrt(d))@V))", ATTENTION, "V"),
    "attention by weights": Case(
        "A = softmax(X@Wq@(X@Wk).T/sqrt(k)); sum(G*(A@(X@Wv)))",
        "X: n d; Wq: d k; Wk: d k; Wv: d p; G: n p", "Wq Wv"),
    "multi-head attention": Case(HEADS[1], HEADS[0], "Q V"),
    "linear attention": Case("sum(G*(exp(Q)@(exp(K).T@V)))", ATTENTION, "Q K V"),
    "modern Hopfield": Case("-logsumexp(beta*(X@z))/beta + (z@z)/2", "beta: ; X: n d; z: d", "z",
                            "beta: positive"),
    "layer norm with gain": Case("sum(G*(g*layer_norm(X) + b))", "X: n d; G: n d; g: d; b: d",
                                 "g b X"),
    "RMS norm": Case("sum(G*rms_norm(X))", "X: n d; G: n d", "X"),
    "batch norm": Case(
        "sum(G*((X - mean(X, axis=0))/sqrt(var(X, axis=0) + 1e-5)))", "X: n d; G: n d", "X"),
    "weight norm": Case("sum((y - X@(g*v/norm2(v)))**2)/2", "y: n; X: n d; g: ; v: d", "v g"),
    "variance": Case("sum(a*var(X, axis=0))", "X: n d; a: d", "X"),
    "mean of rows": Case("mean(X, axis=1)", "X: n d", "X"),
    "log-sum-exp": Case("logsumexp(X@w)", "X: n d; w: d", "w"),
    "pairwise distances": Case("sum((x[:, None] - y[None, :])**2)", "x: n; y: m", "x"),
    "word embeddings": Case("-log(sigmoid(u@v)) - sum(log(sigmoid(-(N@v))))",
                            "u: d; v: d; N: k d", "N v"),
    "tensor factorization": Case(
        'sum((T - einsum("ir,jr,kr->ijk", A, B, C))**2)', "T: n m p; A: n r; B: m r; C: p r",
        "A"),
    "LSTM cell": Case(
        "g@(sigmoid(Wo@x + Uo@h)*tanh(sigmoid(Wf@x + Uf@h)*c + sigmoid(Wi@x)*tanh(Wg@x)))",
        "g: m; x: d; h: m; c: m; Wo: m d; Uo: m m; Wf: m d; Uf: m m; Wi: m d; Wg: m d", "c Wf"),
    "sigmoid network of any depth": Case(
        _sigmoid_layers, "x: n; W: L n n; b: L n; y: n", "W b"),
    "input of a network of any depth": Case(
        _sigmoid_layers, "x: n; W: L n n; b: L n; y: n", "x"),
    "RNN": Case(_rnn, "W: h h; U: h d; V: k h; b: h; s: h; X: T d; Y: T k", "W b"),
    "RNN by its input": Case(_rnn, "W: h h; U: h d; V: k h; b: h; s: h; X: T d; Y: T k", "X s"),
    "LSTM": Case(_lstm, "X: T d; Y: T h; " + "; ".join(
        f"W{q}: h d; U{q}: h h" for q in "ifog"), "Uf"),
    "GRU": Case(_gru, "X: T d; y: h; s: h; " + "; ".join(
        f"W{q}: h d; U{q}: h h" for q in "zrn"), "Un"),
    "logistic Hessian": Case("sum(softplus(X@w) - y*(X@w))", "X: n d; w: d; y: n", "w", order=2),
    "factorization Hessian": Case("sum((T - A@B.T)**2)", "T: n m; A: n k; B: m k", "A", order=2),
    "quadratic Hessian": Case("x@A@x", "x: n; A: n n", "x", order=2),
    "log det": Case("logdet(X)", "X: n n", "X"),
    "log det of a precision": Case("x@A@x/2 - logdet(A)/2", "A: n n; x: n", "A"),
    "Cholesky factor": Case("a@cholesky(X@X.T + eye(n))@b", "a: n; b: n; X: n m", "X"),
    "Gaussian by Cholesky": Case(
        "L = cholesky(S); -sum(log(diag(L))) - sum(solve(L, x - mu)**2)/2",
        "S: n n; x: n; mu: n", "S mu", "S: positive_definite"),
    "Gaussian process": Case(
        "L = cholesky(F@F.T + s*eye(n)); y@solve(L.T, solve(L, y))/2 + sum(log(diag(L)))",
        "F: n m; s: ; y: n", "F s", "s: positive"),
    "noise by Cholesky": Case("sum((mu + cholesky(S)@e - y)**2)", "S: n n; mu: n; e: n; y: n",
                              "S mu", "S: positive_definite"),
    "log of a determinant": Case("log(det(S))/2 + (x - m)@inv(S)@(x - m)/2",
                                 "S: n n; x: n; m: n", "S m", "S: positive_definite"),
    "log of a Gram determinant": Case("log(det(X.T@X))", "X: n d", "X"),
    "cosine": Case("sum(u*v)/(norm2(u)*norm2(v))", "u: n; v: n", "u v"),
    "collision probability": Case("sum(softmax(X@W, axis=1)**2)", "X: n d; W: d k", "W"),
    "barrier": Case("t*(c@x) - sum(log(b - A@x))", "t: ; c: d; x: d; b: n; A: n d", "x",
                    "b: large_positive"),
    "total variation": Case("sum(abs(x[1:] - x[:-1]))", "x: n", "x"),
    "second differences": Case("sum((x[2:] - 2*x[1:-1] + x[:-2])**2)", "x: n", "x"),
    "autoregression": Case("sum((x[1:] - a*x[:-1])**2)", "x: n; a: ", "a x"),
    "differences": Case("x[1:] - x[:-1]", "x: n", "x"),
    "convolution": Case("sum(conv2d(x, k)**2)", "x: h w; k: p q", "x k"),
    "convolution in batches": Case("sum(conv2d(x, k)**2)", "x: b c h w; k: o c p q", "x k"),
    "padded convolution": Case("sum(conv2d(x, k, padding=1)**2)", "x: h w; k: 3 3", "x k"),
    "strided convolution": Case("sum(conv2d(x, k, stride=2)**2)", "x: 8 8; k: 2 2", "x k"),
    "two convolutions": Case(
        "sum(conv2d(relu(conv2d(x, k)), l)**2)", "x: h w; k: p q; l: r s", "k x"),
    "average pooling": Case("sum(avg_pool(x, 2)**2)", "x: 8 6", "x"),
    "concatenation": Case("sum(concat([a, b])**2)", "a: n; b: m", "a b"),
    "stack": Case("sum(tanh(stack([a, b])@w))", "a: n; b: n; w: n", "a b"),
    "skip-gram": Case("-sum(log_sigmoid(sum(U[c]*V[t], axis=1)))", "U: v d; V: v d; c: n; t: n",
                      "U V", "c: integer; t: integer"),
    "picked log-probability": Case("-log_softmax(z)[y]", "z: k; y: ", "z", "y: integer"),
    "cross-entropy by labels": Case("cross_entropy(X@W, y)", "X: n d; W: d k; y: n", "W",
                                    "y: integer"),
    "maxout": Case("sum(max(X@W, axis=1)**2)", "X: n d; W: d k", "W"),
    "minimum": Case("min(X@w)", "X: n d; w: d", "w"),
    "greatest absolute residual": Case("norm_inf(A@x - b)", "A: m n; x: n; b: m", "x"),
    "max pooling": Case("sum(G*max_pool(x, 2))", "x: 8 6; G: 4 3", "x"),
    "Crammer and Singer": Case(
        "s = W@x; relu(1 + max(where(t > 0, -100, s)) - sum(t*s))", "W: k d; x: d; t: k", "W",
        "t: one_hot"),
    "product": Case("prod(x)", "x: n", "x"),
    "Dice": Case("1 - 2*sum(p*y)/(sum(p**2) + sum(y**2))", "p: n; y: n", "p"),
}


@cache
def derivation(name: str) -> md.Derivation:
    case = CERTIFIED[name]
    shapes, assumed = _pairs(case.shapes), _pairs(case.assume)
    if isinstance(case.text, str):
        expression = md.parse(case.text, shapes, assumed)
    else:
        expression = case.text({n: md.tensor(n, shape) for n, shape in shapes.items()})
    return md.derive(expression, case.wrt.split(), case.order)


def row(name: str) -> str:
    """What deriving and emitting took, what Coq took, and what it says."""
    started = time.process_time()
    certificate = derivation(name).certificate()
    assert certificate.source
    emitted = time.process_time() - started
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    accepted = certificate.check()
    coq = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    return f"{name:36} {emitted:5.1f} {coq:5.1f}  {accepted.refused or bool(accepted)}"


if __name__ == "__main__":
    print(f"{'':36} {'emit':>5} {'Coq':>5}")
    for chosen in sys.argv[1:] or CERTIFIED:
        print(row(chosen), flush=True)
