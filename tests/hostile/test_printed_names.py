"""Names and titles that mean something to LaTeX, HTML, Markdown, a terminal or Python."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from typing import Any

import pytest
import sympy

import mathdl as md
from mathdl.errors import MathDLError, NamingError

n = md.dims("n")
x = md.tensor("x", n)
EVIL = "__import__('os').system('true')"
BAD = [
    EVIL, "\uff58", "x\u0301", "\ufb01", "\u00aa", "a b", "a;b", "a\nb", "$x$", "\\input{f}", "a%",
    "{}", "<b>", '"""', "\x1b[31m", "\x00", "\udcff", "__class__", "for", "_", "x" * 65, "",
]
USES: dict[str, Callable[[str], Any]] = {
    "tensor": md.tensor,
    "dim": lambda name: md.dims(name or " "),
    "shape": lambda name: md.tensor("y", sympy.Symbol(name, integer=True, positive=True)),
    "named": lambda name: md.sum(x).named(name),
    "equation": lambda name: md.equation(name, (), md.Sum(x[i], i)),
    "index": lambda name: md.indices(name or " "),
    "base": lambda name: md.equation(
        "y", (), md.Sum(sympy.IndexedBase(sympy.Symbol(name), shape=(n,))[i] * x[i], i)),
    "derived": lambda name: md.derive({name: md.sum(x)}, "x"),
    "compiled": lambda name: md.compile({name: md.sum(x)}),
    "dim of a body": lambda name: md.compile(
        md.sum(x) * sympy.Symbol(name, integer=True, positive=True)),
    "declared": lambda name: md.parse("2", {name: "n"}),
    "declared dim": lambda name: md.parse("2", {"y": [name or "-"]}),
}
i = md.indices("i")


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("name", BAD, ids=ascii)
def test_names_that_are_none(name: str, use: str) -> None:
    if use in ("dim", "index", "declared dim") and len(name.split()) == 2:
        return  # two good names
    with pytest.raises(MathDLError) as caught:
        USES[use](name)
    assert str(caught.value).isprintable()


def test_names_with_underscores_are_escaped() -> None:
    D = md.derive(md.parse("sum((a_b - c_)**2*input)", "a_b: n; c_: n; input:"), "a_b")
    for latex in (D.latex(), D.latex(standalone=True)):
        words = re.sub(r"\\_", "", latex)
        assert not re.search(r"[A-Za-z]_[A-Za-z]", words)
        assert "\\input" not in latex


TITLES = ["<script>alert(1)</script>", "\\input{/etc/passwd}", "50% of $x & {y}_z^2 ~ #1",
          "\\end{document}", "a\n\n# b\n```", "\x1b[31mred\x00", "&lt;", "$\\input{x}$"]


@pytest.mark.parametrize("title", TITLES, ids=ascii)
def test_titles(title: str) -> None:
    D = md.derive(md.sum(x**2), "x")
    plain, page = D.html(), D.html(title=title)
    assert page.count("<") == plain.count("<")
    document = D.proof.latex(standalone=True, title=title)
    (section,) = re.findall(r"\\section\*\{(.*)\}\n", document)
    known = re.sub(r"\\textbackslash |\\[_^~]\{\}|\\[{}_&#%$]", "", section)
    assert not set(known) & set("\\{}$%&#_^~")
    markdown = D.markdown(title=title)
    assert len(markdown.splitlines()) == len(D.markdown().splitlines()) + 2
    assert not re.search(r"(?<!\\)<script", markdown)
    for text in (page, document, markdown):
        assert all(c.isprintable() or c in "\n\t" for c in text)


def test_no_text_becomes_code() -> None:
    """The generated module has the calls that it should have, whatever is quoted in it."""
    with pytest.raises(NamingError):
        md.compile({'"""\nimport os\n"""': md.sum(x)})
    tree = ast.parse(md.derive(md.sum(x**2).named("eval"), "x").source)
    called = {node.func.id for node in ast.walk(tree)
              if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert not called & {"eval", "exec", "open", "__import__", "compile", "getattr"}
