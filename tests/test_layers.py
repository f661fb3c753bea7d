"""The import order: a file imports only from layers above its own.

The list is the architecture.  Imports inside functions count as well, so that no cycle hides
behind a late import.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "mathdl"

LAYERS = [
    "_version",
    "errors",
    "extra",
    "scalar",
    "ir",
    "primitives",
    "language",
    "calculus",
    "simplify",
    "request",
    "differentiate",
    "proof",
    "formal",
    "generate",
    "verify",
    "derivation",
    "accuracy",
    "foreign",
    "replay",
    "convexity",
    "mathdl",  # the package itself: the public names
    "catalogue",
    "train",
    "book",
    "cli_parts",
    "cli_stability",
    "cli_verify",
    "cli_certify", "cli_check",
    "cli",
    "__main__",
]

# present prints what the language writes and is used at any height: its own place may be
# anywhere below the language, as long as one place serves for all its imports.
FLOATING, FLOATS_BELOW = "present", "language"

Edge = tuple[str, str, str]  # layer, layer it imports, where


def layer_of(module: str) -> str:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "mathdl"


def modules() -> list[tuple[str, Path]]:
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = list(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        if parts[-1] == "__init__":
            parts.pop()
        found.append((".".join(parts), path))
    return found


def imported(tree: ast.AST, module: str, is_package: bool) -> Iterator[tuple[str, int]]:
    """The mathdl modules that a file imports, with line numbers; relative ones resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = module.split(".")
                keep = len(parts) - node.level + (1 if is_package else 0)
                base = ".".join([*parts[:keep], *([base] if base else [])])
            if base == "mathdl":
                # from mathdl import train: a subpackage, or else one of the public names
                for alias in node.names:
                    known = alias.name in (*LAYERS, FLOATING)
                    yield (f"mathdl.{alias.name}" if known else "mathdl"), node.lineno
            else:
                yield base, node.lineno


def edges_in(source: str, module: str, is_package: bool) -> Iterator[Edge]:
    own = layer_of(module)
    for name, line in imported(ast.parse(source), module, is_package):
        if name.split(".")[0] == "mathdl" and layer_of(name) != own:
            yield own, layer_of(name), f"{module}:{line}"


def all_edges() -> list[Edge]:
    return [
        edge
        for module, path in modules()
        for edge in edges_in(path.read_text("utf-8"), module, path.name == "__init__.py")
    ]


def violations(edges: list[Edge], order: list[str]) -> list[str]:
    place = {layer: k for k, layer in enumerate(order)}
    return [
        f"{where}: {own} must not import {other}"
        for own, other, where in edges
        if place[other] >= place[own]
    ]


def orders() -> Iterator[list[str]]:
    for k in range(LAYERS.index(FLOATS_BELOW) + 1, LAYERS.index("mathdl") + 1):
        yield [*LAYERS[:k], FLOATING, *LAYERS[k:]]


def test_every_module_has_a_layer() -> None:
    unknown = {layer_of(module) for module, _ in modules()} - {*LAYERS, FLOATING}
    assert not unknown, f"put {unknown} into LAYERS, where the design has them"


def test_imports_go_up_only() -> None:
    edges = all_edges()
    assert edges
    fewest = min((violations(edges, order) for order in orders()), key=len)
    assert not fewest, "\n".join(fewest)


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mathdl.ir.tensor", "import mathdl.language.operators"),
        ("mathdl.ir.tensor", "from mathdl.calculus import reverse"),
        ("mathdl.calculus.reverse", "def f():\n    from mathdl.derivation import derive"),
        ("mathdl.calculus.reverse", "import mathdl as md"),
        ("mathdl.calculus.reverse", "from mathdl import parse"),
        ("mathdl.calculus.reverse", "from mathdl import derivation"),
        ("mathdl.ir.tensor", "from ..generate import numpy"),
        ("mathdl.scalar.sigmoidal", "from mathdl.present import text"),
        ("mathdl.derivation", "from .train import loop"),
    ],
)
def test_an_upward_import_is_seen(module: str, source: str) -> None:
    edges = list(edges_in(source, module, is_package=False))
    assert all(violations(edges, order) for order in orders())


@pytest.mark.parametrize(
    ("module", "source"),
    [
        ("mathdl.train.loop", "import mathdl as md"),
        ("mathdl.language.operators", "from mathdl.ir.build import define"),
        ("mathdl.language.operators", "from .pointwise import pointwise"),
        ("mathdl.derivation", "from mathdl.present.text import show"),
        ("mathdl.ir.tensor", "import sympy, mathdl.errors"),
    ],
)
def test_a_downward_import_is_allowed(module: str, source: str) -> None:
    edges = list(edges_in(source, module, is_package=False))
    assert any(not violations(edges, order) for order in orders())
