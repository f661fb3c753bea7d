"""Each kernel in NumPy's words: one or a few lines that write into a named array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sympy import Symbol, sympify

from mathdl.generate.code import dim_code, number_text
from mathdl.generate.factors import linalg_code
from mathdl.generate.numpy_windows import overlap_lines, shifts_lines, stacked_lines
from mathdl.generate.values import (
    Affine,
    Assemble,
    Cast,
    Centred,
    Copy,
    Cumulate,
    Dot,
    Einsum,
    Gather,
    Linalg,
    Matmul,
    Offset,
    Overlap,
    Pad,
    Reduction,
    Reshape,
    Root,
    RowDot,
    Scatter,
    Select,
    Shifts,
    StackedDot,
    Take,
    Ufunc,
    Value,
    Write,
)
from mathdl.ir.dim import Shape, nonnegative, product

Name = Callable[[Any], str]

_INFIX = {"np.add": "+", "np.subtract": "-", "np.multiply": "*", "np.divide": "/"}

_BY_NAME = {"np.maximum", "np.minimum"}  # they take the array to write into by name only

_PLAIN_FUNCTIONS = {"scipy.special.polygamma"}  # no ufuncs: they cannot write into an array


def shape_code(shape: Shape) -> str:
    """A shape as a Python tuple."""
    if len(shape) == 1:
        return f"({dim_code(shape[0])},)"
    return f"({', '.join(dim_code(d) for d in shape)})"


def view_code(index: tuple[Offset, ...], base: str, before: Shape, shape: Shape) -> str:
    """The strided view ``base[index]`` with the given result shape."""
    used = [axis for _, steps in index for axis, _ in steps]
    simple = len(set(used)) == len(used) and all(len(steps) <= 1 for _, steps in index)
    pieces: list[str] = []
    if simple:
        for (start, steps), dim in zip(index, before, strict=True):
            piece = _slice(start, steps[0][1], shape[steps[0][0]], dim) if steps else dim_code(
                start)
            if piece is None:
                simple = False
                break
            pieces.append(piece)
    if not simple:
        starts = shape_code(tuple(c for c, _ in index))
        rows = [
            shape_code(tuple(dict(steps).get(k, 0) for k in range(len(shape))))
            for _, steps in index
        ]
        steps_text = f"({', '.join(rows)}{',' if len(rows) == 1 else ''})"
        wanted = [dim_code(d) for d in shape]
        if before[0] == shape[0] and used.count(0) == 1 and index[0] == (0, ((0, 1),)):
            wanted[0] = f"len({base})"  # a block of rows has fewer
        size = f"({', '.join(wanted)}{',' if len(wanted) == 1 else ''})"
        return f"_strided({base}, {starts}, {size}, {steps_text})"
    text = base
    plain = all(p == ":" for p in pieces)
    new = [k for k in range(len(shape)) if k not in used]
    if used == sorted(used):
        if plain and not new:
            return text
        merged = _insert_new(pieces, used, len(shape), index)
        return f"{text}[{', '.join(merged)}]"
    if not plain:
        text += f"[{', '.join(pieces)}]"
    order = sorted(range(len(used)), key=used.__getitem__)
    reverse = order == list(range(len(used)))[::-1]
    text += ".T" if reverse else f".transpose({', '.join(map(str, order))})"
    if new:
        text += "[" + ", ".join("None" if k in new else ":" for k in range(len(shape))) + "]"
    return text


def _insert_new(
    pieces: list[str], used: list[int], ndim: int, index: tuple[Offset, ...]
) -> list[str]:
    """Slices with ``None`` where the result has a new axis."""
    merged: list[str] = []
    at = 0
    for piece, (_, steps) in zip(pieces, index, strict=True):
        if steps:
            while at < steps[0][0]:
                merged.append("None")
                at += 1
            at += 1
        merged.append(piece)
    merged.extend("None" for _ in range(at, ndim))
    return merged


def _slice(start: Any, step: Any, length: Any, dim: Any) -> str | None:
    start, step = sympify(start), sympify(step)
    last = (start + step * (sympify(length) - 1)).expand()
    if not step.is_Integer or step == 0:
        return None
    if step > 0:
        if start == 0 and step == 1 and length == dim:
            return ":"
        first = "" if start == 0 else dim_code(start)
        text = f"{first}:{dim_code((last + 1).expand())}"
        return text if step == 1 else f"{text}:{step}"
    if last == 0:
        return f"{dim_code(start)}::{step}"
    if nonnegative(last - 1):
        return f"{dim_code(start)}:{dim_code((last - 1).expand())}:{step}"
    return None


def _transposed(value: Value) -> bool:
    """Whether it is a matrix transposed, rows for columns."""
    return isinstance(value.op, Affine) and value.ndim == 2 and value.op.index == (
        (0, ((1, 1),)), (0, ((0, 1),)))


class Kernels:
    """Prints the kernels of a schedule; ``name`` gives the text of a value or constant."""

    def __init__(self, name: Name, function: Callable[[str], str], shown: Name) -> None:
        self.name = name
        self.shown = shown  # how a value is called in messages
        self.function = function  # how a function of NumPy is called
        self.broadcasts: dict[str, int] = {}  # sizes of results of a row or column with a matrix

    def arg(self, value: Any, kind: str = "float") -> str:
        if isinstance(value, Value):
            return self.name(value)
        if kind == "int" and sympify(value).is_integer:
            return dim_code(value)
        return number_text(sympify(value)) or self.name(value)

    def view(self, value: Value) -> str:
        """The expression of a view."""
        match value.op:
            case Affine(base=base, index=index):
                return view_code(index, self.name(base), base.shape, value.shape)
            case Reshape(base=base):
                if base.shape == ():
                    return f"np.reshape({self.name(base)}, {shape_code(value.shape)})"
                shape = "-1" if value.ndim == 1 else shape_code(value.shape)
                return f"{self.name(base)}.reshape({shape})"
        raise AssertionError(value.op)

    # -- numbers --------------------------------------------------------------------------

    def number(self, value: Value) -> str:
        """The expression of a value without axes."""
        op = value.op
        match op:
            case Ufunc(name=name, args=args):
                return self._scalar_ufunc(name, args, value.kind)
            case Select(condition=c, chosen=a, other=b):
                text = f"{self.arg(a)} if {self.name(c)} else {self.arg(b)}"
                return f"number({text})"
            case Cast(base=base) | Copy(base=base):
                return f"number({self.name(base)})"
            case Affine(base=base, index=index):
                return f"{self.name(base)}[{', '.join(dim_code(c) for c, _ in index) or '()'}]"
            case Reshape(base=base):
                return f"{self.name(base)}.item(0)" if base.kind == "bool" else (
                    f"{self.name(base)}.reshape(-1)[0]")
            case Dot(a=a, b=b):
                return f"{self.name(a)}.dot({self.name(b)})"
            case Einsum(subscripts=text, args=args):
                return f"np.einsum('{text}', {', '.join(map(self.name, args))})[()]"
            case RowDot(a=a, b=b):
                return f"rowdot({self.name(a)}, {self.name(b)})"
            case Reduction(name=name, base=base):
                return f"{self.function(name)}.reduce({self.name(base)}, axis=None)"
            case Take(base=base, where=where):
                return f"{self.name(base)}[{self.name(where)}]"
            case Gather(base=base, where=places):
                return f"{self.name(base)}[{', '.join(self.arg(p, 'int') for p in places)}]"
            case Root(squares=squares):
                return self._root(op, f"{self.function('np.sqrt')}({self.name(squares)})")
            case Linalg():
                return self._linalg(op) if value.kind == "object" else f"{self._linalg(op)}[()]"
            case Assemble(start=start, parts=parts):
                texts = [self.name(start)] if start is not None else []
                for part in parts:
                    assert isinstance(part, Write)
                    text = self.arg(part.value)
                    texts.append(f"np.sum({text})" if part.shape else text)
                return f"number({' + '.join(texts)})"
        raise AssertionError(op)

    def _scalar_ufunc(self, name: str, args: tuple[Any, ...], kind: str) -> str:
        texts = [self.arg(a, kind) for a in args]
        if name in _INFIX and len(texts) == 2:
            return f"{texts[0]} {_INFIX[name]} {texts[1]}"
        if name == "np.negative":
            return f"-{texts[0]}"
        if name == "np.square":
            return f"{texts[0]}*{texts[0]}"
        text = f"{self.function(name)}({', '.join(texts)})"
        return f"number({text})" if name in _PLAIN_FUNCTIONS else text

    # -- arrays ---------------------------------------------------------------------------

    def lines(self, value: Value, out: str) -> list[str]:
        """Statements that leave the value in the array called ``out``."""
        op, name = value.op, self.name
        match op:
            case Ufunc(name=f, args=args):
                inside = ", ".join(self._broadcast(a, value) for a in args)
                if f in _PLAIN_FUNCTIONS:
                    return [f"np.copyto({out}, {f}({inside}))"]
                self._count_broadcast(value)
                result = f"out={out}" if f in _BY_NAME else out
                return [f"{self.function(f)}({inside}, {result})"]
            case Select():
                return self._select(op, out)
            case Cast(base=base) | Copy(base=base):
                if base.shape == ():
                    return [f"{out}.fill({name(base)})"]
                return [f"np.copyto({out}, {name(base)})"]
            case Shifts():
                return shifts_lines(op, value, out, name)
            case Overlap():
                return overlap_lines(op, value, out, name)
            case StackedDot():
                return stacked_lines(op, out, name)
            case Pad(base=base):
                return [f"np.copyto({name((value, 'inner'))}, {name(base)})"]
            case Take(base=base, axis=axis, where=where):
                return [f"np.take({name(base)}, {name(where)}, axis={axis}, out={out})"]
            case Gather(base=base, where=places):
                inside = ", ".join(self.arg(p, "int") for p in places)
                return [f"np.copyto({out}, {name(base)}[{inside}])"]
            case Dot(a=a, b=b):
                times = name(("times", a, b)) if _transposed(b) and a.ndim == 2 else ""
                if times:
                    return [f"{times}({name(a)}, {name(b)}, {out})"]
                return [f"{name(a)}.dot({name(b)}, {out})"]
            case Matmul(a=a, b=b):
                return [f"{self.function('np.matmul')}({name(a)}, {name(b)}, {out})"]
            case RowDot(a=a, b=b):
                return [f"rowdot({name(a)}, {name(b)}, out={out})"]
            case Einsum(subscripts=text, args=args):
                return [f"np.einsum('{text}', {', '.join(map(name, args))}, out={out})"]
            case Reduction(name=f, base=base, axes=axes):
                where_ = axes[0] if len(axes) == 1 else axes
                return [f"{self.function(f)}.reduce({name(base)}, axis={where_}, out={out})"]
            case Cumulate(base=base, axis=axis, backwards=backwards):
                if not backwards:
                    return [f"np.cumsum({name(base)}, axis={axis}, out={out})"]
                return [f"np.cumsum(np.flip({name(base)}, {axis}), axis={axis}, "
                        f"out=np.flip({out}, {axis}))"]
            case Centred(base=base, mean=mean, axis=axis):
                inside = ", ".join(self._broadcast(a, value) for a in (base, mean))
                self._count_broadcast(value)
                return [f"{self.function('np.subtract')}({inside}, {out})",
                        f"_centred({out}, {self._broadcast(mean, value)}, {axis})"]
            case Root(squares=squares):
                return [f"{self.function('np.sqrt')}({name(squares)}, {out})",
                        self._root(op, out)]
            case Linalg():
                return [f"np.copyto({out}, {self._linalg(op)})"]
            case Assemble():
                return self._assemble(op, value, out)
        raise AssertionError(op)

    def _broadcast(self, arg: Any, value: Value) -> str:
        """An operand; the only entry of an array by the array itself, which costs less."""
        if isinstance(arg, Value) and arg.shape == () and isinstance(arg.op, Affine):
            base = arg.op.base
            if base.ndim <= value.ndim and all(d == 1 for d in base.shape):
                return self.name(base)
        floats = value.kind == "float" or any(a.kind == "float" for a in value.operands())
        if not isinstance(arg, Value) and floats:
            # a number kept as an array without axes costs half of a Python number
            return self.name(("scalar", sympify(arg)))
        return self.arg(arg, value.kind)

    def _count_broadcast(self, value: Value) -> None:
        if value.ndim > 1 and any(a.ndim and a.shape != value.shape for a in value.operands()):
            size = dim_code(product(value.shape))
            self.broadcasts[size] = self.broadcasts.get(size, 0) + 1

    def _linalg(self, op: Linalg) -> str:
        return linalg_code(op, self.name, self.shown)

    def _root(self, op: Root, root: str) -> str:
        bases = ", ".join(map(self.arg, op.bases))
        more = [f"{key}={self.arg(x)}" for key, x, without in
                (("scale", op.scale, 1), ("shift", op.shift, 0)) if x != without]
        return f"_root({', '.join([root, f'({bases},)', str(op.axis), *more])})"

    def _select(self, op: Select, out: str) -> list[str]:
        lines = []
        other = self.arg(op.other)
        if other != out:
            lines.append(f"np.copyto({out}, {other})")
        chosen = self.arg(op.chosen)
        return [*lines, f"np.copyto({out}, {chosen}, where={self.name(op.condition)})"]

    def _assemble(self, op: Assemble, value: Value, out: str) -> list[str]:
        lines: list[str] = []
        fresh = False
        if op.start is not None:
            start = self.name(op.start)
            if start != out:
                lines.append(f"np.copyto({out}, {start})")
        elif not op.partition:
            lines.append(f"{out}.fill(0.0)")
            fresh = len(op.parts) == 1
        for part in op.parts:
            if isinstance(part, Scatter):
                lines.append(self._scatter(part, out))
            else:
                lines += self._write(part, value, out, assign=(fresh and not part.taps)
                                     or op.partition)
        return lines

    def _scatter(self, part: Scatter, out: str) -> str:
        places = [":" if p is None else self.arg(p, "int") for p in part.where]
        while places and places[-1] == ":":
            places.pop()
        inside = places[0] if len(places) == 1 else f"({', '.join(places)})"
        return f"np.add.at({out}, {inside}, {self.arg(part.value)})"

    def _write(self, part: Write, value: Value, out: str, assign: bool) -> list[str]:
        source = self.arg(part.value)
        if not part.taps:
            target = view_code(part.index, out, value.shape, part.shape)
            if target == out:
                target = f"{out}[...]"
            if not target.endswith("]"):
                return [f"np.copyto({target}, {source})" if assign
                        else f"_view = {target}", *([] if assign else [f"_view += {source}"])]
            return [f"{target} {'=' if assign else '+='} {source}"]
        return self._tapped(part, value, out, source)

    def _tapped(self, part: Write, value: Value, out: str, source: str) -> list[str]:
        lines: list[str] = []
        counters = {axis: Symbol(f"_p{k}", integer=True, nonnegative=True)
                    for k, axis in enumerate(part.taps)}
        depth = ""
        for axis, counter in counters.items():
            lines.append(f"{depth}for {counter} in range({dim_code(part.shape[axis])}):")
            depth += "    "
        kept = [k for k in range(len(part.shape)) if k not in counters]
        renumber = {axis: k for k, axis in enumerate(kept)}
        index: list[Offset] = []
        for start, steps in part.index:
            moved = sum((counters[a] * c for a, c in steps if a in counters), sympify(start))
            index.append((moved, tuple((renumber[a], c) for a, c in steps if a not in counters)))
        shape = tuple(part.shape[k] for k in kept)
        picked = ", ".join(str(counters[k]) if k in counters else ":"
                           for k in range(len(part.shape)))
        target = view_code(tuple(index), out, value.shape, shape)
        if target.endswith("]"):
            lines.append(f"{depth}{target} += {source}[{picked}]")
        else:
            lines += [f"{depth}_view = {target}", f"{depth}_view += {source}[{picked}]"]
        return lines
