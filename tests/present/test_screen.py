"""What a terminal shows: the results of textbook derivations, widths, names, the plain fallback."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from click.testing import CliRunner
from test_gradients import CASES
from test_pretty import BOOK, derived, document_of

import mathdl as md
from mathdl.cli import main
from mathdl.errors import InputError, NamingError
from mathdl.present.entries import definition
from mathdl.present.glyphs import cells, spelled, subscripted
from mathdl.present.pretty import parts_of, show
from mathdl.present.text import show as text_of
from mathdl.present.tree import Call, Name, Node
from mathdl.present.wrap import LEAST, hanging, wrapped

RESULTS = {
    "softmax_cross_entropy": ["∂L/∂W = Xᵀ(P − Y)/n", "∂L/∂b = meanᵢ(P − Y)"],
    "softmax_jacobian": ["p = softmax(z)", "∂f/∂z = diag(p) − p pᵀ"],
    "attention": ["Ā = G Vᵀ", "t₂ = A ⊙ (Ā − sumⱼ(Ā ⊙ A) 1ᵀ)/√d", "∂L/∂Q = t₂ K", "∂L/∂K = t₂ᵀ Q",
                  "∂L/∂V = Aᵀ G"],
    "batch_norm": ["x̂_bar = G ⊙ γ",
                   "∂L/∂X = (x̂_bar − x̂ ⊙ meanᵢ(x̂_bar ⊙ x̂) − meanᵢ(x̂_bar))/s", "∂L/∂γ = sumᵢ(G ⊙ x̂)",
                   "∂L/∂β = sumᵢ(G)"],
    "kl_of_gaussians": ["∂L/∂a = −T⁻¹ r", "∂L/∂S = (T⁻¹ − S⁻¹)/2", "∂L/∂m = T⁻¹ r",
                        "∂L/∂T = (T⁻¹ − T⁻¹(r rᵀ + S) T⁻¹)/2"],
    "log_determinant": ["∂L/∂X = X⁻ᵀ"],
    "matrix_factorisation_hessian": ["∂²L/∂Uᵢⱼ∂Uₖₗ = 2 δᵢₖ (Vᵀ V)ⱼₗ"],
    "polynomial_third": ["∂³L/∂xᵢ∂xⱼ∂xₖ = 24 δᵢₖ δⱼₖ xₖ"],
    "convolution_1d": ["∂L/∂wᵢ = ∑ⱼ Yⱼ x[i+j]   (i < k, j < n + 1 − k)",
                       "∂L/∂xᵢ = ∑ⱼ Y[i−j] wⱼ   (i < n, j < k)"],
    "through_time": [
        "h₋₁ = s", "hₜ = tanh(U Xₜ + W hₜ₋₁)   (t < T)", "t₇[T] = 0ₘ",
        "t₆[t] = (Gₜ + t₇[t+1]) ⊙ (1 − hₜ²)   (t < T)", "t₇[t] = Wᵀ t₆[t]   (t < T)",
        "∂L/∂W = t₆ᵀ concat([s[·], h])[:T]", "∂L/∂U = t₆ᵀ X", "∂L/∂s = t₇[0]",
    ],
    "relu": ["∂L/∂Z = G if Z > 0 else 0"],
}


def boxed_lines(shown: str) -> list[str]:
    return [line.strip(" │") for line in shown.split("\n") if line.startswith("  │")]


@pytest.mark.parametrize("name", RESULTS)
def test_results_read_like_the_textbook(name: str) -> None:
    assert boxed_lines(derived(name).pretty(width=100)) == RESULTS[name]


def test_the_whole_view() -> None:
    D = md.derive(md.parse("sum((X @ w - y)**2)/n", "X: n d; w: d; y: n", "y: positive"), "w")
    assert D.pretty(width=80) == """\
Given  X ∈ ℝ^(n×d), w ∈ ℝ^d, y ∈ ℝ^n (positive)
       L = mean((X w − y)²)
Find   ∂L/∂w

  1.  z₁ = X w        definition
  2.  z₂ = z₁ − y     definition
  3.  z₃ = sum(z₂²)   definition
  4.  L = z₃/n        definition
  5.  L̄ = 1           seed
  6.  z̄₃ = 1/n        chain rule (4, 5)
  7.  z̄₂ = 2 z₂/n     chain rule (3, 6)
  8.  w̄ = Xᵀ z̄₂       chain rule (1, 7)
  9.  ∂L/∂w = Xᵀ z̄₂   simplified: inline

  ┌─────────────────────────┐
  │ ∂L/∂w = 2 Xᵀ(X w − y)/n │
  └─────────────────────────┘

x̄ is the derivative by x."""


def test_inputs_stand_as_this_expression_declares_them() -> None:
    """Not as another one did that is still alive."""
    others = [md.tensor("late", "n"), md.tensor("early", "n")]
    D = md.derive(md.parse("sum(early*late)", "early: n; late: n"), "late")
    assert D.pretty().startswith("Given  early ∈ ℝ^n, late ∈ ℝ^n")
    assert [t.name for t in others] == ["late", "early"]


# -- widths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("detail", ["lecture", "full"])
@pytest.mark.parametrize("entry", BOOK, ids=lambda entry: entry.name)
def test_no_line_is_wider_than_asked(entry: Any, detail: str) -> None:
    for width in (60, 80, 120):
        shown = derived(entry.name).pretty(detail, width)
        assert shown == derived(entry.name).pretty(detail, width)
        for line in shown.split("\n"):
            assert cells(line) <= width, line
            assert line == line.rstrip()


def formulas() -> Iterator[str]:
    for entry in BOOK:
        D = derived(entry.name)
        document = document_of(list(D.derivatives.values()), D.names)
        yield from (definition(name, node) for name, node in document.definitions)
        yield from (f"∂L/∂x = {show(value)}" for value in document.values)


def test_lines_break_at_spaces_only() -> None:
    for text, width in itertools.product(formulas(), (20, LEAST, 60)):
        assert " ".join(wrapped(text, width)).split() == text.split()
        assert " ".join(hanging(text, width, 6)).split() == text.split()


def test_breaks_are_outside_of_brackets_where_they_can_be() -> None:
    text = "∂L/∂W = sum(alpha + beta + gamma) + tanh(delta + eps) − softmax(zeta)"
    assert wrapped(text, 40) == ["∂L/∂W = sum(alpha + beta + gamma)",
                                 "+ tanh(delta + eps) − softmax(zeta)"]
    assert hanging(text, 46, 2) == ["  ∂L/∂W = sum(alpha + beta + gamma)",
                                    "        + tanh(delta + eps) − softmax(zeta)"]


def test_the_width_is_that_of_the_terminal_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    D = derived("layer_norm")
    for columns, width in (("20", 80), ("97", 97), ("400", 120)):
        monkeypatch.setenv("COLUMNS", columns)
        assert D.pretty("full") == D.pretty("full", width)
    with pytest.raises(InputError, match="at least 40 cells, not 12"):
        D.pretty(width=12)
    with pytest.raises(NamingError, match="full, lecture"):
        D.pretty("short")


@pytest.mark.parametrize(("text", "count"), [
    ("x̂ = a", 5), ("Ā", 1), ("L\u0304", 1), ("漢字", 4), ("∂L/∂W = Xᵀ(P − Y)/n", 19), ("", 0),
])
def test_cells(text: str, count: int) -> None:
    assert cells(text) == count


# -- names ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "shown"), [
    ("mu", "μ"), ("lam", "λ"), ("Sigma", "Σ"), ("W1", "W₁"), ("W_1", "W_1"), ("x_hat", "x̂"),
    ("A_bar", "Ā"), ("W1_bar", "W̄₁"), ("loss_bar", "loss_bar"), ("mu_hat", "μ_hat"),
    ("x_i", "x_i"), ("I", "I"), ("I3", "I3"), ("target", "target"), ("a2_bar_part", "ā₂_part"),
    ("_x", "_x"), ("x_hat2", "x_hat2"),
])
def test_a_name(name: str, shown: str) -> None:
    assert spelled(name) == shown


def test_different_names_are_spelled_differently() -> None:
    stems = ["x", "X", "mu", "lam", "Lambda", "eps", "epsilon", "delta", "gamma", "I", "l", "pi"]
    tails = ["", "1", "12", "_1", "_i", "_hat", "_bar", "1_hat", "_hat1", "_hat_bar", "_"]
    names = [stem + tail for stem in stems for tail in tails]
    assert len({spelled(name) for name in names}) == len(names)


def test_an_index_is_told_from_a_name() -> None:
    assert subscripted("A", "ik") == "Aᵢₖ"
    assert subscripted("W₁", "ik") == "W₁[i,k]"
    assert subscripted("A", ["i+1", "k"]) == "A[i+1,k]"
    assert subscripted("x_i", "j") == "x_i[j]"
    assert subscripted("A", "bc") == "A[b,c]"


# -- one print, one meaning -----------------------------------------------------------------------


def trees() -> Iterator[Node]:
    for entry in BOOK:
        D = derived(entry.name)
        for tensor in D.derivatives.values():
            document = document_of([tensor], D.names)
            yield from (node for _, node in document.definitions)
            yield from document.values


def test_different_trees_print_differently() -> None:
    """Trees alike in Unicode are alike in text, apart from ways to write one product."""
    found: dict[Any, set[str]] = {}
    for node in trees():
        ranks = frozenset((n.text, n.ndim) for n in parts_of(node) if isinstance(n, Name))
        if not any(isinstance(n, Call) and n.name == "solve" for n in parts_of(node)):
            found.setdefault((show(node), ranks), set()).add(text_of(node).replace("@", ""))
    assert len(found) > 200
    assert not {key: texts for key, texts in found.items() if len(texts) > 1}


# -- where it is printed --------------------------------------------------------------------------


class Terminal(io.StringIO):
    def __init__(self, encoding: str) -> None:
        super().__init__()
        self._encoding = encoding

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8"])
def test_a_terminal_that_cannot_show_it_gets_text(
    encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    D = derived("softmax_cross_entropy")
    monkeypatch.setattr(sys, "stdout", Terminal(encoding))
    shown = str(D)
    monkeypatch.undo()
    assert shown == (D.pretty() if encoding == "utf-8" else D.text())
    shown.encode(encoding)


def test_text_is_input() -> None:
    D = derived("softmax_cross_entropy")
    assert D.text().split("\n")[1] == "dL/dW = X.T @ (P - Y)/n"
    assert str(D["W"]) == "P = softmax(X @ W + b); X.T @ (P - Y)/n"


def test_the_command_line_prints_either() -> None:
    given = ["derive", "sum(x**2)", "--shape", "x: n", "--wrt", "x"]
    runner = CliRunner()
    assert runner.invoke(main, given).output == "dL/dx = 2*x\n"
    assert "∂L/∂x = 2 x" in runner.invoke(main, [*given, "--format", "pretty"]).output


def test_an_input_keeps_its_name() -> None:
    shown = md.derive(md.parse("sum(L*x)**2 + t1 @ x", "L: n; x: n; t1: n"), "L").pretty()
    assert "L₂ = t₁ᵀ x + sum(L ⊙ x)²" in shown
    assert "∂L₂/∂L = 2(Lᵀ x) x" in boxed_lines(shown)


def test_several_outputs_and_blocks_have_their_names() -> None:
    x, A = md.tensor("x", "n"), md.tensor("A", "n n")
    D = md.derive({"f": x @ A @ x, "g": A @ x}, "x")
    assert "Find   ∂f/∂x, ∂g/∂x" in D.pretty()
    assert "∂²L/∂x², ∂²L/∂x∂A, ∂²L/∂A²" in md.derive(x @ A @ x, ["x", "A"], 2).pretty(width=80)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_every_worked_case_can_be_shown(case: dict[str, Any]) -> None:
    D = md.derive(md.parse(case["expr"], case["shapes"], case["constraints"]), case["wrt"],
                  order=case["order"])
    for detail in ("lecture", "full"):
        shown = D.pretty(detail, 80)
        assert boxed_lines(shown)
        assert max(map(cells, shown.split("\n"))) <= 80
