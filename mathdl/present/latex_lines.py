r"""How wide a formula is, and breaking it into lines.

Widths are in em, of Computer Modern in display style, from above: what fits by them fits.  A line
is broken before a sign or a relation, as far outside of brackets as may be; brackets whose two
halves come to stand on different lines get a fixed size.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN = re.compile(
    r"\\(?:begin|end)\{[a-z]+\}|\\operatorname\{(?:[^{}]|\\_)*\}|\\[A-Za-z]+|\\.|[{}^_&]|\s+|."
)
BINARY = frozenset({"+", "-", r"\odot", r"\otimes", r"\cdot", r"\bmod"})
RELATIONS = frozenset({"=", "<", ">", r"\le", r"\ge", r"\ne"})
SPACES = {r"\,": 0.17, r"\quad": 1.0, r"\qquad": 2.0, r"\;": 0.28}
OPERATORS = re.compile(r"\\(?:operatorname\{(.*)\}|(log|tanh|sin|cos|cosh|sinh|exp|det|max|min))$")
BIG = frozenset({r"\frac", r"\sum", r"\prod", r"\sqrt", r"\begin{cases}", r"\begin{bmatrix}"})
SCRIPT = 0.75  # of the size, with the space around
FIRST = 0.35  # a line that ends before this part of its width was broken too early
INDENT = 1.0  # of the lines after the first, with what an infix sign adds there


@dataclass(frozen=True)
class Piece:
    """Something that is not broken: its text, its width, how many brackets it stands in."""

    text: str
    width: float
    depth: int

    @property
    def opens(self) -> bool:
        return self.text.startswith(r"\left")

    @property
    def closes(self) -> bool:
        return self.text.startswith(r"\right")

    @property
    def is_sign(self) -> bool:
        return self.text in BINARY or self.text in RELATIONS


def width(latex: str) -> float:
    """The width of a formula in em."""
    return sum(piece.width for piece in pieces(latex))


def broken(latex: str, room: float) -> list[str]:
    """Lines no wider than the room, where that can be had by breaking at signs."""
    found = pieces(latex)
    starts = _starts(found, room)
    if len(starts) == 1:
        return [latex]
    cuts = {k: line for line, k in enumerate(starts)}
    sizes = _across(found, starts)
    lines: list[list[str]] = []
    for k, piece in enumerate(found):
        if k in cuts:
            lines.append(["{}"] if k and piece.is_sign else [])
        lines[-1].append(sizes.get(k, piece.text))
    return [" ".join(line) for line in lines]


def _starts(found: Sequence[Piece], room: float) -> list[int]:
    """Where lines start: the outermost break that fits and leaves no line short, or the last.

    What stands apart at the end, as ``0 \\le i < n`` does, is not broken.
    """
    starts, begin = [0], 0
    apart = [k for k in range(1, len(found)) if found[k - 1].text == r"\quad"]
    ends = min(apart, default=len(found))
    while True:
        space = room if len(starts) == 1 else room - INDENT
        used, fits = 0.0, []
        for k in range(begin, len(found)):
            if k > begin and used <= space and (k in apart or (
                k < ends and _may_start(found[k - 1], found[k])
            )):
                fits.append((-1 if k in apart else found[k].depth, used, k))
            used += found[k].width
        if used <= space or not fits:
            return starts
        ample = [f for f in fits if f[1] >= FIRST * space] or fits
        least = min(depth for depth, *_ in ample)
        begin = max(k for depth, _, k in ample if depth == least)
        starts.append(begin)


def _may_start(before: Piece, piece: Piece) -> bool:
    """Whether a line may start here: with a sign between two operands."""
    return piece.is_sign and not (before.opens or before.is_sign)


def _across(found: Sequence[Piece], starts: Sequence[int]) -> dict[int, str]:
    """Brackets whose halves are on different lines, with a fixed size."""
    line_of = {k: sum(s <= k for s in starts) for k in range(len(found))}
    sizes: dict[int, str] = {}
    stack: list[int] = []
    for k, piece in enumerate(found):
        if piece.opens:
            stack.append(k)
        elif piece.closes:
            start = stack.pop()
            if line_of[start] != line_of[k]:
                inside = " ".join(p.text for p in found[start + 1 : k])
                size = "bigg" if any(b in inside for b in BIG) else "big"
                sizes[start] = found[start].text.replace(r"\left", rf"\{size}l", 1)
                sizes[k] = piece.text.replace(r"\right", rf"\{size}r", 1)
    return sizes


# -- pieces ------------------------------------------------------------------------------------


def pieces(latex: str) -> list[Piece]:
    """The formula as pieces, with brackets apart from what is in them."""
    return _Reader(latex).pieces()


class _Reader:
    """Reads LaTeX token by token; widths of groups are those of their pieces."""

    def __init__(self, latex: str) -> None:
        self.tokens: list[str] = [t for t in TOKEN.findall(latex) if not t.isspace()]
        self.at = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return str(self.tokens[self.at - 1])

    def pieces(self) -> list[Piece]:
        found: list[Piece] = []
        depth = 0
        while self.peek():
            token = self.next()
            if token == r"\right":
                depth -= 1
            if token in (r"\left", r"\right"):
                found.append(Piece(f"{token}{self.next()}", 0.7, depth))
                if token == r"\left":
                    depth += 1
                elif self.peek() in ("^", "_"):
                    text, wide = self.scripts()
                    found[-1] = Piece(found[-1].text + text, 0.7 + wide, depth)
                continue
            text, wide = self.atom(token)
            below, more = self.scripts()
            if token in (r"\sum", r"\prod"):
                more = max(0.0, more / 2 - wide)  # above and below, not beside
            sign = token in BINARY and found and not (found[-1].opens or found[-1].is_sign)
            found.append(Piece(text + below, (1.23 if sign else wide) + more, depth))
        return found

    def scripts(self) -> tuple[str, float]:
        """Subscripts and superscripts, one above the other."""
        text, wide = "", [0.0]
        while self.peek() in ("^", "_"):
            mark = self.next()
            inner, inside = self.atom(self.next())
            text += mark + inner
            wide.append(SCRIPT * inside + 0.05)
        return text, sum(wide)

    def atom(self, token: str) -> tuple[str, float]:
        """A token with its arguments, and the width."""
        named = OPERATORS.fullmatch(token)
        if named:
            word = str(named[1] or named[2]).replace("\\", "")
            return token, 0.55 * len(word) + 0.35
        if token == "{":
            text, wide = self.group()
            return f"{{{text}}}", wide
        if token in (r"\frac",):
            (above, up), (below, down) = self.argument(), self.argument()
            return rf"\frac{above}{below}", max(up, down) + 0.3
        if token in (r"\mathbf", r"\boldsymbol", r"\mathbb"):
            text, wide = self.argument()
            return token + text, max(wide, 0.9 if "\\" in text else sum(map(_bold, text)))
        if token in (r"\mathit", r"\mathrm", r"\text"):
            text, wide = self.argument()
            return token + text, wide
        if token in (r"\hat", r"\bar", r"\tilde", r"\sqrt"):
            text, wide = self.argument()
            return token + text, wide + (0.9 if token == r"\sqrt" else 0.1)
        if token.startswith(r"\begin"):
            return self.environment(token)
        return token, _simple(token)

    def argument(self) -> tuple[str, float]:
        text, wide = self.atom(self.next())
        return (text if text.startswith("{") else f"{{{text}}}"), wide

    def group(self) -> tuple[str, float]:
        level, start = 1, self.at
        while level:
            token = self.next()
            level += (token == "{") - (token == "}")
        text = " ".join(self.tokens[start : self.at - 1])
        return text, width(text)

    def environment(self, begin: str) -> tuple[str, float]:
        """Rows between begin and end: the widest cells of each column side by side."""
        level, start = 1, self.at
        rows: list[list[list[str]]] = [[[]]]
        while True:
            token = self.next()
            level += token.startswith(r"\begin") - token.startswith(r"\end")
            if not level:
                break
            if level == 1 and token == r"\\":
                rows.append([[]])
            elif level == 1 and token == "&":
                rows[-1].append([])
            else:
                rows[-1][-1].append(token)
        columns = [max(width(" ".join(row[k])) for row in rows if k < len(row))
                   for k in range(max(map(len, rows)))]
        text = " ".join([begin, *self.tokens[start : self.at]])
        return text, sum(columns) + len(columns) + 0.9


def _bold(character: str) -> float:
    if character in "WM":
        return 1.2
    return 0.92 if character.isupper() else 0.66 if character.isalnum() else 0.0


def _simple(token: str) -> float:
    if token in SPACES:
        return SPACES[token]
    if token in RELATIONS:
        return 1.34
    if token in BINARY:
        return 0.8
    if token in (r"\sum", r"\prod"):
        return 1.65
    if token in "()[],.|:;!'":
        return 0.45
    if token in (r"\lVert", r"\rVert", r"\lfloor", r"\rfloor"):
        return 0.52
    if token.startswith("\\"):
        return 0.8 if token[1:2].isupper() or token in (r"\top", r"\times") else 0.66
    return 0.8 if token.isupper() or token in "mw" else 0.56
