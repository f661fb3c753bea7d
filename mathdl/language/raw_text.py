"""What is checked on the raw text before Python's grammar sees it: size, characters, depth."""

from __future__ import annotations

import re

from mathdl.errors import ParseError

MAX_TEXT = 20_000
MAX_DEPTH = 60
MAX_DIGITS = 60
MAX_DECIMAL_EXPONENT = 300

_HINTS = {
    "^": "write ** for a power",
    "%": "there is no remainder",
    "~": "there is no bitwise operator",
    "&": "there is no bitwise operator",
    "|": "write abs(x) for an absolute value",
    "{": "there are no sets and dicts",
    "#": "there are no comments",
    "\u2212": "write - for minus",
    "\u00d7": "write * for a product",
    "\u00b7": "write * for a product",
    "\u22c5": "write * for a product",
    "\u00b2": "write **2 for a square",
    "\u03c0": "write pi",
}
_OPENING, _CLOSING = "([", ")]"
_ALLOWED = re.compile(r"[A-Za-z0-9_ \t\n+\-*/@()\[\],.:;=<>!\"']*")
_UNARY_RUN = re.compile(r"(?:[-+][ \t(]*){31,}")


def place(text: str, position: int) -> str:
    """``column 5``, or ``line 2, column 5`` of text with several lines; both count from 1."""
    line = text.count("\n", 0, position)
    column = position - (text.rfind("\n", 0, position) + 1) + 1
    return f"line {line + 1}, column {column}" if "\n" in text.strip() else f"column {column}"


def check_text(text: object) -> str:
    """``text`` if it is short, ASCII, balanced and not nested deeply.

    Raises ParseError with the place otherwise.
    """
    if not isinstance(text, str):
        raise ParseError(f"an expression is text, not {type(text).__name__}")
    if len(text) > MAX_TEXT:
        raise ParseError(f"the text has {len(text)} characters; at most {MAX_TEXT} are read")
    text = text.replace("\r\n", "\n")
    if not text.strip():
        raise ParseError("the text is empty; write an expression such as sum(x**2)")
    allowed = _ALLOWED.match(text)
    end = allowed.end() if allowed else 0
    if end < len(text):
        character = text[end]
        hint = _HINTS.get(character, "write ASCII letters, digits and operators")
        shown = repr(character) if character.isascii() else f"U+{ord(character):04X}"
        raise ParseError(
            f"{place(text, end)}: the character {shown} is not in the language; {hint}"
        )
    run = _UNARY_RUN.search(text)
    if run:
        raise ParseError(f"{place(text, run.start())}: too many signs in a row")
    _check_brackets(text)
    return text


def _check_brackets(text: str) -> None:
    stack: list[int] = []
    quote = ""
    for at, character in enumerate(text):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character in _OPENING:
            stack.append(at)
            if len(stack) > MAX_DEPTH:
                raise ParseError(f"{place(text, at)}: brackets are nested deeper than {MAX_DEPTH}")
        elif character in _CLOSING:
            expected = _CLOSING[_OPENING.index(text[stack[-1]])] if stack else ""
            if character != expected:
                raise ParseError(
                    f"{place(text, at)}: {character!r} closes nothing"
                    if not stack
                    else f"{place(text, at)}: {character!r} where {expected!r} is expected"
                )
            stack.pop()
    if quote:
        raise ParseError(f"{place(text, text.rfind(quote))}: the string is not closed")
    if stack:
        raise ParseError(f"{place(text, stack[-1])}: {text[stack[-1]]!r} is not closed")


_NUMBER = re.compile(r"([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,6}))?")


def check_number(literal: str, where: str) -> str:
    """A decimal literal that is neither long nor beyond the range of floats."""
    match = _NUMBER.fullmatch(literal)
    if match is None:
        raise ParseError(f"{where}: {literal[:40]!r} is not a decimal number")
    digits = len(match[1] + match[2])
    exponent = int(match[3] or 0)
    if digits > MAX_DIGITS or abs(exponent) > MAX_DECIMAL_EXPONENT:
        shown = literal if len(literal) < 24 else literal[:21] + "..."
        raise ParseError(
            f"{where}: the number {shown} is too long; at most {MAX_DIGITS} digits and an "
            f"exponent up to {MAX_DECIMAL_EXPONENT} are read"
        )
    return literal
