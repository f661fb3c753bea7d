"""LaTeX as MathML, through ``latex2mathml``, which is imported when a page is written."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from mathdl.errors import UnsupportedError
from mathdl.extra import extra

_ENVIRONMENT = re.compile(r"\\begin\{(aligned|gathered)\}(.*)\\end\{\1\}\s*$", re.S)
_INNER = re.compile(r"\\begin\{(\w+)\}.*\\end\{\1\}|&", re.S)  # an environment within a line
_WORD = re.compile(r"\\(?:operatorname|mathrm)\{((?:[A-Za-z ]|\\_)*)\}")
_BARE_NORM = re.compile(r"(?<!\\left)(?<!\\right)\\([lr])Vert")
_MARKS = re.compile(r"<mo>(&#x022A4;|&#x02218;)</mo>")  # a transpose is a letter, not an operator
_BAR = '<mo stretchy="true">&#x000AF;</mo>'  # as short as a mark on a letter
_OVERLINE = "<mo>&#x0203E;</mo>"
_FUNCTIONS = re.compile(r"<mi>([a-z]{2,})</mi>")  # log, tanh: operators, for the space around them
_STYLED = re.compile(
    r'<(m[in]) mathvariant="(bold|bold-italic|script|double-struck)">([^<]+)</\1>'
)


def converter() -> Any:
    """The library that converts; raises MissingExtraError when it is not installed."""
    return extra("latex2mathml.converter", "HTML", "html")


def mathml(latex: str, display: bool = False) -> str:
    """A formula as a ``<math>`` element.

    Raises:
        MissingExtraError: latex2mathml is not installed.
        UnsupportedError: the formula cannot be converted.
    """
    convert = converter().convert
    try:
        made = convert(_words(latex), display="block" if display else "inline")
    except Exception as error:  # the library has no error of its own
        why = f"{type(error).__name__} {error}".strip()
        raise UnsupportedError(f"latex2mathml cannot read {latex!r}: {why}") from None
    marked = _MARKS.sub(r'<mi mathvariant="normal">\1</mi>', str(made))
    spaced = _FUNCTIONS.sub(r'<mo lspace="0.167em" rspace="0.167em">\1</mo>', marked)
    spaced = spaced.replace(_BAR, _OVERLINE)
    return _STYLED.sub(_styled, spaced)


def formula(latex: str) -> str:
    """A displayed formula: each line of an aligned one is a row, aligned at the first ``&``."""
    inner = latex.strip().strip("$").strip()
    found = _ENVIRONMENT.fullmatch(inner)
    if found is None:
        return f'<div class="formula">{mathml(inner, display=True)}</div>'
    lines = (line.partition("&") for line in re.split(r"\\\\\s*\n", found[2].strip()))
    return aligned((left, _INNER.sub(_kept, right)) for left, _, right in lines)


def _kept(match: re.Match[str]) -> str:
    """What is within an inner environment, and nothing for an alignment outside."""
    return "" if match[0] == "&" else match[0]


def aligned(rows: Iterable[tuple[str, str]]) -> str:
    """Displayed formulas in two columns: left sides, and right sides that begin with ``=``."""
    shown = "".join(
        "<tr>" + "".join(f"<td>{large(side)}</td>" for side in sides) + "</tr>" for sides in rows
    )
    return f'<div class="formula"><table>{shown}</table></div>'


def large(latex: str) -> str:
    """A formula in its displayed size that stands in a line or a cell; nothing for nothing."""
    return mathml(rf"\displaystyle {latex}") if latex.strip() else ""


def paragraph(text: str) -> str:
    """Prose with LaTeX between dollars, as HTML."""
    parts = text.split("$")
    return "".join(
        mathml(part) if k % 2 else html.escape(part) for k, part in enumerate(parts)
    )


def _words(latex: str) -> str:
    r"""What the library reads better: ``\text{log_softmax}``, norms in brackets that match, words
    for ``\arg\min``.
    """
    latex = latex.replace(r"\arg\min", r"\operatorname{arg min}")
    worded = _WORD.sub(lambda m: r"\text{" + m[1].replace(r"\_", "_") + "}", latex)
    return _BARE_NORM.sub(lambda m: (r"\left" if m[1] == "l" else r"\right") + m[0], worded)


def _styled(match: re.Match[str]) -> str:
    """Styled letters as characters of their own, which every browser has; the attribute few."""
    style = match[2].upper()
    letters = "".join(_letter(c, style) for c in html.unescape(match[3]))
    return f"<{match[1]}>{letters}</{match[1]}>"


def _letter(character: str, style: str) -> str:
    name = unicodedata.name(character, "")
    short = re.sub(r"^(GREEK|LATIN) | LETTER", "", name)
    for kind in (f"MATHEMATICAL {style}", style, f"MATHEMATICAL {style.replace('-', ' ')}",
                 "MATHEMATICAL BOLD"):
        try:
            return unicodedata.lookup(f"{kind} {short}")
        except KeyError:
            continue
    return character
