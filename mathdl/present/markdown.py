r"""A proof as Markdown with ``$$`` blocks, for GitHub, Jupyter and VS Code.

GitHub reads Markdown inside of ``$$`` as well: ``\\`` becomes ``\``, ``\,`` a comma, ``_`` may
begin emphasis and ``<d`` a tag.  So formulas have names for what is punctuation (``\cr``,
``\thinspace``, ``\lt``) and blanks around underscores, which TeX does not see.  MathJax and
KaTeX read all of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mathdl.present.latex import Row
from mathdl.present.latex_words import heading
from mathdl.present.theorem import (
    Given,
    Part,
    Step,
    Theorem,
    Written,
    notation,
    theorem,
    written_proof,
)

_OPERATOR = re.compile(r"\\operatorname\{(?:[A-Za-z0-9-]|\\_)*\}")
_PUNCTUATION = re.compile(r"\\[^A-Za-z]|[_<>*~]|:(?=\S)")
_WORDS = {
    r"\\": r"\cr ", r"\,": r"\thinspace ", r"\:": r"\medspace ", r"\;": r"\thickspace ",
    r"\!": r"\negthinspace ", r"\ ": r"\space ", r"\{": r"\lbrace ", r"\}": r"\rbrace ",
    r"\|": r"\Vert ", r"\_": "\uff3f", "_": " _ ", "<": r"\lt ", ">": r"\gt ", "*": r"\ast ",
    "~": r"\space ", ":": "{:}",
}


def portable(latex: str) -> str:
    """A formula of the same look that Markdown leaves as it is, on one line."""
    named = _OPERATOR.sub(lambda m: m[0].replace(r"\_", "-"), latex)
    return " ".join(_PUNCTUATION.sub(lambda m: _WORDS.get(m[0], m[0]), named).split())


def proof_markdown(proof: Any, detail: str, title: str = "", fold: bool = False) -> str:
    """Theorem and proof; the proof behind a line to click on when it is to ``fold``."""
    title = heading(title)
    stated, written = theorem(proof), written_proof(proof, detail)
    steps = _joined([*map(_part, written.parts), *_conditions(written), *_laws(written)])
    shown = f"<details>\n<summary>Proof, {len(written)} steps</summary>\n\n{steps}\n\n</details>"
    return _joined([
        f"## {plain(title)}" if title else "", theorem_markdown(stated),
        shown if fold else f"**Proof.**\n\n{steps}", plain(notation(stated, written)),
        _texts(stated),
    ]) + "\n"


def theorem_latex(proof: Any) -> str:
    """The theorem as one displayed formula, for a notebook that shows LaTeX alone."""
    stated = theorem(proof)
    return _display([*stated.premises, *stated.definitions, *stated.results])


def theorem_markdown(stated: Theorem) -> str:
    """What is given, the expressions, and the results in boxes."""
    given = "\n".join(f"- {_member(one)}" for one in stated.given)
    results = _joined(
        _display_one(rf"\boxed{{{left} = {right}}}") for left, right in stated.results
    )
    where = ["where", _display(stated.definitions)] if stated.definitions else []
    return _joined(["**Theorem.** Let", given, "and", _display(stated.premises), "Then", results,
                    *where])


def _member(one: Given) -> str:
    facts = "".join(f", {fact.name.replace('_', ' ')}" for fact in one.facts)
    inside = portable(rf"{one.letter} \in {one.space}")
    return f"${inside}${facts}"


def _display_one(latex: str) -> str:
    return f"$$\n{portable(latex)}\n$$"


def plain(text: str) -> str:
    """Text in which Markdown sees no markup; formulas between dollars stay formulas."""
    parts = text.split("$")
    return "".join(
        f"${portable(part)}$" if k % 2 else re.sub(r"([\\`*_<>\[\]#|~])", r"\\\1", part)
        for k, part in enumerate(parts)
    )


def _display(equations: Iterable[Row]) -> str:
    return _aligned(f"{left} &= {right}" for left, right in equations)


def _aligned(rows: Iterable[str]) -> str:
    body = " \\cr\n".join(map(portable, rows))
    return f"$$\n\\begin{{aligned}}\n{body}\n\\end{{aligned}}\n$$"


def _part(part: Part) -> str:
    return f"_{part.title}_\n\n{_aligned(line for step in part.steps for line in _lines(step))}"


def _lines(step: Step) -> list[str]:
    """A step: number, left side, right side, reason; further sides below."""
    by = ", by " + ", ".join(f"({n})" for n in step.premises) if step.premises else ""
    reason = step.reason.replace("_", r"\_")
    left, right = step.left, [f"= {side}" for side in step.right]
    if step.result:
        left, right = "", [rf"\boxed{{{left} {' '.join(right)}}}"]
    first, *more = right or [""]
    lines = [rf"({step.number}) \quad {left} &{first} && \quad \text{{{reason}{by}}}"]
    return lines + [f"&{side}" for side in more]


def _conditions(written: Written) -> list[str]:
    if not written.conditions:
        return []
    held = _aligned(f"& {one}" for one in written.conditions)
    return ["The steps hold wherever, for every entry,", held]


def _laws(written: Written) -> list[str]:
    found = "\n".join(
        f"- {plain('. '.join(filter(None, [f'{law.name}: {law.law}', law.reference])))}"
        for law in written.laws
    )
    return ["The rules:", found] if found else []


def _texts(stated: Theorem) -> str:
    """Expressions and results in the language, to be pasted back."""
    lines = [("shapes", stated.declared), ("assume", stated.assumed), *stated.texts]
    width = max(len(name) for name, _ in lines)
    shown = "\n".join(f"{name.ljust(width)}  {text}" for name, text in lines if text)
    return f"```text\n{shown}\n```"


def _joined(blocks: Iterable[str]) -> str:
    return "\n\n".join(block for block in blocks if block)
