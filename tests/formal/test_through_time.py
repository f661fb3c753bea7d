"""Certificates of recurrences over a symbolic number of steps; wrong gradients are refused."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import mathdl as md
from mathdl.errors import UnsupportedError
from mathdl.formal import coqc
from mathdl.formal.emit import emit
from mathdl.ir.steps import PullBack

needs_coq = pytest.mark.skipif(shutil.which("coqc") is None, reason="Coq is not installed")


def network(loss: str, reverse: bool = False) -> Any:
    W, U, s = md.tensor("W", "n n"), md.tensor("U", "n d"), md.tensor("s", "n")
    X, y = md.tensor("X", "T d"), md.tensor("y", "n")
    last, every = md.scan(lambda a, x: (md.tanh(W @ a + U @ x),) * 2, s, X, reverse=reverse)
    return {"last": md.sum((last - y) ** 2), "all": md.sum(every**2)}[loss]


def momentum() -> Any:
    """Two states, the second of which starts at zero."""
    w, b, z = md.tensor("w", "n"), md.tensor("b", "n"), md.tensor("z", "T n")
    rate, mu = md.tensor("rate", ""), md.tensor("mu", "")

    def step(state: Any, noise: Any) -> Any:
        at, speed = state
        speed = mu * speed - rate * (at * at - b + noise)
        return (at + speed, speed), None

    return md.sum(md.scan(step, (w, md.zeros(md.dims("n"))), z)[0][0])


@needs_coq
@pytest.mark.parametrize(("expr", "wrt"), [
    (lambda: network("last"), ["W", "U", "s"]),
    (lambda: network("all"), ["W", "s"]),
    (lambda: network("last", reverse=True), ["W", "X"]),
    (momentum, ["mu", "rate", "w"]),
], ids=["last state", "all states", "reversed", "two states"])
def test_coq_accepts(expr: Callable[[], Any], wrt: list[str]) -> None:
    accepted = md.derive(expr(), wrt).certificate().check()
    assert accepted, str(accepted)
    assert accepted.foreign == ()


WRONG: dict[str, Callable[[Any], Any]] = {
    "sign": lambda t: -t,
    "dropped": lambda t: 0 * t,
    "twice": lambda t: 2 * t,
    "transposed": lambda t: t.T,
}


@pytest.mark.parametrize(("wrong", "name"), [
    *((wrong, "W") for wrong in WRONG), ("sign", "s"), ("dropped", "s"), ("twice", "X"),
])
def test_wrong_contributions_are_refused(wrong: str, name: str) -> None:
    proof = md.derive(network("last"), [name]).proof
    lines = [
        replace(line, step=replace(line.step, after=WRONG[wrong](line.step.after)))
        if isinstance(line.step, PullBack) and line.step.target.name == name else line
        for line in proof.lines
    ]
    assert emit(proof)
    with pytest.raises(UnsupportedError, match="no certificate"):
        emit(replace(proof, lines=tuple(lines)))


@needs_coq
@pytest.mark.parametrize(("right", "wrong"), [
    (r"\(1 - \(", "(1 + ("), (r"\(W r(\d+) i1\)", r"(W i1 r\1)"),
    (r" \* \((q_\d+(_steps W| W \(\(1 \+))", r" * 0 * (\1"),
], ids=["sign", "transposed", "dropped"])
def test_coq_refuses_wrong_recurrences(right: str, wrong: str, tmp_path: Path) -> None:
    source = md.derive(network("last"), ["W"]).certificate().source
    start, end = source.index("_steps (W"), source.index("Section Curve")
    changed = re.sub(right, wrong, source[start:end])
    assert changed != source[start:end]
    text = source[:start] + changed + source[end:]
    (tmp_path / "wrong.v").write_text(text, encoding="utf-8")
    done = coqc.run(coqc.library(), "wrong.v", tmp_path, 120)
    assert done.returncode != 0
    refused = int(re.findall(r"line (\d+)", done.stderr)[-1])
    lemmas = re.findall(r"^Lemma (\w+)", "\n".join(text.splitlines()[:refused]), re.MULTILINE)
    assert lemmas[-1].startswith("step_")
