"""``mathdl check``: what it prints of a gradient in a file or module, and its exit status."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from mathdl.cli import main

CODE = '''
import numpy as np

def mse(X, w, y):
    return ((X @ w - y)**2).mean()

def right(X, w, y):
    return 2*X.T @ (X @ w - y)/len(y)

def wrong(X, w, y):
    return 2*X.T @ (X @ w - y)

def squares(x):
    return x**2

def squares_vjp(g, x):
    return 2*g*x

def broken(X, w, y):
    raise ZeroDivisionError("no luck")

class Kept:
    square = staticmethod(squares)

number = 1
'''
SHAPES = ["--shape", "X: n d; w: d; y: n"]


@pytest.fixture(autouse=True)
def _losses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "own_losses.py").write_text(CODE, encoding="utf-8")
    (tmp_path / "faulty_losses.py").write_text("1/0\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in ("own_losses", "faulty_losses"):
        sys.modules.pop(name, None)


def _run(*arguments: str) -> tuple[int, str, str]:
    found = CliRunner().invoke(main, ["check", *arguments])
    return found.exit_code, found.stdout, found.stderr


@pytest.mark.parametrize("arguments", [
    ["own_losses:mse", "own_losses:right", *SHAPES],
    ["own_losses.py:mse", "own_losses.py:right", *SHAPES, "--wrt", "w", "--points", "2"],
    ["own_losses:mse", "own_losses:right", *SHAPES, "--expr", "sum((X @ w - y)**2)/n"],
    ["own_losses:Kept.square", "--vjp", "own_losses:squares_vjp", "--shape", "x: n"],
])
def test_a_right_gradient_is_accepted(arguments: list[str]) -> None:
    status, out, err = _run(*arguments)
    assert (status, err) == (0, "")
    assert out.startswith("verified")


def test_a_wrong_gradient_is_refused_with_the_likely_mistake(tmp_path: Path) -> None:
    status, out, err = _run("own_losses:mse", "own_losses:wrong", *SHAPES)
    assert status == 1
    assert "n times too large" in out
    assert "own_losses:wrong is not the derivative of own_losses:mse" in err
    report = tmp_path / "report.json"
    status, out, _ = _run("own_losses:mse", "own_losses:wrong", *SHAPES, "--format", "json",
                          "--out", str(report))
    assert (status, out) == (1, "")
    (diagnosis,) = json.loads(report.read_text("utf-8"))["diagnoses"]
    assert (diagnosis["tensor"], diagnosis["mistake"]) == ("w", "factor")


@pytest.mark.parametrize(("arguments", "said"), [
    (["mse", "own_losses:right", *SHAPES], "'mse' is not like module:function"),
    (["own_losses:mse", "own_losses:rihgt", *SHAPES], "has no rihgt; did you mean right?"),
    (["own_losses:mse", "own_losses:number", *SHAPES], "is no function but int"),
    (["nowhere:mse", "nowhere:right", *SHAPES], "cannot import nowhere"),
    (["nowhere.py:mse", "own_losses:right", *SHAPES], "there is no file nowhere.py"),
    (["faulty_losses:mse", "own_losses:right", *SHAPES], "ZeroDivisionError: division by zero"),
    (["own_losses:mse", *SHAPES], "there is no gradient to check"),
    (["own_losses:broken", "own_losses:right", *SHAPES], "no luck"),
])
def test_what_cannot_be_checked_is_one_line(arguments: list[str], said: str) -> None:
    status, out, err = _run(*arguments)
    assert (status, out) == (2, "")
    assert said in err
    assert len(err.splitlines()) == 1
