"""The syntax of Coq's terms and propositions, as far as certificates use it."""

from __future__ import annotations

import re
from typing import Any

TOKEN = re.compile(r"\s*(%nat|[^\W\d][\w.']*|\d+|:=|->|=>|<=|<>|\\/|/\\|[-+*/^()<=:,])")
#: Coq's levels: the lower, the tighter.
INFIX = {"^": (30, 30, 29), "*": (40, 39, 40), "/": (40, 39, 40), "mod": (40, 39, 40),
         "+": (50, 49, 50), "-": (50, 49, 50), "=": (70, 69, 69), "<": (70, 69, 69),
         "<=": (70, 69, 69), "<>": (70, 69, 69), "/\\": (80, 79, 80), "\\/": (85, 84, 85),
         "->": (99, 99, 98)}
WORDS = {"then", "else", "mod", "if", "fun", "forall", "let", "in"}

Term = tuple[Any, ...]


class NotRead(Exception):
    """Text that this reader does not understand."""


class Parser:
    """Terms and propositions as nested tuples, operators first."""

    def __init__(self, text: str) -> None:
        self.tokens: list[str] = []
        at = 0
        text = text.strip()
        while at < len(text):
            found = TOKEN.match(text, at)
            if found is None:
                raise NotRead(text[at:at + 40])
            self.tokens.append(found[1])
            at = found.end()
        self.at = 0

    @property
    def next(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted: str = "") -> str:
        token = self.next
        if not token or (wanted and token != wanted):
            raise NotRead(f"{token!r} where {wanted or 'a term'!r} belongs")
        self.at += 1
        return token

    def whole(self) -> Term:
        found = self.term()
        if self.next:
            raise NotRead(f"{self.next!r} after the end")
        return found

    def term(self, level: int = 200) -> Term:
        left = self._prefix(level)
        while self.next in INFIX:
            own, right = INFIX[self.next][0], INFIX[self.next][2]
            if own > level:
                break
            operator = self.take()
            left = (operator, left, self.term(own if operator in ("^", "->") else right - 1))
        return left

    def _prefix(self, level: int) -> Term:
        if self.next in ("-", "/"):
            return (f"prefix {self.take()}", self.term(35))
        if self.next in ("fun", "forall"):
            kind = self.take()
            names = self._binders()
            self.take("=>" if kind == "fun" else ",")
            return (kind, names, self.term())
        if self.next == "if":
            self.take()
            test = self.term()
            self.take("then")
            first = self.term()
            self.take("else")
            return ("if", test, first, self.term())
        if self.next == "let":
            self.take()
            name = self.take()
            self.take(":=")
            bound = self.term()
            self.take("in")
            return ("let", name, bound, self.term())
        head = self._atom()
        arguments = []
        while self.next and (self.next == "(" or self.next[0].isalnum() or self.next[0] == "_") \
                and self.next not in WORDS:
            arguments.append(self._atom())
        return ("apply", head, *arguments) if arguments else head

    def _atom(self) -> Term:
        if self.next == "(":
            self.take()
            found = self.term()
            self.take(")")
        elif self.next.isdigit():
            found = ("number", int(self.take()))
        else:
            found = ("name", self.take())
            if not re.match(r"[^\W\d]", found[1]):
                raise NotRead(found[1])
        if self.next == "%nat":
            self.take()
            found = ("nat", found)
        return found

    def _binders(self) -> tuple[tuple[str, str], ...]:
        """Names with their types, in brackets or not; the type is '' where none is written."""
        found: list[tuple[str, str]] = []
        while self.next not in ("=>", ",", ":="):
            bracketed = self.next == "("
            if bracketed:
                self.take()
            names = []
            while self.next not in (":", "=>", ",", ":=", ")", "("):
                names.append(self.take())
            kind = []
            if self.next == ":":
                self.take()
                while self.next not in ("=>", ",", ":=", ")"):
                    kind.append(self.take())
            if bracketed:
                self.take(")")
            found += [(name, " ".join(kind)) for name in names]
        return tuple(found)
