"""Breaking formulas between terms, never inside a name, and setting them in a given width."""

from __future__ import annotations

import shutil
import textwrap
from collections.abc import Sequence

from mathdl.errors import InputError
from mathdl.present.glyphs import cells

NARROWEST, WIDEST = 80, 120  # of what is taken from the terminal
LEAST = 40
_FULL = 0.25  # of a line must be used before a break is looked for inside brackets
_BEFORE = {"=": 0, "+": 1, "−": 1, "⊙": 2, "⊗": 2}  # breaks, the best first


def width_of(width: int | None) -> int:
    """The width asked for, or that of the terminal within bounds."""
    if width is None:
        return min(max(shutil.get_terminal_size().columns, NARROWEST), WIDEST)
    if width < LEAST:
        raise InputError(f"a width is at least {LEAST} cells, not {width}")
    return width


def wrapped(text: str, width: int, first: int | None = None) -> list[str]:
    """The text in lines of at most ``width`` cells, broken at spaces only.

    Breaks are before ``=``, ``+`` and ``−`` outside of brackets where they can be.  ``first`` is
    the width of the first line.
    """
    lines: list[str] = []
    room = width if first is None else first
    while cells(text) > room:
        at = _break(text, room)
        if at is None:
            break
        lines.append(text[:at].rstrip())
        text, room = text[at:].lstrip(), width
    return [*lines, text]


def _break(text: str, room: int) -> int | None:
    """Where the text is broken best within the room; at its first space when none is there."""
    found = _spaces(text)
    inside = [s for s in found if cells(text[: s[0]]) <= room]
    if not inside:
        return found[0][0] if found else None
    wide = [s for s in inside if cells(text[: s[0]]) >= _FULL * room]
    return min(wide or inside, key=lambda s: (s[1], s[2], -s[0]))[0]


def _spaces(text: str) -> list[tuple[int, int, int]]:
    """The spaces with how many brackets are around and what kind of break each is."""
    found = []
    depth = 0
    for k, c in enumerate(text):
        depth += (c in "([⌊") - (c in ")]⌋")
        if c == " " and 0 < k < len(text) - 1:
            kind = 3 if text[k - 1] == "," else 4
            if text[k - 1] not in _BEFORE:
                found.append((k, depth, _BEFORE.get(text[k + 1], kind)))
    return found


def prose(text: str, width: int, indent: int = 0) -> list[str]:
    """Words in lines; a mark counts as a cell, so that lines are rather short."""
    return [" " * indent + line for line in textwrap.wrap(text, width - indent)]


def hanging(text: str, width: int, indent: int = 0) -> list[str]:
    """The lines of an equation, the later ones after its ``=``, all indented."""
    room = width - indent
    left, equals, _ = text.partition(" = ")
    after = cells(left) + 1 if equals and cells(left) < room // 3 else 4
    one, *more = wrapped(text, room - after, room)
    return [" " * indent + one, *(" " * (indent + after) + line for line in more)]


def noted(lines: Sequence[str], note: str, column: int, width: int) -> list[str]:
    """Lines with a note in the column, or below them where it does not fit."""
    lines = list(lines)
    if not note:
        return lines
    at = max(min(column, width - cells(note)), cells(lines[-1]) + 3)
    if at + cells(note) <= width:
        lines[-1] += " " * (at - cells(lines[-1])) + note
        return lines
    indent = min(column, max(width - cells(note), width // 4))
    return [*lines, *prose(note, width, indent)]


def boxed(lines: Sequence[str]) -> list[str]:
    """Lines in a frame."""
    across = max(map(cells, lines))
    bar = "─" * (across + 2)
    inner = [f"│ {line}{' ' * (across - cells(line))} │" for line in lines]
    return [f"┌{bar}┐", *inner, f"└{bar}┘"]
