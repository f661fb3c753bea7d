"""Proofs of derivations are accepted, and no altered one is."""

from __future__ import annotations

from typing import Any

import pytest
from alterations import altered
from recurrent_models import MODELS, Names

import mathdl as md
from mathdl.book import load_book
from mathdl.book.checking import derivation_of

SHAPES = {
    "X": "n d", "w": "d", "y": "n", "W": "d k", "b": "k", "Y": "n k", "G": "n d", "A": "n n",
    "S": "n n", "R": "n n", "x": "n", "z": "k", "lam": "", "ids": "m", "E": "n d", "U": "k m",
    "l": "n",
    "T": "d m", "K": "m d", "V": "m k",
}
ASSUME = {"Y": "one_hot", "S": "positive_definite", "R": "orthogonal", "ids": "integer",
          "lam": "positive", "l": "binary"}

# expression, variables, order
DERIVATIONS = [
    ("sum((X @ w - y)**2)/n + lam*sum(w**2)", ["w", "lam"], 1),
    ("-sum(Y*log(softmax(X @ W + b)))/n", ["W", "b"], 1),
    ("P = softmax(X @ W); -sum(Y*log(P))/n", "W", 1),
    ("-mean(y*log(1/(1 + exp(-X @ w))) + (1 - y)*log(1 - 1/(1 + exp(-X @ w))))", "w", 1),
    ("H = tanh(X @ W + b); sum((H @ U)**2)/n", ["W", "b", "U"], 1),
    ("mu = mean(X, axis=1, keepdims=True); s = sqrt(mean((X - mu)**2, axis=1, keepdims=True)"
     " + 0.00001); x_hat = (X - mu)/s; sum(G*x_hat)", "X", 1),
    ("sum(G*batch_norm(X))", "X", 1), ("sum(G*rms_norm(X))", "X", 1),
    ("logdet(S)", "S", 1), ("x @ inv(S) @ x + logdet(S)", ["x", "S"], 1),
    ("-(x - y) @ solve(S, x - y)/2", ["x", "S"], 1), ("sum((R.T @ (R @ x))**3)", "x", 1),
    ("(x @ A @ x)/(x @ x)", ["x", "A"], 1), ("trace(inv(A) @ S)", "A", 1),
    ("x @ S @ x/2", "x", 2), ("logsumexp(z)", "z", 2), ("softmax(z)", "z", 1),
    ("norm2(T - outer(w, lam*V[:, 0]))**2", "w", 2),
    ("sum(E[ids]**2*K)", "E", 1), ("Q = X @ T; sum(softmax(Q @ Q.T)**2)", "T", 1),
    ("max(X @ w)**2 + prod(w)", "w", 1), ("sum(cumsum(x)**3)", "x", 1),
    ("det(inv(A)) + logdet(inv(S))", "A", 1), ("trace(A.T @ X @ X.T @ A)", "A", 1),
    ("sum(tanh(A @ x)*sin(A @ (x + y)))", "x", 1),
    ("-sum(log((1 + tanh(x))*l/2 + (1 - tanh(x))*(1 - l)/2))", "x", 1),
    ("sum(where(abs(x) <= 1, x**2, 2*abs(x) - 1))", "x", 1),
    ("sum(cholesky(S)**2) + det(A)", ["S", "A"], 1), ("b @ z + sum(relu(X @ W)*Y)", ["W", "z"], 1),
]


def derivation(text: str, wrt: Any, order: int) -> Any:
    return md.derive(md.parse(text, SHAPES, ASSUME), wrt, order)


@pytest.mark.parametrize(("text", "wrt", "order"), DERIVATIONS, ids=[d[0] for d in DERIVATIONS])
def test_every_step_is_accepted(text: str, wrt: Any, order: int) -> None:
    checked = derivation(text, wrt, order).proof.check()
    assert checked, str(checked)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_back_propagation_through_time(name: str) -> None:
    model = MODELS[name]
    given = Names(model.tensors())
    wrt = [n for n, t in given.items() if "integer" not in t.assume]
    checked = md.derive(model.expr(given), wrt).proof.check(instances=1)
    assert checked, str(checked)


SHORT = [11, 14, 16]


@pytest.mark.parametrize("number", SHORT)
def test_no_altered_proof_is_accepted(number: int) -> None:
    proof = derivation(*DERIVATIONS[number]).proof
    assert proof.check(instances=1)
    survived = [how for how, wrong in altered(proof) if wrong.check(instances=1)]
    assert survived == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("number", sorted(set(range(len(DERIVATIONS))) - set(SHORT)))
def test_no_altered_proof_is_accepted_of_all(number: int) -> None:
    test_no_altered_proof_is_accepted(number)


@pytest.mark.exhaustive
@pytest.mark.parametrize("entry", load_book(), ids=lambda entry: entry.name)
def test_no_altered_proof_of_the_book_is_accepted(entry: Any) -> None:
    """Every step in two of the ways, another two at the next step."""
    proof = derivation_of(entry).proof
    ways: dict[str, list[tuple[str, Any]]] = {}
    for how, wrong in altered(proof):
        ways.setdefault(how.split(":")[0], []).append((how, wrong))
    chosen = [
        found[(2 * k + j) % len(found)]
        for k, found in enumerate(ways.values()) for j in range(min(2, len(found)))
    ]
    assert [how for how, wrong in chosen if wrong.check(instances=1)] == []


def test_symmetric_spaces_are_checked() -> None:
    for space in ("projected", "vech"):
        expr = md.parse("sum(A*S) + logdet(S)", SHAPES, ASSUME)
        proof = md.derive(expr, "S", symmetric=space).proof
        assert proof.check()
        assert [how for how, wrong in altered(proof) if wrong.check(instances=1)] == []


def test_a_reader_that_is_left_out_is_seen() -> None:
    """A dropped fan-out term, with everything after it made to fit."""
    proof = derivation("sum(tanh(X @ w)) + sum((X @ w)**2)", "w", 1).proof
    assert proof.check()
    assert not any(wrong.check(instances=1) for how, wrong in altered(proof) if "lost" in how)


def test_premises_are_earlier_lines() -> None:
    proof = derivation("-sum(Y*log(softmax(X @ W)))/n", "W", 1).proof
    assert all(p < line.number for line in proof for p in line.premises)
    assert any(line.premises for line in proof)


def test_a_refusal_says_where() -> None:
    proof = derivation("sum((X @ w - y)**2)", "w", 1).proof
    wrong = dict(altered(proof))["step 3: result doubled"].check(instances=1)
    assert not wrong
    assert "step 3" in str(wrong)
