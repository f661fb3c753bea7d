"""Proofs of single equations: which definitions to open, and the tactics that then do."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from hashlib import blake2b
from itertools import product
from typing import Any

from sympy import Float, Integer, KroneckerDelta, Symbol, expand, preorder_traversal

from mathdl.errors import UnsupportedError
from mathdl.formal.context import Context, Tactics
from mathdl.formal.coq import put_in
from mathdl.formal.equations import equation
from mathdl.formal.terms import SUM, Fold, entries, is_entry
from mathdl.ir.index import out_indices
from mathdl.ir.tensor import Tensor
from mathdl.scalar.declare import of_head

STEPS = 24  # definitions that may be opened for one equation


class Prover:
    """Proves equations between terms of a context; ``dots`` are the derivatives by name."""

    def __init__(self, context: Context, dot_body: Callable[[Tensor, Sequence[Any]], Any]) -> None:
        self.context = context
        self.dots: dict[str, Tensor] = {}
        self.dot_body = dot_body
        self.equals: dict[str, tuple[Tensor, str]] = {}  # what entries equal, and the tactic
        context.normal.definition = self.right_hand_side

    def equal(
        self, left: Any, right: Any, given: Sequence[Any], what: str,
        opening: Collection[str] = (), by_cases: bool = False,
    ) -> Tactics:
        """Tactics for ``left = right``: definitions are opened until both sides agree.

        ``given`` are the indices that stand in the context with their ranges; ``opening`` are
        derivatives whose definitions may be opened; ``by_cases`` lets data be 0 or 1 in turn.
        """
        opened = [*self.equals]
        for _ in range(STEPS):
            normal = self.context.normal.opening(opened)
            a, b = normal.form(left), normal.form(right)
            if by_cases and self._agree_by_cases(a, b):
                return self._cases(a, b, opened)
            if same(a, b):
                return equation(left, right, normal, self.context.text, given, self.defined)
            name = self._next(a, b, opened, opening)
            if name is None:
                break
            opened.append(name)
        raise UnsupportedError(f"no certificate: no proof was found of {what}")

    def right_hand_side(self, term: Any) -> Any:
        """What an entry is defined as."""
        name = term.func.__name__
        if name in self.equals:
            return self.context.system.entry(self.equals[name][0], term.args)
        if name in self.dots:
            return self.dot_body(self.dots[name], term.args)
        return self.context.system.term(self.context.system.tensor(term), term.args)

    def defined(self, term: Any) -> tuple[str, str]:
        """The text of what an entry is by definition, and the tactic that shows it."""
        name = term.func.__name__
        if name in self.equals:
            return self.context.text.real(self.right_hand_side(term)), self.equals[name][1]
        if name in self.dots:
            t = self.dots[name]
            body = self.context.text.real(self.dot_body(t, out_indices(t.ndim)))
            return put_in(body, term.args), "reflexivity"
        text = self.context.right_hand_side(self.context.system.tensor(term), term.args)
        return text, "reflexivity"

    @contextmanager
    def given(self, equals: dict[str, tuple[Tensor, str]]) -> Iterator[None]:
        """Proofs in which entries of these tensors are those of others."""
        self.equals, before = equals, self.equals
        try:
            yield
        finally:
            self.equals = before

    def _next(self, a: Any, b: Any, opened: Sequence[str],
              opening: Collection[str]) -> str | None:
        """The next definition to open: of what one side alone has, the highest."""
        left, right = entries(a), entries(b)
        found = []
        for e in left | right:
            name = e.func.__name__
            t = self.dots[name] if name in opening else self.context.system.tensors.get(name)
            if t is None or name in opened or (t.definition is None and name not in opening):
                continue
            found.append((name in opening, e not in left or e not in right, t.rank, name))
        return max(found)[3] if found else None

    def _data(self, *terms: Any) -> list[Any]:
        return sorted({e for t in terms for e in entries(t)
                       if e.func.__name__ in self.context.binary}, key=str)

    def _agree_by_cases(self, left: Any, right: Any) -> bool:
        data = self._data(left, right)
        cases = (dict(zip(data, values, strict=True))
                 for values in product((Integer(0), Integer(1)), repeat=len(data)))
        return bool(data) and all(same(left.xreplace(c), right.xreplace(c)) for c in cases)

    def _cases(self, left: Any, right: Any, opened: Sequence[str]) -> Tactics:
        lines = [f"unfold {', '.join(opened)}."] if opened else []
        for k, e in enumerate(self._data(left, right)):
            text = self.context.text.real(e)
            lines += [
                f"assert (B{k} : {text} = 0 \\/ {text} = 1) by "
                f"(apply {e.func.__name__}_binary; range).",
                f"destruct B{k} as [B{k}|B{k}]; rewrite ?B{k};",
            ]
        return [*lines, "close."]


def same(a: Any, b: Any) -> bool:
    """Whether two normal forms agree at random reals for all entries and sums.

    It only chooses what to open; Coq decides.
    """
    if a == b or expand(a - b) == 0:
        return True
    kinked = any(
        declared is not None and (declared.kinks or declared.name == "where")
        for t in (a, b) for declared in {of_head(type(p)) for p in preorder_traversal(t)}
    )
    return all(_agree(a, b, draw) for draw in range(5 if kinked else 1))


def _agree(a: Any, b: Any, draw: int) -> bool:
    values: dict[Any, Any] = {}

    def value(key: Any, sign: bool) -> Any:
        if key not in values:
            digest = blake2b(f"{key} {draw}".encode(), digest_size=8).digest()
            code = int.from_bytes(digest, "big")
            size = Float(0.3 + 1.4 * code / 2**64, 30)
            values[key] = -size if draw and not sign and code % 7 < 3 else size
        return values[key]

    def look(part: Any) -> Any:
        opaque = isinstance(part, (SUM, Fold, KroneckerDelta, Symbol)) or is_entry(part)
        if opaque or not part.args:
            return part if part.is_number else value(part, bool(part.is_nonnegative))
        declared = of_head(type(part))
        if declared is not None and declared.name in ("eq", "ne"):
            return value(part, True)
        args = [look(arg) for arg in part.args]
        if declared is not None and declared.name == "where":
            share = value(("choice", str(part.args[0])), True)
            return share * args[1] + (1 - share) * args[2]
        return part.func(*args)

    try:
        left, right = look(a).evalf(30), look(b).evalf(30)
        return bool(abs(left - right) < Float("1e-18") * (1 + abs(left)))
    except (TypeError, ValueError):
        return False
