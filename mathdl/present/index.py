"""Index notation: ``M[i,j] = sum[k<d](X[i,k]*W[k,j])``, for what has no matrix form and for notes.

An access outside a tensor's range is zero.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import sympy
from sympy import KroneckerDelta, Mod, Symbol, floor, sympify
from sympy.printing.latex import LatexPrinter
from sympy.printing.str import StrPrinter

from mathdl.ir.build import ranges_of
from mathdl.ir.dim import Dim, nonnegative
from mathdl.ir.index import Ranges, bound_index, bounds, out_indices, slot_number
from mathdl.ir.tensor import Tensor
from mathdl.present.constants import constant
from mathdl.present.latex_tree import SIGNS, show
from mathdl.present.letters import entry, letter
from mathdl.present.notation import Shown
from mathdl.present.scalars import access_text, reduced_text, scalar_text
from mathdl.present.tree import Formula, Name
from mathdl.present.views import Unprintable
from mathdl.scalar import COMPARISONS, of_head

LETTERS = "ijklpqrsuvabcdefgh"
_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<=", "eq": "==", "ne": "!="}


def to_index(tensor: Tensor, name: str | None = None) -> str:
    """The defining equation in index notation: ``M[i,j] = sum_k X[i,k]*W[k,j]``.

    Other quantities appear by their name or label, unnamed ones as ``T`` with a number.
    """
    unnamed: dict[int, str] = {}

    def word(t: Tensor) -> Name:
        text = t.name or t.label or unnamed.setdefault(id(t), f"T{len(unnamed) + 1}")
        return Name(text, t.ndim)

    left = name or tensor.label or tensor.name or "T"
    if tensor.call is not None:
        arguments = ", ".join(word(a.tensor).text for a in tensor.call.operands)
        return f"{left} = {tensor.call.primitive}({arguments})"
    if tensor.definition is None:
        return left
    made = formula(tensor, word, ranges=False)
    indices = f"[{','.join(made.indices)}]" if made.indices else ""
    return f"{left}{indices} = {made.body}"


def formula(
    tensor: Tensor, word: Callable[[Tensor], Name],
    leaving: Callable[[Tensor], Mapping[int, Dim]] = lambda _: {}, ranges: bool = True,
) -> Formula:
    """The equation in index notation; ``word`` names the tensors that it reads.

    ``leaving`` gives the axes, with lengths, outside of which a tensor has entries that are
    printed as its own; where an index can leave them, a condition is written.
    """
    equation = tensor.definition
    if equation is None:
        raise TypeError("only an equation has an index form")
    lengths = ranges_of(tensor)
    taken = {s.name for d in (*tensor.shape, *equation.extents) for s in sympify(d).free_symbols}
    taken |= {word(a.tensor).text for a in equation.operands}
    letters = iter([c for c in LETTERS if c not in taken] + [f"i{k}" for k in range(64)])
    out = {s: next(letters) for s in out_indices(tensor.ndim)}
    bound = {bound_index(k): next(letters) for k in range(len(equation.extents))}
    symbols: dict[Any, Any] = {
        s: Symbol(letter, integer=True, nonnegative=True) for s, letter in {**out, **bound}.items()
    }
    texts: dict[Any, str] = {}
    maths: dict[Any, str] = {}
    entries: dict[Any, Shown] = {}

    def read(k: int) -> Any:
        access = equation.operands[k]
        index = []
        for e in access.index:
            inner = {s: read(j) for s in e.free_symbols if (j := slot_number(s)) is not None}
            index.append(e.xreplace({**symbols, **inner}))
        called = word(access.tensor)
        name = called.text
        atom = Symbol(f"{name}[{k}]", real=True)
        plain = ",".join(_text(e, texts) for e in index)
        texts[atom] = f"{name}[{plain}]" if index else name
        maths[atom] = entry(called, [_latex(e, maths) for e in index]) if index else letter(called)
        outside = [
            (index[axis], sign, bound)
            for axis, length in leaving(access.tensor).items()
            for sign, bound, inside in ((">=", 0, access.index[axis]),
                                        ("<", length, length - 1 - access.index[axis]))
            if not _never_negative(inside, lengths)
        ]
        if outside:
            conditions = "".join(f"({_text(e, texts)} {sign} {b})*" for e, sign, b in outside)
            texts[atom] = f"({conditions}{texts[atom]})"
            maths[atom] = "".join(
                rf"\left[{_latex(e, maths)} {SIGNS.get(sign, sign)} {_latex(b, maths)}\right] "
                for e, sign, b in outside
            ) + maths[atom]
        within = [(e, f"{sign} {b}") for e, sign, b in outside]
        entries[atom] = access_text(name, index, within, entries)
        return atom

    atoms = {sympify(Symbol(f"x{k}", real=True)): read(k) for k in range(len(equation.operands))}
    body = equation.body.xreplace({**symbols, **atoms})
    text, latex = _text(body, texts), _latex(body, maths)
    if bound:
        kinds = {"sum": r"\sum", "prod": r"\prod", "max": r"\max", "min": r"\min"}
        if ranges:
            over = ",".join(f"{c}<{lengths[s]}" for s, c in bound.items())
            text = f"{equation.reduce}[{over}]({text})"
        else:
            wrapped = f"({text})" if isinstance(body, sympy.Add) else text
            text = f"{equation.reduce}_{''.join(bound.values())} {wrapped}"
        wrapped = rf"\left({latex}\right)" if isinstance(body, sympy.Add) else latex
        kind, until = kinds[equation.reduce], {c: lengths[s] for s, c in bound.items()}
        signs = [
            rf"{kind}_{{{c}=0}}^{{{dim_latex(sympify(n) - 1)}}}" if kind in (r"\sum", r"\prod")
            else rf"{kind}_{{0 \le {c} < {dim_latex(n)}}}" for c, n in until.items()
        ]
        latex = f"{' '.join(signs)} {wrapped}"
    return Formula(
        tuple(out.values()), tuple(str(lengths[s]) for s in out), text, latex, tensor.ndim,
        tuple(rf"0 \le {c} < {dim_latex(lengths[s])}" for s, c in out.items()),
        reduced_text(equation.reduce, tuple(bound.values()), body, entries),
        tuple((c, scalar_text(sympify(lengths[s]), {})) for s, c in {**out, **bound}.items()),
    )


def dim_latex(dim: Any) -> str:
    """A dim, or an expression of dims, in LaTeX."""
    try:
        return show(constant(sympify(dim)))
    except Unprintable:  # of an index form only, as floor(n/2)
        return _latex(sympify(dim), {})


def _never_negative(expr: Any, ranges: Ranges) -> bool:
    limits = bounds(expr, ranges)
    return limits is not None and nonnegative(limits[0])


class _Text(StrPrinter):  # type: ignore[misc]
    def __init__(self, names: dict[Any, str]) -> None:
        super().__init__()
        self.names = names

    def _print_Symbol(self, expr: Any) -> str:
        return self.names.get(expr) or str(super()._print_Symbol(expr))

    def _print_Function(self, expr: Any) -> str:
        declared = of_head(expr.func)
        if isinstance(expr, COMPARISONS):
            a, b = map(self._print, expr.args)
            return f"({a} {_SIGNS[type(expr).__name__]} {b})"
        name = declared.name if declared is not None else type(expr).__name__
        return f"{name}({', '.join(map(self._print, expr.args))})"

    def _print_KroneckerDelta(self, expr: Any) -> str:
        a, b = map(self._print, expr.args)
        return f"({a} == {b})"

    def _print_Exp1(self, expr: Any) -> str:
        return "e"

    def _print_Mod(self, expr: Any) -> str:
        return f"mod({', '.join(map(self._print, expr.args))})"


class _Latex(LatexPrinter):  # type: ignore[misc]
    def __init__(self, names: dict[Any, str]) -> None:
        super().__init__()
        self.names = names

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return self.names.get(expr) or letter(Name(expr.name, 0, "dim"))

    def _print_Function(self, expr: Any, exp: Any = None) -> str:
        declared = of_head(expr.func)
        if declared is None:
            return str(super()._print_Function(expr, exp))
        text = declared.latex.format(*map(self._print, expr.args))
        return text if exp is None else rf"{{{text}}}^{{{exp}}}"

    def _print_KroneckerDelta(self, expr: Any, exp: Any = None) -> str:
        a, b = map(self._print, expr.args)
        return rf"\delta_{{{a},{b}}}"

    def _print_Mod(self, expr: Any, exp: Any = None) -> str:
        a, b = (self._print(e) if e.is_Atom else rf"\left({self._print(e)}\right)"
                for e in expr.args)
        text = rf"\left({a} \bmod {b}\right)"
        return text if exp is None else rf"{text}^{{{exp}}}"


def _text(expr: Any, names: dict[Any, str]) -> str:
    return str(_Text(names).doprint(expr))


def _latex(expr: Any, names: dict[Any, str]) -> str:
    return str(_Latex(names).doprint(expr))


__all__ = ["KroneckerDelta", "Mod", "floor", "formula", "to_index"]
