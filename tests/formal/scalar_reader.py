"""A reader of Coq's real-valued expressions, independent of the printer: text to numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import mpmath

Environment = dict[str, Any]
Value = Callable[[Environment], Any]

TOKEN = re.compile(r"\s*([A-Za-z_][\w']*|\d+|:=|=>|[()+\-*/^:])")

#: What Coq's library means, with Coq's values where others have none.
COQ: Environment = {
    "PI": mpmath.pi, "exp": mpmath.exp, "sin": mpmath.sin, "cos": mpmath.cos, "tan": mpmath.tan,
    "ln": lambda x: mpmath.log(x) if x > 0 else mpmath.mpf(0),
    "sqrt": lambda x: mpmath.sqrt(x) if x > 0 else mpmath.mpf(0),
    "sinh": mpmath.sinh, "cosh": mpmath.cosh, "tanh": mpmath.tanh, "asin": mpmath.asin,
    "acos": mpmath.acos, "atan": mpmath.atan, "Rabs": abs,
    "Rlt_dec": lambda x: lambda y: x < y, "Req_EM_T": lambda x: lambda y: x == y,
    "RInt": lambda f: lambda a: lambda b: mpmath.quad(f, mpmath.linspace(a, b, 9)),
}


class Reader:
    """Recursive descent: ``if``, sums, products, signs, powers, application, atoms."""

    def __init__(self, text: str) -> None:
        self.tokens = TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s", "", text), text

    def take(self, *wanted: str) -> str:
        token = str(self.tokens.pop(0))
        assert not wanted or token in wanted, (token, wanted)
        return token

    def next(self) -> str:
        return self.tokens[0] if self.tokens else ""

    def expression(self) -> Value:
        if self.next() == "if":
            self.take("if")
            test = self.sum()
            self.take("then")
            yes = self.expression()
            self.take("else")
            no = self.expression()
            return lambda e: yes(e) if test(e) else no(e)
        return self.sum()

    def sum(self) -> Value:
        left = self.product()
        while self.next() in ("+", "-"):
            left = _binary(self.take(), left, self.product())
        return left

    def product(self) -> Value:
        left = self.signed()
        while self.next() in ("*", "/"):
            left = _binary(self.take(), left, self.signed())
        return left

    def signed(self) -> Value:
        if self.next() == "-":
            self.take("-")
            inner = self.signed()
            return lambda e: -inner(e)
        if self.next() == "/":
            self.take("/")
            inner = self.signed()
            return lambda e: 1 / inner(e)
        return self.power()

    def power(self) -> Value:
        base = self.application()
        if self.next() == "^":
            self.take("^")
            exponent = int(self.take())
            return lambda e: base(e) ** exponent
        return base

    def application(self) -> Value:
        head = self.atom()
        while re.match(r"[\w(]", self.next()) and self.next() not in ("then", "else"):
            head = _applied(head, self.atom())
        return head

    def atom(self) -> Value:
        token = self.take()
        if token == "(":
            inner = self.expression()
            self.take(")")
            return inner
        if token.isdigit():
            return lambda _: mpmath.mpf(token)
        return lambda e: e[token]


def _binary(sign: str, left: Value, right: Value) -> Value:
    return {
        "+": lambda e: left(e) + right(e), "-": lambda e: left(e) - right(e),
        "*": lambda e: left(e) * right(e), "/": lambda e: left(e) / right(e),
    }[sign]


def _applied(head: Value, argument: Value) -> Value:
    return lambda e: head(e)(argument(e))


def value(text: str, names: Environment) -> Any:
    """The number that an expression means."""
    reader = Reader(text)
    found = reader.expression()
    assert not reader.tokens, reader.tokens
    return found({**COQ, **names})


def definitions(source: str) -> Environment:
    """The functions that a file defines on reals, in order, as curried functions."""
    known: Environment = {}
    for name, arguments, body in re.findall(
        r"^Definition (\w+) \(([\w ]+) : R\) : R := (.*)\.$", source, re.M
    ):
        known[name] = _curried(arguments.split(), body, dict(known))
    return known


def _curried(arguments: list[str], body: str, names: Environment) -> Any:
    if not arguments:
        return value(body, names)
    return lambda x: _curried(arguments[1:], body, {**names, arguments[0]: x})
