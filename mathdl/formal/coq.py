"""Terms as Coq text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import (
    Add,
    E,
    Integer,
    KroneckerDelta,
    Mod,
    Mul,
    Pow,
    Rational,
    Symbol,
    cos,
    cosh,
    exp,
    floor,
    log,
    pi,
    sin,
    sinh,
    sympify,
    tanh,
)
from sympy.functions.elementary.trigonometric import atan

from mathdl.errors import UnsupportedError
from mathdl.formal.terms import PLUS, SUM, is_entry
from mathdl.scalar.declare import of_head

#: Heads with a name in Coq's or our library.
HEADS = {
    exp: "exp", log: "ln", sin: "sin", cos: "cos", tanh: "tanh", sinh: "sinh", cosh: "cosh",
    atan: "atan",
}
NAMED = {
    "abs": "Rabs", "gt": "is_gt", "ge": "is_ge", "lt": "is_lt", "le": "is_le", "eq": "is_eq",
    "ne": "is_ne", "where": "choose", "sigmoid": "sigmoid", "softplus": "softplus",
    "log_sigmoid": "log_sigmoid", "silu": "silu", "softsign": "softsign", "expm1": "expm1",
    "log1p": "log1p", "log1mexp": "log1mexp", "log_cosh": "log_cosh", "relu": "relu",
    "leaky_relu": "leaky_relu", "elu": "elu", "maximum": "maximum", "minimum": "minimum",
    "hardtanh": "hardtanh", "clip": "clip", "sign": "sign", "xlogy": "xlogy",
    "normal_pdf": "normal_pdf", "normal_cdf": "normal_cdf", "gelu": "gelu",
}
INDEX_HEADS = {"gt", "ge", "lt", "le", "eq", "ne"}


def nat(expr: Any) -> str:
    """An index or a dim, in Coq's natural numbers."""
    text = _nat(sympify(expr))
    if text.isidentifier():
        return text
    return f"{text}%nat" if text.isdigit() else f"({text})%nat"


def _nat(expr: Any) -> str:
    if isinstance(expr, Symbol):
        return str(expr.name)
    if isinstance(expr, Integer):
        return str(expr)
    if isinstance(expr, (Add, PLUS)):
        plus = [t for t in expr.args if not t.could_extract_minus_sign()]
        minus = [-t for t in expr.args if t.could_extract_minus_sign()]
        text = " + ".join(_nat(t) for t in plus)
        return f"({text}{''.join(f' - {_nat(t)}' for t in minus)})"
    if isinstance(expr, Mul) and all(a.is_integer for a in expr.args):
        return "(" + " * ".join(_nat(a) for a in expr.args) + ")"
    if isinstance(expr, floor) and expr.args[0].is_Mul:
        top, bottom = expr.args[0].as_numer_denom()
        return f"({_nat(top)} / {_nat(bottom)})"
    if isinstance(expr, Mod):
        return f"({_nat(expr.args[0])} mod {_nat(expr.args[1])})"
    raise UnsupportedError(f"the index {expr} has no certificate yet")


class Text:
    """Prints terms; ``heads`` says what stands for the name of a tensor, with its arguments.

    ``written`` are tensors whose entries are written out, by a function that prints them.
    """

    def __init__(self, heads: dict[str, str],
                 written: Callable[[Any], str | None] | None = None) -> None:
        self.heads, self.written = heads, written

    def real(self, term: Any) -> str:
        """A term of R, in brackets where it is compound."""
        if is_entry(term):
            if self.written is not None and (found := self.written(term)) is not None:
                return found
            name = term.func.__name__
            text = " ".join([self.heads.get(name, name), *map(nat, term.args)])
            return f"({text})" if " " in text else text
        if isinstance(term, SUM):
            dim, symbol, body = term.args
            return f"(sumf {nat(dim)} (fun {symbol.name} => {self.real(body)}))"
        if isinstance(term, Integer):
            return str(term) if term >= 0 else f"({term})"
        if isinstance(term, Rational):
            return f"({term.p} / {term.q})"
        if term is pi:
            return "PI"
        if term is E:
            return "(exp 1)"
        if isinstance(term, Symbol):
            return f"(INR {term.name})"
        if isinstance(term, Add):
            return self._sum(term)
        if isinstance(term, Mul):
            return self._product(term)
        if isinstance(term, Pow):
            return self._power(*term.args)
        if isinstance(term, KroneckerDelta):
            return f"(delta {' '.join(nat(a) for a in term.args)})"
        if type(term) in HEADS:
            return f"({HEADS[type(term)]} {self.real(term.args[0])})"
        name = getattr(of_head(type(term)), "name", None)
        if name in NAMED:
            return f"({NAMED[name]} {' '.join(self.real(a) for a in term.args)})"
        raise UnsupportedError(
            f"no certificate for the function {name or type(term).__name__}: Coq's library has "
            "no derivative for it"
        )

    def _sum(self, term: Any) -> str:
        text = ""
        for part in term.args:
            if not text:
                text = self.real(part)
            elif part.could_extract_minus_sign():
                text += f" - {self.real(-part)}"
            else:
                text += f" + {self.real(part)}"
        return f"({text})"

    def _product(self, term: Any) -> str:
        if term.args[0] == -1:
            return f"(- {self.real(-term)})"
        top = [a for a in term.args if not _inverse(a)]
        bottom = [1 / a for a in term.args if _inverse(a)]
        text = " * ".join(self.real(a) for a in top) or "1"
        for a in bottom:
            text += f" / {self.real(a)}"
        return f"({text})"

    def _power(self, base: Any, exponent: Any) -> str:
        if isinstance(exponent, Integer):
            if exponent == -1:
                return f"(/ {self.real(base)})"
            if exponent < 0:
                return f"(/ {self.real(base ** -exponent)})"
            return f"({self.real(base)} ^ {exponent})"
        if exponent == Rational(1, 2):
            return f"(sqrt {self.real(base)})"
        if isinstance(exponent, Rational) and exponent.q == 2:
            whole = exponent - Rational(1, 2) if exponent > 0 else exponent + Rational(1, 2)
            root = f"(sqrt {self.real(base)})"
            if exponent > 0:
                return f"({self.real(base ** whole)} * {root})"
            rest = f" / {self.real(base ** -whole)}" if whole else ""
            return f"(/ {root}{rest})"
        return f"(Rpower {self.real(base)} {self.real(exponent)})"


def _inverse(factor: Any) -> bool:
    return isinstance(factor, Pow) and isinstance(factor.args[1], Rational) and factor.args[1] < 0
