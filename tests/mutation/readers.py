"""Readers of what is printed: each raises when it does not say what the derivation does.

Those of text, LaTeX and Unicode are the printers' own tests.  A theorem is read from its rows; a
document from its displays, each line that was broken put together again, and its prose by what is
declared and on what conditions; a proof by computing with its lines; a page by its numbers of steps
and results, by its letters, and by what it has to be pasted back.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import prose
import test_latex_read_back as latex_reading
import test_pretty as unicode_reading
import test_read_back as text_reading
from printed import Page

import mathdl as md
from mathdl.derivation import Derivation
from mathdl.ir.system import inputs_of
from mathdl.present import to_text
from mathdl.present.statements import statements
from mathdl.present.theorem import theorem
from mathdl.proof.instances import instance

Arrays = Mapping[str, Any]
MANNERS = ("any sign", "positive")
DETAIL = "lecture"
FORMULAS = ("text", "LaTeX", "Unicode", "theorem")  # views that are read from first to last


# -- what they read -------------------------------------------------------------------------------


def _unicode(D: Derivation) -> str:
    tensors = list(D.derivatives.values())
    deep = unicode_reading.deep(tensors)
    return "\n".join(unicode_reading.definition(name, node, deep)
                     for name, node in unicode_reading.printed(tensors, D.names))


def _theorem(D: Derivation) -> str:
    stated = theorem(D.proof)
    rows = (*stated.premises, *stated.definitions, *stated.results)
    return " \\\\\n".join(f"{left} &= {right}" for left, right in rows)


PRINTED: dict[str, Callable[[Derivation], str]] = {
    "text": lambda D: "\n".join(to_text(t, D.names) for t in D.derivatives.values()),
    "LaTeX": lambda D: D.latex(),
    "Unicode": _unicode,
    "theorem": _theorem,
    "document": lambda D: D.latex(standalone=True),
    "prose": lambda D: prose.of_document(D.latex(standalone=True)),
    "proof": lambda D: D.proof.text(DETAIL),
    "page": lambda D: D.html(DETAIL),
}


def printed(D: Derivation) -> dict[str, str]:
    return {view: law(D) for view, law in PRINTED.items()}


# -- reading --------------------------------------------------------------------------------------


def read(D: Derivation, view: str, arrays: Arrays, dims: Mapping[str, int]) -> None:
    """Raise unless what is printed gives the derivation's numbers."""
    if view == "text":
        shapes = {t.name: " ".join(map(str, t.shape)) for t in D.inputs}
        assume = {t.name: tuple(t.assume) for t in D.inputs}
        for tensor in D.derivatives.values():
            text_reading.same_numbers(tensor, D.names, shapes, assume, arrays, dims)
    elif view == "LaTeX":
        latex_reading.agree(D, D.latex(), arrays, dims)
    elif view == "Unicode":
        unicode_reading.same_numbers(list(D.derivatives.values()), D.names)
    elif view == "theorem":
        latex_reading.agree(D, _theorem(D), arrays, dims)
    elif view == "document":
        latex_reading.agree(D, rows(D.latex(standalone=True)), arrays, dims)
    elif view == "prose":
        document = PRINTED["prose"](D)
        prose.declarations(D, document, arrays, dims)
        prose.conditions(D, document, DETAIL, arrays, dims)
    elif view == "proof":
        _read_proof(D)
    else:
        _read_page(D)


def rows(document: str) -> str:
    """The equations of a document's theorem, without what only breaks and sets its lines."""
    stated = document.split(r"\end{theorem}")[0]
    found: list[str] = []
    for display in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", stated, re.S):
        for line in display.split(" \\\\\n"):
            line = re.sub(r"\\fit\{[\d.]+em\}\{(.*)\}$", r"\1", line)
            line = re.sub(r"\\[bB]ig+[lr] ?", "", line).replace(" {} ", " ")
            if line.startswith(r"&\qquad"):
                found[-1] += line.removeprefix(r"&\qquad")
            elif found and "&=" not in found[-1]:
                found[-1] += f" {line}"
            else:
                found.append(line.removeprefix("& "))
    return " \\\\\n".join(found)


def _read_proof(D: Derivation) -> None:
    """Its lines, read as definitions, compute the derivatives; premises stand before."""
    lines = D.proof.text(DETAIL).split("\n")
    for number, line in enumerate(lines, 1):
        assert re.match(rf" *{number}\. ", line), line
        reason = re.search(r"\(([0-9, ]+)\)\]$", line)
        assert all(int(k) < number for k in (reason[1].split(", ") if reason else ())), line
    bare = [re.sub(r"^ *\d+\. | +\[[^\[\]]+\]$", "", line) for line in lines]
    stated = [line.split(" = ") for line in bare if not re.match(r"d[Lf]/d", line)]
    definitions = "; ".join(f"{sides[0]} = {sides[-1]}" for sides in stated)
    results = dict(line[4:].split(" = ", 1) for line in bare if re.match(r"d[Lf]/d", line))
    assert len(results) == len(D)
    for key in D:
        for wanted in (results[key], f"{key}_bar"):
            _same(_parsed(D, f"{definitions}; {wanted}"), D[key])


def _read_page(D: Derivation) -> None:
    """Every step and result is there, premises are links, and its text can be pasted back."""
    page, expected = Page(D.html(DETAIL)), statements(D.proof, D.proof.names, DETAIL)
    assert [i for i in page.ids if i.startswith("step-")] == [f"step-{s.number}" for s in expected]
    assert page.links == [f"#step-{n}" for s in expected for n in s.premises]
    boxes = [value for key, value in page.attributes if key == "class"].count("result")
    assert boxes == len(D) + sum(s.result for s in expected)
    declared, *texts = page.pre
    shapes, _, assume = declared.removeprefix("shapes: ").partition("\nassume: ")
    values = len(D.outputs)
    for text, tensor in zip(texts[:values], D.written, strict=True):
        again = md.parse(text, shapes, assume)
        assert _declared(again) <= {(t.name, t.shape, t.assume) for t in D.inputs}
        _same(again, tensor)
    for text, key in zip(texts[values:], D, strict=True):
        _same(md.parse(text, shapes, assume), D[key])
    _read_letters(page.said, _theorem(D))


STYLES = {"mathbf": "MATHEMATICAL BOLD", "boldsymbol": "MATHEMATICAL BOLD ITALIC",
          "mathbb": "DOUBLE-STRUCK"}


def _read_letters(page: str, latex: str) -> None:
    """Every letter of a formula is there in its style, and no style but these."""
    for style, text in re.findall(rf"\\({'|'.join(STYLES)})\{{(\\?[A-Za-z]+|\d)\}}", latex):
        for letter in [text[1:]] if text[0] == "\\" else text:
            name = f"{'CAPITAL' if letter[0].isupper() else 'SMALL'} {letter.upper()}"
            if letter.isdigit():
                name = unicodedata.name(letter)
            name = name.replace("LAMBDA", "LAMDA")
            assert unicodedata.lookup(f"{STYLES[style]} {name}") in page, letter
    assert not re.search("MATHEMATICAL|DOUBLE-STRUCK", page), "the name of a letter in its place"
    for character in page:
        found = re.fullmatch(r"(DOUBLE-STRUCK|MATHEMATICAL .*?) (?:CAPITAL|SMALL|DIGIT) .*",
                             unicodedata.name(character, ""))
        assert found is None or found[1] in STYLES.values(), character


def _declared(tensor: md.Tensor) -> set[Any]:
    return {(t.name, t.shape, t.assume) for t in inputs_of([tensor])}


def _parsed(D: Derivation, text: str) -> md.Tensor:
    return md.parse(text, {t.name: t.shape for t in D.inputs},
                    {t.name: tuple(t.assume) for t in D.inputs})


def _same(found: md.Tensor, expected: md.Tensor) -> None:
    compared = 0
    for seed in range(4):
        at = instance([found, expected], seed, MANNERS[seed % 2])
        try:
            pair = at.value(found), at.value(expected)
        except np.linalg.LinAlgError:
            continue
        if np.all(np.isfinite(pair[1])):
            compared += 1
            scale = max(float(np.max(np.abs(pair[1]), initial=0)), 1e-3)
            np.testing.assert_allclose(*pair, rtol=0, atol=1e-8*scale)
    assert compared
