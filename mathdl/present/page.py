"""A proof as an HTML page that needs nothing else: no network, no file beside it."""

from __future__ import annotations

import html
from collections.abc import Iterable
from importlib.resources import files
from string import Template
from typing import Any

from mathdl._version import __version__
from mathdl.ir.assumptions import Assumption
from mathdl.ir.steps import Law
from mathdl.present.latex import Row
from mathdl.present.latex_words import heading
from mathdl.present.mathml import aligned, large, mathml, paragraph
from mathdl.present.theorem import (
    Given,
    Step,
    Theorem,
    Written,
    notation,
    theorem,
    written_proof,
)

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
$style</style>
</head>
<body>
$body
<script>
$script</script>
</body>
</html>
""")

TOGGLE = '<button id="theme" type="button" aria-label="Dark or light" hidden></button>'
FOOTER = f"<footer>mathdl {__version__}</footer>"


def page(title: str, body: str, assets: str = "", script: str = "") -> str:
    """A whole page; ``assets`` and ``script`` are CSS and JavaScript besides those of all pages."""
    return PAGE.substitute(
        title=html.escape(title), body=body, style=asset("page.css") + assets,
        script=asset("page.js") + script,
    )


def asset(name: str, package: str = "mathdl.present") -> str:
    """A file of the package as text."""
    return (files(package) / name).read_text("utf-8")


def proof_page(proof: Any, detail: str, title: str = "") -> str:
    """Theorem and proof as a page.

    Raises:
        MissingExtraError: latex2mathml is not installed.
        UnsupportedError: a formula cannot be converted.
    """
    stated, written = theorem(proof), written_proof(proof, detail)
    shown = heading(title) or stated.title
    sections = [
        ("Theorem", theorem_html(stated)),
        ("Proof", proof_html(written)),
        ("Conventions", f"<p>{paragraph(notation(stated, written))}</p>"),
        ("As text", texts_html(stated)),
        ("Rules and references", laws_html(written.laws)),
    ]
    body = "\n".join(
        f'<section id="{name.split()[0].lower()}"><h2>{name}</h2>\n{content}\n</section>'
        for name, content in sections if content
    )
    header = f"<header><h1>{html.escape(shown)}</h1>{TOGGLE}</header>"
    return page(shown, f"<main>\n{header}\n{body}\n{FOOTER}\n</main>")


def theorem_html(stated: Theorem) -> str:
    """What is given, the expressions, and the results in boxes."""
    given = "".join(
        f"<li>{_member(one)}{''.join(map(_fact, one.facts))}</li>" for one in stated.given
    )
    where = f"<p>where</p>{_equations(stated.definitions)}" if stated.definitions else ""
    results = "".join(f'<div class="result">{_equations([one])}</div>' for one in stated.results)
    return (f'<p>Let</p><ul class="given">{given}</ul>\n<p>and</p>{_equations(stated.premises)}\n'
            f"<p>Then</p>{results}\n{where}")


def _member(one: Given) -> str:
    return mathml(rf"{one.letter} \in {one.space}")


def _fact(fact: Assumption) -> str:
    meaning = html.escape(fact.meaning)
    return f', {html.escape(fact.name.replace("_", " "))} <span class="quiet">({meaning})</span>'


def _equations(rows: Iterable[Row]) -> str:
    return aligned((left, f"= {right}") for left, right in rows)


def proof_html(written: Written, prefix: str = "") -> str:
    """The parts of a proof, each to be folded; ids of steps begin with ``prefix``."""
    parts = "\n".join(
        f'<details class="part" open><summary>{part.title}</summary>\n<ol class="steps">\n'
        + "\n".join(step_html(step, prefix) for step in part.steps) + "\n</ol></details>"
        for part in written.parts
    )
    if not written.conditions:
        return parts
    held = "".join(f"<li>{large(one)}</li>" for one in written.conditions)
    return f'{parts}\n<p>The steps hold wherever, for every entry,</p><ul class="held">{held}</ul>'


def step_html(step: Step, prefix: str = "") -> str:
    """A step: number, equation, and the reason that opens to the laws."""
    kind = ' class="result"' if step.result else ""
    return (
        f'<li id="{prefix}step-{step.number}"{kind}><span class="number">({step.number})</span>'
        f'<div class="equation">{_sides(step)}</div>{_reason(step, prefix)}</li>'
    )


def _sides(step: Step) -> str:
    lines = "<br>".join(large(f"= {side}") for side in step.right)
    return f'<div class="left">{large(step.left)}</div><div class="right">{lines}</div>'


def _reason(step: Step, prefix: str) -> str:
    links = ", ".join(f'<a href="#{prefix}step-{n}">({n})</a>' for n in step.premises)
    following = f", by {links}" if links else ""
    if not step.laws:
        return f'<p class="reason">{html.escape(step.reason)}{following}</p>'
    hint = html.escape("\n".join(_law_text(law) for law in step.laws))
    return (
        f'<details class="reason"><summary data-law="{hint}">'
        f"<span>{html.escape(step.reason)}</span>{following}</summary>"
        f'<div class="law">{"".join(f"<p>{_law(law)}</p>" for law in step.laws)}</div></details>'
    )


def _law_text(law: Law) -> str:
    return f"{law.name}: {law.law}" + (f" ({law.reference})" if law.reference else "")


def _law(law: Law) -> str:
    cited = f' <span class="quiet">{html.escape(law.reference)}</span>' if law.reference else ""
    return f"<b>{html.escape(law.name)}</b>: {html.escape(law.law)}.{cited}"


def laws_html(laws: Iterable[Law]) -> str:
    """What each rule states and where that is found."""
    found = "".join(
        f"<dt>{html.escape(law.name)}</dt><dd>{html.escape(law.law)}"
        + (f'<br><span class="quiet">{html.escape(law.reference)}</span>' if law.reference else "")
        + "</dd>"
        for law in laws
    )
    return f'<dl class="laws">{found}</dl>' if found else ""


def texts_html(stated: Theorem) -> str:
    """Expressions and results in the language, to be pasted back."""
    declared = f"shapes: {stated.declared}" + (
        f"\nassume: {stated.assumed}" if stated.assumed else "")
    texts = [("Declared", declared), *stated.texts]
    return "".join(f"<h3>{html.escape(name)}</h3><pre>{html.escape(text)}</pre>"
                   for name, text in texts)

