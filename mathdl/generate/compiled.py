"""A generated module, loaded."""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable, Iterable, Sequence
from typing import Any

_COUNT = itertools.count()


class Compiled:
    """A compiled computation; call it with arrays by name or in the order of ``inputs``.

    ``source`` is the whole module: saved to a file it offers the same function without mathdl.
    ``plan(...)`` returns the bare computation for arrays of the given dims and dtype: called
    with inputs and output arrays in order it allocates and checks nothing.  Arguments called as
    in ``ignored`` were declared along with the expression, which does not use them.
    """

    def __init__(
        self, source: str, function: str, inputs: Sequence[str], ignored: Iterable[str] = ()
    ) -> None:
        self.ignored = frozenset(ignored)
        self.source = source
        self.function = function
        self.inputs = tuple(inputs)
        filename = f"<mathdl {function} {next(_COUNT)}>"
        self.namespace: dict[str, Any] = {"__name__": "mathdl_generated"}
        exec(compile(source, filename, "exec"), self.namespace)
        linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
        self._call: Callable[..., Any] = self.namespace[function]
        self.plan: Callable[..., Any] = self.namespace["plan"]

    def __call__(self, /, *arrays: Any, **named: Any) -> Any:
        if self.ignored and not self.ignored.isdisjoint(named):
            named = {n: a for n, a in named.items() if n not in self.ignored}
        try:
            return self._call(*arrays, **named)
        except TypeError:
            missing = self._missing(len(arrays), named)
            if not missing:
                raise
        needs = ", ".join(self.inputs) or "no arrays"
        raise TypeError(f"{self.function} needs {needs}; {missing}")

    def _missing(self, count: int, named: dict[str, Any]) -> str:
        if not count and len(named) == len(self.inputs) and all(n in named for n in self.inputs):
            return ""
        absent = [n for n in self.inputs[count:] if n not in named]
        if absent:
            return f"missing {', '.join(absent)}"
        if count > len(self.inputs):
            return f"{count - len(self.inputs)} too many given"
        double = [n for n in self.inputs[:count] if n in named]
        if double:
            return f"{', '.join(double)} given twice"
        known = set(self._call.__kwdefaults__ or ())
        extra = [n for n in named if n not in self.inputs and n not in known]
        return f"it has no {', '.join(extra)}" if extra else ""

    def __reduce__(self) -> Any:
        return Compiled, (self.source, self.function, self.inputs, self.ignored)

    def __repr__(self) -> str:
        return f"<compiled {self.function}({', '.join(self.inputs)})>"
