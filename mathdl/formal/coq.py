"""Terms as Coq text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from sympy import (
    Add,
    And,
    E,
    Eq,
    GreaterThan,
    Integer,
    KroneckerDelta,
    LessThan,
    Mod,
    Mul,
    Ne,
    Or,
    Piecewise,
    Pow,
    Rational,
    StrictGreaterThan,
    StrictLessThan,
    Symbol,
    floor,
    pi,
    sympify,
)

from mathdl.errors import UnsupportedError
from mathdl.formal.extremes import FOLDED
from mathdl.formal.indices import PLUS, compared
from mathdl.formal.terms import SUM, Fold, is_entry
from mathdl.ir.index import out_indices
from mathdl.scalar.declare import ScalarFunction, of_head

#: Declared functions that have a name of their own in Coq, or in the library.
NAMES = {
    "abs": "Rabs", "log": "ln", "arcsin": "asin", "arccos": "acos", "arctan": "atan",
    "gt": "is_gt", "ge": "is_ge", "lt": "is_lt", "le": "is_le", "eq": "is_eq", "ne": "is_ne",
    "where": "choose",
}
WORDS = """
    R nat S O I t t0 derivative theorems PI INR IZR pow sumf maxf minf prodf delta det inv
    logdet cholesky pivot bell known side pos nz close Rpower Rdiv Rinv Rplus Rmult RInt Rlt_dec
    Req_EM_T fun forall exists let in if then else match with end as at return Type Prop Set where
    cofix fix using
"""
#: What no quantity and no function may be called.
RESERVED = frozenset(WORDS.split())
#: Levels of precedence in Coq: the lower, the tighter.
APPLIED, POWER, SIGNED, PRODUCT, SUMMED, COMPARED, ANY = 10, 30, 35, 40, 50, 70, 200


def function_name(function: ScalarFunction) -> str:
    """What a declared function is called in Coq."""
    name = NAMES.get(function.name, function.name)
    return f"{name}_" if name in RESERVED else name




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
    if is_entry(expr) and expr.is_integer:
        text = " ".join([expr.func.__name__, *map(nat, expr.args)])
        return f"({text})" if " " in text else text
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


def put_in(text: str, index: Sequence[Any]) -> str:
    """A text over the canonical output indices at other ones."""
    places = dict(zip(map(str, out_indices(len(index))), map(nat, index), strict=True))
    return re.sub(r"\w+", lambda m: places.get(m[0], m[0]), text)


class Text:
    """Prints terms; ``heads`` says what stands for the name of a tensor, with its arguments.

    ``written`` are tensors whose entries are written out, by a function that prints them where
    a level of precedence fits.  Brackets are around all that is compound, or, where ``spare``,
    around what would be read otherwise.
    """

    def __init__(self, heads: dict[str, str],
                 written: Callable[[Any, int], str | None] | None = None,
                 spare: bool = False) -> None:
        self.heads, self.written, self.spare = heads, written, spare

    def real(self, term: Any, level: int = 0) -> str:
        """A term of R, in brackets where it binds less than ``level`` (the lower, the tighter)."""
        if is_entry(term) and self.written is not None:
            found = self.written(term, level)
            if found is not None:
                return found
        return self._fitted(*self._shown(term), level)

    def _fitted(self, text: str, own: int, level: int) -> str:
        fits = own <= level if self.spare else own == 0
        return text if fits else f"({text})"

    def _shown(self, term: Any) -> tuple[str, int]:
        """The text and its level of precedence in Coq."""
        if is_entry(term):
            name = term.func.__name__
            text = " ".join([self.heads.get(name, name), *map(nat, term.args)])
            if term.is_integer:
                return f"INR ({text})" if " " in text else f"INR {text}", APPLIED
            return text, APPLIED if " " in text else 0
        if isinstance(term, SUM):
            dim, symbol, body = term.args
            return f"sumf {nat(dim)} (fun {symbol.name} => {self.real(body, ANY)})", APPLIED
        if isinstance(term, Fold):
            dim, symbol, body = term.args
            text = f"{FOLDED[type(term)]} {nat(dim)} (fun {symbol.name} => {self.real(body, ANY)})"
            return text, APPLIED
        if isinstance(term, Integer):
            return str(term), 0 if term >= 0 else SIGNED
        if isinstance(term, Rational):
            return f"{term.p} / {term.q}", PRODUCT
        if term is pi:
            return "PI", 0
        if term is E:
            return "exp 1", APPLIED
        if isinstance(term, Symbol):
            return f"INR {term.name}", APPLIED
        if isinstance(term, Add):
            return self._sum(term), SUMMED
        if isinstance(term, Mul):
            return self._product(term)
        if isinstance(term, Pow):
            return self._power(*term.args)
        if isinstance(term, KroneckerDelta):
            return f"delta {' '.join(map(nat, compared(term)))}", APPLIED
        if isinstance(term, Piecewise):
            return self._cases(term.args), ANY
        declared = of_head(type(term))
        if declared is None:
            raise UnsupportedError(
                f"no certificate for the function {type(term).__name__}: it is not declared")
        arguments = " ".join(self.real(a) for a in term.args)
        return f"{function_name(declared)} {arguments}", APPLIED

    def _cases(self, cases: Sequence[Any]) -> str:
        """The first case whose condition holds; the last one holds always."""
        (value, condition), *others = cases
        if not others:
            return self.real(value)
        return self._choice(condition, self.real(value), self._cases(others))

    def _choice(self, condition: Any, yes: str, no: str) -> str:
        """``yes`` where a condition on reals holds, else ``no``."""
        if isinstance(condition, (And, Or)):
            first, *others = condition.args
            rest = condition.func(*others) if len(others) > 1 else others[0]
            inner = f"({self._choice(rest, yes, no)})"
            both = isinstance(condition, And)
            return self._choice(first, inner if both else yes, no if both else inner)
        left, right = (self.real(a) for a in condition.args)
        if isinstance(condition, StrictLessThan):
            return f"if Rlt_dec {left} {right} then {yes} else {no}"
        if isinstance(condition, StrictGreaterThan):
            return f"if Rlt_dec {right} {left} then {yes} else {no}"
        if isinstance(condition, LessThan):
            return f"if Rlt_dec {right} {left} then {no} else {yes}"
        if isinstance(condition, GreaterThan):
            return f"if Rlt_dec {left} {right} then {no} else {yes}"
        if isinstance(condition, Eq):
            return f"if Req_EM_T {left} {right} then {yes} else {no}"
        if isinstance(condition, Ne):
            return f"if Req_EM_T {left} {right} then {no} else {yes}"
        raise UnsupportedError(f"no certificate for the condition {condition}")

    def _sum(self, term: Any) -> str:
        parts = sorted(term.args, key=lambda part: bool(part.could_extract_minus_sign()))
        text = self.real(parts[0], SUMMED)
        for part in parts[1:]:
            if part.could_extract_minus_sign():
                text += f" - {self.real(-part, SUMMED - 1)}"
            else:
                text += f" + {self.real(part, SUMMED - 1)}"
        return text

    def _product(self, term: Any) -> tuple[str, int]:
        if term.args[0] == -1:
            return f"- {self.real(-term, SIGNED)}", SIGNED
        top = sorted((a for a in term.args if not _inverse(a)), key=_late)
        bottom = [1 / a for a in term.args if _inverse(a)]
        text = " * ".join(self.real(a, PRODUCT - (k > 0)) for k, a in enumerate(top)) or "1"
        return text + "".join(f" / {self.real(a, PRODUCT - 1)}" for a in bottom), PRODUCT

    def _power(self, base: Any, exponent: Any) -> tuple[str, int]:
        if isinstance(exponent, Integer):
            if exponent < 0:
                return f"/ {self.real(base ** -exponent, SIGNED)}", SIGNED
            return f"{self.real(base, POWER - 1)} ^ {exponent}", POWER
        if isinstance(exponent, Rational) and exponent.q == 2:
            whole = abs(exponent) - Rational(1, 2)
            root = self._fitted(f"sqrt {self.real(base)}", APPLIED, SIGNED)
            if not whole:
                return (f"sqrt {self.real(base)}", APPLIED) if exponent > 0 else (
                    f"/ {root}", SIGNED)
            power = self.real(base ** whole, PRODUCT - 1)
            return (f"{power} * {root}" if exponent > 0 else f"/ {root} / {power}"), PRODUCT
        return f"Rpower {self.real(base)} {self.real(exponent)}", APPLIED


def _late(factor: Any) -> bool:
    """Deltas stand before what they choose."""
    return not isinstance(factor, (KroneckerDelta, Rational))


def _inverse(factor: Any) -> bool:
    return isinstance(factor, Pow) and isinstance(factor.args[1], Rational) and factor.args[1] < 0
