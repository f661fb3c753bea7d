"""The text parser: Python's grammar read as data, nothing is ever evaluated as Python.

The text is bounded first (:mod:`mathdl.language.raw_text`), then its syntax tree is walked over a
closed list of node kinds.  Constant arithmetic is bounded before it is done.
"""

from __future__ import annotations

import ast
import warnings

from mathdl.errors import ParseError
from mathdl.ir.serial import serial
from mathdl.ir.tensor import Tensor
from mathdl.language.declare import Declared, declare_inputs
from mathdl.language.declared import remember
from mathdl.language.definitions import Definitions
from mathdl.language.pointwise import as_tensor
from mathdl.language.raw_text import check_text, place
from mathdl.language.reader import position


@serial
def parse(text: str, shapes: Declared, assume: Declared | None = None) -> Tensor:
    """The tensor that ``text`` describes over inputs of the declared shapes.

    ``text`` is an expression of the language, after any definitions ``Z = X @ W + b`` separated
    by ``;`` or newlines.  A definition may be a formula over indices,
    ``M[i<n, j<m] = sum[k<d](A[i, k]*B[k, j])``, or a sequence with its start,
    ``h[-1] = zeros(n); h[t<T] = tanh(W @ h[t - 1] + X[t])``.  ``shapes`` is ``"X: n d; w: d"``
    or a dict, ``assume`` likewise.

    Raises one-line errors that point at the place: ParseError for text outside the language,
    NamingError for unknown names, ShapeError and DomainError for what does not fit.
    """
    inputs = declare_inputs(shapes, assume)
    checked = check_text(text)
    value = Definitions(checked, inputs).value(_syntax_tree(checked))
    return remember(as_tensor(value), inputs)


def _syntax_tree(text: str) -> ast.Module:
    """Python's syntax tree of the text; leading blanks of a line mean nothing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            # of a named file Python would read the line of an error
            return ast.parse(_blanks_removed(text), filename="")
    except SyntaxError as error:
        cause = (error.msg or "invalid syntax").split(".")[0].split("(")[0].strip()
        at = position(text, error.lineno or 1, (error.offset or 1) - 1)
        near = text[at : at + 12].split("\n")[0]
        found = f" at {near!r}" if near else " at the end"
        raise ParseError(f"{place(text, at)}: {cause}{found}") from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        raise ParseError("the text is nested too deeply or has too many terms") from None


def _blanks_removed(text: str) -> str:
    return "\n".join(line.lstrip(" \t\r") for line in text.split("\n"))
