"""Reads the Unicode view back: a formula as a tensor, by the conventions that the view states.

A parser of its own: it shares nothing with the printer but the notation.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Any

import sympy
from sympy import KroneckerDelta, Rational

import mathdl as md
from mathdl.ir.tensor import Tensor
from mathdl.language.functions import FUNCTIONS
from mathdl.language.pointwise import pointwise
from mathdl.scalar import COMPARISONS

RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True))
LOWERED = dict(zip("ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ₊₋₀₁₂₃₄₅₆₇₈₉", "aehijklmnoprstuvx+-0123456789",
                   strict=True))
AXES = "ijkl"
HEADS = dict(zip(">≥<≤=≠", COMPARISONS, strict=True))
CALLED = {"tr": "trace", "norm": "norm2", "logΓ": "gammaln"}

TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d+)?(?:·10⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)?)"
    r"|(?P<delta>δ(?=[ᵢⱼₖₗᵣₛᵤᵥₚₘₙₒ]))"
    r"|(?P<logdet>log\|det\()"
    r"|(?P<name>(?:if|else)(?= )|[^\W\dₐ-ₜᵢ-ᵥⱼ⁰-₎∑∏√ᵀ²³¹]\u0302?\u0304?\u0303?"
    r"(?:[A-Za-z0-9_Α-ωϵ]|[₀-₉](?![ₓ]))*)"
    r"|(?P<low>[ₐ-ₜᵢ-ᵥⱼ₀-₉₊₋]+)"
    r"|(?P<mark>⁻ᵀ|⁻¹(?![⁰¹²³⁴⁵⁶⁷⁸⁹])|ᵀ|⁺|°)"
    r"|(?P<high>⁻?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)"
    r"|(?P<space> +)"
    r"|(?P<sign>‖_F|.)"
)


class Row:
    """A vector lying down; ``None`` is the row of ones that is as long as it must be."""

    def __init__(self, vector: Any) -> None:
        self.vector = vector


class Reader:
    """Reads one expression; ``names`` are the quantities by their spelling."""

    def __init__(self, text: str, names: Mapping[str, Any], letters: str = "") -> None:
        self.tokens = [(m.lastgroup, m[0]) for m in TOKEN.finditer(unicodedata.normalize(
            "NFC", text))]
        self.at = 0
        self.names = names
        self.letters = letters  # the indices that are free or summed over

    # -- tokens ---------------------------------------------------------------------------------

    @property
    def token(self) -> tuple[str | None, str]:
        return self.tokens[self.at] if self.at < len(self.tokens) else (None, "")

    def take(self, *texts: str) -> bool:
        """Past the next token if it is one of these; blanks around an operator go with it."""
        k = self.at + (self.token[0] == "space")
        if k < len(self.tokens) and self.tokens[k][1] in texts:
            closes = self.tokens[k][1] in (")", "]")
            self.at = k + 1
            self.at += self.token[0] == "space" and not closes
            return True
        return False

    def need(self, text: str) -> None:
        assert self.take(text), f"{text!r} expected, not {self.tokens[self.at:][:6]}"

    # -- from the loosest to the tightest -------------------------------------------------------

    def whole(self) -> Any:
        found = self.choice()
        assert self.at == len(self.tokens), self.tokens[self.at:]
        return self.standing(found)

    def standing(self, value: Any) -> Any:
        return value.vector if isinstance(value, Row) else value

    def choice(self) -> Any:
        yes = self.sum()
        if not self.take("if"):
            return yes
        test = self.relation()
        self.need("else")
        return FUNCTIONS["where"](test, yes, self.sum())

    def relation(self) -> Any:
        left = self.sum()
        sign = self.token[1] if self.token[0] != "space" else self.tokens[self.at + 1][1]
        assert self.take(*"<>≤≥=≠"), sign
        right = self.sum()
        return pointwise(HEADS[sign], left, right, what=sign)

    def sum(self) -> Any:
        value = -self.term() if self.take("−") else self.term()
        while True:
            if self.take("+"):
                value = value + self.term()
            elif self.take("−"):
                value = value - self.term()
            else:
                return value

    def term(self) -> Any:
        """Products entry by entry and quotients, of products side by side."""
        value = self.standing(self.beside())
        while True:
            if self.take("⊙"):
                value = value * self.standing(self.beside())
            elif self.take("/"):
                value = value / self.standing(self.tight())
            elif self.take("⊗"):
                value = md.kron(value, self.standing(self.beside()))
            else:
                return value

    def beside(self) -> Any:
        value = self.tight()
        while True:
            start = self.at
            self.take("·")
            blank = self.token[0] == "space"
            self.at += blank
            kind, text = self.token
            begins = kind in ("number", "name", "delta", "logdet") or text in ("(", "√", "∑", "∏")
            begins = begins or (text in ("‖", "|") and text not in self.bars)
            if not (begins or (blank and text == "[")) or text in ("if", "else", "mod"):
                self.at = start
                return value
            value = self.times(value, self.tight())

    def times(self, left: Any, right: Any) -> Any:
        a, b = (x.vector if isinstance(x, Row) else x for x in (left, right))
        if isinstance(right, Row):
            if left is ONES:  # 1 xᵀ
                return b[None, :]
            if not _ndim(left):
                return Row(a * b)
            assert _ndim(left) == 1
            assert not isinstance(left, Row)
            return left[:, None] if right is ONES_ROW else md.outer(left, b)
        if isinstance(left, Row):
            return Row(a @ b) if _ndim(b) == 2 else a @ b
        if not _ndim(a) or not _ndim(b):
            return a * b
        return a @ b

    # -- what stands tight ----------------------------------------------------------------------

    def tight(self) -> Any:
        if self.take("√"):
            return FUNCTIONS["sqrt"](self.tight())
        if self.take("∑", "∏"):
            return self.summed()
        value = self.atom()
        while True:
            kind, text = self.token
            if kind == "mark":
                self.at += 1
                value = self.marked(value, text)
            elif kind == "high":
                self.at += 1
                value = self.power(value, int("".join(RAISED[c] for c in text)))
            elif text == "^":
                self.at += 1
                value = self.power(value, self.atom())
            elif kind == "low":
                self.at += 1
                value = self.entry(value, self.indices([LOWERED[c] for c in text]))
            elif text == "[" and self.tokens[self.at - 1][0] != "space":
                value = self.indexed(value)
            else:
                return value

    def marked(self, value: Any, mark: str) -> Any:
        if mark == "ᵀ":
            if value is ONES:
                return ONES_ROW
            if _ndim(value) == 1:
                return Row(value)
            return value.T if _ndim(value) == 2 else md.transpose(
                value, [*range(_ndim(value) - 2), _ndim(value) - 1, _ndim(value) - 2])
        if mark == "°":
            assert _ndim(value) > 1
            self.entrywise = True
            return value
        if mark == "⁺":
            return FUNCTIONS["pinv"](value)
        if mark == "⁻¹" and _ndim(value) == 0:
            return value ** -1
        return FUNCTIONS["inv"](value).T if mark == "⁻ᵀ" else FUNCTIONS["inv"](value)

    def power(self, value: Any, exponent: Any) -> Any:
        assert _ndim(value) < 2 or self.entrywise, "a power of a matrix"
        self.entrywise = False
        return value**exponent

    entrywise = False  # whether ° was read
    bars: tuple[str, ...] = ()  # those that are open

    def entry(self, value: Any, index: tuple[Any, ...]) -> Any:
        return value[index]

    def indices(self, letters: list[str]) -> tuple[Any, ...]:
        return tuple(md.indices(c) for c in letters)

    def indexed(self, value: Any) -> Any:
        """``x[1:]``, ``A[:, ·]``, ``E[ids]``, ``Y[i−k,j]``."""
        self.need("[")
        items: list[Any] = []
        while True:
            parts: list[Any] = []
            colons = 0
            while self.token[1] not in (",", "]"):
                if self.take(":"):
                    colons += 1
                    parts += [None] * (colons + 1 - len(parts))
                elif self.take("·"):
                    parts.append("new")
                else:
                    parts[colons:] = [self.sum()]
            if colons:
                items.append(slice(*map(_plain, parts)))
            else:
                items.append(None if parts == ["new"] else _plain(parts[0]))
            if self.take("]"):
                return self.entry(value, tuple(items))
            self.need(",")

    def summed(self) -> Any:
        bound = [LOWERED[c] for c in self.token[1]]
        letters = self.indices(bound)
        self.letters += "".join(bound)
        self.at += 2  # and the blank
        body = self.term()
        for index in letters:
            body = md.Sum(body, index)
        return body

    def atom(self) -> Any:
        kind, text = self.token
        self.at += 1
        if kind == "number":
            return self.number(text)
        if kind == "delta":
            one, two = self.indices([LOWERED[c] for c in self.token[1]])
            self.at += 1
            return KroneckerDelta(one, two)
        if kind == "logdet":
            inner = self.choice()
            self.need(")")
            self.at += 1
            return FUNCTIONS["logdet"](inner)
        if kind == "name":
            return self.named(text)
        if text == "(":
            inner = self.standing(self.choice())
            assert self.token[1] == ")", self.tokens[self.at:][:5]
            self.at += 1
            return inner
        if text == "[":
            return self.bracket()
        if text in ("|", "‖"):
            self.bars = (*self.bars, text)
            inner = self.choice()
            self.bars = self.bars[:-1]
            frobenius = text == "‖" and _ndim(inner) > 1
            assert self.token[1] == ("‖_F" if frobenius else text)
            self.at += 1
            return FUNCTIONS["abs" if text == "|" else "norm2"](inner)
        raise AssertionError(f"{text!r} in {self.tokens}")

    def bracket(self) -> Any:
        """Iverson's bracket, or an array by its entries."""
        depth = end = 0
        for end in range(self.at, len(self.tokens)):
            depth += (self.tokens[end][1] in "([") - (self.tokens[end][1] in ")]")
            if depth < 0:
                break
        if self.tokens[end + 1 :] and self.tokens[end + 1][0] == "low":
            letters = [LOWERED[c] for c in self.tokens[end + 1][1]]
            self.letters += "".join(letters)
            body = self.choice()
            self.at += 2
            index = self.indices(letters)
            return md.equation("array", index, body)
        test = self.relation()
        self.at += 1
        return FUNCTIONS["where"](test, 1, 0)

    def number(self, text: str) -> Any:
        if self.token[0] == "low" and text in "01":
            sizes = [self.size(s) for s in self.token[1].split("ₓ")]
            self.at += 1
            return FUNCTIONS["ones" if text == "1" else "zeros"](*sizes)
        if text == "1" and self.token == ("mark", "ᵀ"):
            return ONES
        after = [*self.tokens[self.at : self.at + 2], (None, ""), (None, "")]
        if text == "1" and after[0][0] == "space" and (
            after[1][0] in ("name", "number") or after[1][1] == "("
        ) and after[1][1] not in ("if", "else"):
            return ONES  # no factor is the number 1
        digits, _, ten = text.partition("·10")
        if ten:
            return Rational(digits) * 10 ** sympy.Integer("".join(RAISED[c] for c in ten))
        return Rational(digits)

    def size(self, low: str) -> Any:
        text = "".join(LOWERED[c] for c in low)
        return int(text) if text.isdigit() else self.names[text]

    def named(self, text: str) -> Any:
        low = ""
        if text[0] == "I" and text[1:] and all(c in LOWERED for c in text[1:]):
            return FUNCTIONS["eye"](self.size(text[1:]))
        if text == "I" and self.token[0] == "low":
            self.at += 1
            return FUNCTIONS["eye"](self.size(self.tokens[self.at - 1][1]))
        if self.token[0] == "low" and self.tokens[self.at + 1 :][:1] == [("sign", "(")] and (
            CALLED.get(text, text) in FUNCTIONS
        ):
            low = self.token[1]
            self.at += 1
        if self.token[1] == "(" and CALLED.get(text, text) in FUNCTIONS:
            return self.call(text, low)
        if text in ("π", "e") and text not in self.names:
            return sympy.pi if text == "π" else sympy.E
        if text in self.letters:
            return md.indices(text)
        return self.names[text]

    def call(self, name: str, low: str) -> Any:
        self.at += 1
        arguments: list[Any] = []
        options: dict[str, Any] = {}
        while not self.take(")"):
            key = self.token[1]
            if self.tokens[self.at + 1][1] == "=":
                self.at += 2
                options[key] = _plain(self.listed())
            else:
                arguments.append(self.listed())
            self.take(",")
        if low:
            axes = tuple(AXES.index(LOWERED[c]) for c in low)
            options["axis"] = axes[0] if len(axes) == 1 else axes
        if name in ("max", "min") and len(arguments) == 2:
            name = {"max": "maximum", "min": "minimum"}[name]
        return FUNCTIONS[CALLED.get(name, name)](*arguments, **options)

    def listed(self) -> Any:
        """An argument, which may be several in brackets."""
        if self.token[1] not in ("[", "(") or (self.token[1] == "[" and self.tests()):
            return self.standing(self.choice())
        start, close = self.at, {"[": "]", "(": ")"}[self.token[1]]
        self.at += 1
        items = [self.standing(self.choice())]
        while self.take(","):
            items.append(self.standing(self.choice()))
        self.at += 1
        if close == ")" and len(items) == 1:
            self.at = start
            return self.standing(self.choice())
        return [_plain(i) for i in items]


    def tests(self) -> bool:
        """Whether the bracket that comes holds a relation or entries."""
        inside = "".join(text for _, text in self.tokens[self.at :])
        return re.match(r"\[[^,\]]* [<>≤≥≠=] |\[[^,]*\][ᵢⱼₖ]", inside) is not None


ONES = object()
ONES_ROW = Row(ONES)


def _ndim(value: Any) -> int:
    return value.ndim if isinstance(value, Tensor) else 0


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return int(value) if isinstance(value, sympy.Integer) else value


def read(text: str, names: Mapping[str, Any], letters: str = "") -> Any:
    """A line's right side as a tensor, or as an entry of one at the letters."""
    return Reader(text, names, letters).whole()
