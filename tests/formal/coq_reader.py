"""A reader of the Coq text of certificates: what their statements mean, in floats.

It shares nothing with the printer.  Definitions and theorems are parsed with Coq's own levels of
precedence and evaluated as Coq defines them: subtraction and division of natural numbers are
truncated, ``ln`` and ``sqrt`` are 0 outside of their domains.  Scalar functions are read from the
library's own definitions.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from coq_parser import NotRead, Parser, Term
from scipy.integrate import quad

from mathdl.formal.coqc import sources

#: A recursive function, by its number of steps, and those that are defined together with it.
RECURSIVE = re.compile(r"([\w']+) ([^{}]*) \{struct (\w+)\} : R := "
                       r"match \3 with O => (.*?) \| S \3 => (.*?) end(?: with |$)")
CLOSE = 1e-9


@dataclass(frozen=True)
class Function:
    """A definition that waits for arguments; its values are kept."""

    names: tuple[str, ...]
    body: Term
    scope: Mapping[str, Any]
    given: tuple[Any, ...] = ()
    kept: dict[Any, Any] = field(default_factory=dict, compare=False)

    def __call__(self, argument: Any) -> Any:
        given = (*self.given, argument)
        key = tuple(a if isinstance(a, (int, float)) else id(a) for a in given)
        if key not in self.kept:
            if len(given) < len(self.names):
                found = Function(self.names, self.body, self.scope, given)
            else:
                scope = {**self.scope, **dict(zip(self.names, given, strict=True))}
                found = value(self.body, scope)
            self.kept[key] = found, argument  # the argument lives as long as its id is used
        return self.kept[key][0]


def curried(array: Any, natural: bool = False) -> Any:
    """A tensor as a function of its indices; its entries may be natural numbers."""
    if np.ndim(array) == 0:
        return int(array) if natural else float(array)
    parts = [curried(a, natural) for a in array]
    return lambda i: parts[i]


def _sumf(n: int) -> Callable[[Any], float]:
    return lambda f: math.fsum(f(i) for i in range(n))


def _fold(whole: Callable[[list[float]], float]) -> Callable[[int], Callable[[Any], float]]:
    return lambda n: lambda f: whole([f(i) for i in range(n)]) if n else whole([0.0])


def _alone(values: list[float]) -> bool:
    """Whether one value alone is the greatest."""
    return values.count(max(values)) == 1


def _unique(sign: int) -> tuple[Any, Any]:
    """One entry alone attains the extreme, over one axis and over two."""
    return (lambda n: lambda f: _alone([sign * f(i) for i in range(n)]),
            lambda m: lambda n: lambda f: _alone([sign * f(i)(j) for i in range(m)
                                                  for j in range(n)]))


def _binary(f: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda a: lambda b: f(a, b)


def _of_matrix(law: Callable[[Any], Any]) -> Callable[[int], Any]:
    """A function of matrices, after their length."""
    return lambda n: lambda a: law(table(a, (n, n)))


def _inverse(a: Any) -> Any:
    return curried(np.linalg.inv(a) if np.linalg.det(a) else a)


def _logdet(a: Any) -> float:
    size = abs(np.linalg.det(a))
    return math.log(size) if size else 0.0


def _exp(x: float) -> float:
    return math.exp(x) if x < 700 else math.inf


#: What Coq's own libraries define, and the sums.
GIVEN: dict[str, Any] = {
    "exp": _exp, "ln": lambda x: math.log(x) if x > 0 else 0.0,
    "sqrt": lambda x: math.sqrt(x) if x > 0 else 0.0, "sin": math.sin, "cos": math.cos,
    "sinh": math.sinh, "cosh": math.cosh, "tanh": math.tanh, "atan": math.atan, "PI": math.pi,
    "Rabs": abs, "INR": float, "sumf": _sumf, "maxf": _fold(max), "minf": _fold(min),
    "prodf": lambda n: lambda f: math.prod(f(i) for i in range(n)),
    "unique_max": _unique(1)[0], "unique_max2": _unique(1)[1],
    "unique_min": _unique(-1)[0], "unique_min2": _unique(-1)[1],
    "Rpower": _binary(lambda a, b: _exp(b * math.log(a)) if a > 0 else 1.0),
    "Rlt_dec": _binary(lambda a, b: a < b), "Req_EM_T": _binary(lambda a, b: a == b),
    "Rle_dec": _binary(lambda a, b: a <= b), "Nat.eqb": _binary(lambda a, b: a == b),
    "Nat.ltb": _binary(lambda a, b: a < b),
    "det": _of_matrix(np.linalg.det), "inv": _of_matrix(_inverse), "logdet": _of_matrix(_logdet),
    "True": True, "S": lambda n: n + 1, "RInt": lambda f: lambda a: lambda b: quad(f, a, b)[0],
}


def value(term: Term, scope: Mapping[str, Any], nat: bool = False) -> Any:
    """A term's value; a proposition's truth.  ``nat``: numerals are natural numbers."""
    kind = term[0]
    if kind == "number":
        return term[1] if nat else float(term[1])
    if kind == "name":
        if term[1] not in scope:
            raise NotRead(f"nothing is known of {term[1]}")
        return scope[term[1]]
    if kind == "nat":
        return value(term[1], scope, True)
    if kind == "apply":
        found = value(term[1], scope, nat)
        for argument in term[2:]:
            found = found(value(argument, scope, nat))
        return found
    if kind == "fun":
        return Function(tuple(n for n, _ in term[1]), term[2], scope)
    if kind == "let":
        return value(term[3], {**scope, term[1]: value(term[2], scope)}, nat)
    if kind == "match":
        steps = scope[term[1]]
        return value(term[3], {**scope, term[1]: steps - 1}) if steps else value(term[2], scope)
    if kind == "if":
        return value(term[2] if value(term[1], scope) else term[3], scope, nat)
    if kind == "forall":
        return all(value(term[2], s) for s in _instances(term[1], scope))
    if kind == "->":
        return not value(term[1], scope) or value(term[2], scope)
    if kind in ("\\/", "/\\"):
        left = value(term[1], scope)
        return (left or value(term[2], scope)) if kind == "\\/" else (
            left and value(term[2], scope))
    if kind.startswith("prefix"):
        x = value(term[1], scope, nat)
        return -x if kind == "prefix -" else _over(1.0, x)
    if kind == "^":
        return value(term[1], scope, nat) ** value(term[2], scope, True)
    a, b = (value(t, scope, nat) for t in term[1:])
    return NATURAL[kind](a, b) if nat else REAL[kind](a, b)


def _instances(names: tuple[tuple[str, str], ...], scope: Mapping[str, Any]
               ) -> Iterator[dict[str, Any]]:
    """Indices up to any length that occurs."""
    if any(kind != "nat" for _, kind in names):
        raise NotRead(f"a quantifier over {names}")
    bound = max((v for v in scope.values() if isinstance(v, int)), default=0) + 1
    for index in np.ndindex(*(bound,) * len(names)):
        yield {**scope, **dict(zip((n for n, _ in names), map(int, index), strict=True))}


def _over(a: float, b: float) -> float:
    return a / b if b else math.nan


def _equal(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= CLOSE * (1 + abs(a)))


REAL: dict[str, Callable[[Any, Any], Any]] = {
    "+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b, "/": _over,
    "=": _equal, "<>": lambda a, b: not _equal(a, b), "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
}
NATURAL: dict[str, Callable[[Any, Any], Any]] = {
    **REAL, "-": lambda a, b: max(a - b, 0), "/": lambda a, b: a // b if b else 0,
    "mod": lambda a, b: a % b if b else a,
}


@dataclass(frozen=True)
class Theorem:
    """``forall`` points and hypotheses, ``has_grad`` of ``loss`` by one variable."""

    name: str
    points: tuple[tuple[str, str], ...]
    hypotheses: tuple[Term, ...]
    prefix: tuple[str, ...]
    variable: str
    sizes: tuple[Term, ...]
    loss: Term
    gradient: Term


def theorem(name: str, text: str) -> Theorem:
    term = Parser(text).whole()
    points: list[tuple[str, str]] = []
    hypotheses: list[Term] = []
    prefix: list[str] = []
    while term[0] in ("forall", "->"):
        if term[0] == "->":
            if not prefix:  # what follows are the ranges of the value's indices
                hypotheses.append(term[1])
        elif all(kind == "nat" for _, kind in term[1]):
            prefix += [n for n, _ in term[1]]
        else:
            points += term[1]
        term = term[2]
    head = re.fullmatch(r"has_grad(\d)", term[1][1]) if term[0] == "apply" else None
    if head is None:
        raise NotRead(f"a theorem that is not about has_grad: {term}")
    *sizes, loss, (_, variable), gradient = term[2:]
    assert len(sizes) == int(head[1])
    return Theorem(name, tuple(points), tuple(hypotheses), tuple(prefix), variable, tuple(sizes),
                   loss, gradient)


@dataclass(frozen=True)
class Reading:
    """A certificate's file, or its statement alone: what it declares, defines and claims."""

    text: str

    @cached_property
    def sentences(self) -> list[str]:
        """Sentences outside of proofs and of the part about curves, without comments."""
        text = re.sub(r"\(\*.*?\*\)", " ", self.text, flags=re.DOTALL)
        text = re.sub(r"Section Curve\..*?End Curve\.", " ", text, flags=re.DOTALL)
        text = re.sub(r"\bProof\b.*?\bQed\.", " ", text, flags=re.DOTALL)
        return [" ".join(s.split()) for s in re.split(r"\.(?=\s|$)", text) if s.strip()]

    def _each(self, pattern: str) -> Iterator[tuple[str, str]]:
        for sentence in self.sentences:
            found = re.fullmatch(pattern, sentence)
            if found:
                yield found[1], found[2]

    @cached_property
    def variables(self) -> dict[str, str]:
        return {name: kind for names, kind in self._each(r"Variables? ([^:]+) : (.*)")
                for name in names.split()}

    @cached_property
    def hypotheses(self) -> dict[str, Term]:
        return {n: Parser(p).whole() for n, p in self._each(r"Hypothesis ([\w']+) : (.*)")}

    @cached_property
    def theorems(self) -> list[Theorem]:
        return [theorem(n, p) for n, p in self._each(r"Theorem ([\w']+) : (.*)")]

    def scope(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Everything defined, where the variables have these values (lengths are ints)."""
        found = {**LIBRARY, **{
            n: v if isinstance(v, int) else curried(v, self.variables.get(n, "").endswith("nat"))
            for n, v in values.items()}}
        define(found, self._each(r"(Definition|Fixpoint) (.*)"))
        return found


def define(scope: dict[str, Any], definitions: Iterator[tuple[str, str]]) -> None:
    """Add definitions, each of which may use those before it, recursive ones also themselves."""
    for kind, text in definitions:
        if kind == "Fixpoint":
            _define_together(scope, text)
            continue
        name, rest = re.fullmatch(r"([\w']+)(.*)", text).groups()  # type: ignore[union-attr]
        if not re.search(r": R :=", rest):
            continue
        binders, _, body = rest.partition(" : R :=")
        names = _names(binders)
        try:
            parsed = Parser(body).whole()
        except NotRead as error:
            raise NotRead(f"{name}: {error}") from None
        scope[name] = Function(names, parsed, dict(scope)) if names else value(parsed, scope)


def _define_together(scope: dict[str, Any], text: str) -> None:
    found = list(RECURSIVE.finditer(text))
    if "".join(m[0] for m in found) != text:
        raise NotRead(text[:40])
    inside = dict(scope)
    for name, binders, counter, first, after in (m.groups() for m in found):
        body = ("match", counter, Parser(first).whole(), Parser(after).whole())
        scope[name] = inside[name] = Function(_names(binders), body, inside)


def _names(binders: str) -> tuple[str, ...]:
    return tuple(n for n, _ in Parser(f"{binders} :=")._binders())


def _library() -> dict[str, Any]:
    scope = dict(GIVEN)
    library = sources()
    for file in ("Sums", "Primitives", "Functions"):
        define(scope, Reading(library[file])._each(r"(Definition) (.*)"))
    define(scope, Reading(library["Cholesky"])._each(r"(Definition|Fixpoint) (.*)"))
    return scope


LIBRARY: dict[str, Any] = _library()


def table(function: Any, shape: tuple[int, ...]) -> Any:
    """A function of indices as an array."""
    found = np.empty(shape)
    for index in np.ndindex(*shape):
        entry = function
        for i in index:
            entry = entry(i)
        found[index] = entry
    return found


def claim(reading: Reading, about: Theorem, values: Mapping[str, Any], out: tuple[int, ...] = ()
          ) -> tuple[Any, Any]:
    """The value and the derivative that a theorem states, at arrays for all that it is about."""
    scope = reading.scope(values)
    sizes = tuple(value(s, scope, True) for s in about.sizes)
    loss, gradient = np.empty(out), np.empty((*out, *sizes))
    for index in np.ndindex(*out):
        here = {**scope, **dict(zip(about.prefix, map(int, index), strict=True))}
        loss[index] = value(about.loss, here)(here[about.variable])
        gradient[index] = table(value(about.gradient, here), sizes)
    return loss, gradient


def holds(reading: Reading, about: Theorem, values: Mapping[str, Any]) -> bool:
    """Whether all hypotheses hold at these values."""
    scope = reading.scope(values)
    return all(value(h, scope) for h in (*reading.hypotheses.values(), *about.hypotheses))
