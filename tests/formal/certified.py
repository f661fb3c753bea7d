"""Derivations to certify: expressions with shapes, assumptions and what they are derived by."""

from __future__ import annotations

from typing import Any

SAMPLE: dict[str, tuple[str, dict[str, str], dict[str, str], list[str]]] = {
    "least squares": ("sum((X@w - y)**2)/n", {"X": "n d", "w": "d", "y": "n"}, {}, ["w"]),
    "softmax cross-entropy": (
        "-sum(Y*log_softmax(X@W + b))/n", {"X": "n d", "W": "d k", "b": "k", "Y": "n k"},
        {"Y": "one_hot"}, ["W", "b"]),
    "layer norm": ("sum(G*layer_norm(X))", {"X": "n d", "G": "n d"}, {}, ["X"]),
    "relu network": (
        "sum((relu(X@W + b)@v - y)**2)",
        {"X": "n d", "W": "d h", "b": "h", "v": "h", "y": "n"}, {}, ["W", "v"]),
    "jacobian": ("softmax(x)", {"x": "n"}, {}, ["x"]),
}


def derivation(name: str, cases: dict[str, Any] | None = None) -> Any:
    import mathdl as md

    text, shapes, assume, wrt = (cases or SAMPLE)[name]
    return md.derive(md.parse(text, shapes, assume), wrt)
