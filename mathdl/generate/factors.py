"""Calls of primitives as array values: one factorisation of a matrix serves all that reads it.

``det``, ``logdet``, ``inv``, ``solve`` and ``cholesky`` of a matrix are methods of its factor,
and so are those of its transpose.  ``inv(A) @ b`` is a solution where no inverse is needed.
Parts of a decomposition are entries of the tuple that NumPy gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mathdl.errors import UnsupportedError
from mathdl.generate.graph import Graph
from mathdl.generate.values import Affine, Dot, Linalg, Matmul, Reduction, Reshape, Value
from mathdl.ir.tensor import EXCESS, Tensor
from mathdl.primitives.inverse import TRANSPOSED

FACTORED = ("inv", "solve", "det", "logdet", "signdet", "cholesky")
# parts of decompositions and their places in what these give
PARTS = {"eigvalsh": ("eigh", 0), "eigvecsh": ("eigh", 1),
         "svd_u": ("svd", 0), "svdvals": ("svd", 1), "svd_vh": ("svd", 2)}
# decompositions of which one part alone is cheaper, with what gives it
_ALONE = {"eigh": ("eigvalsh", "_eigvalsh"), "svd": ("svdvals", "_svdvals")}
_WHOLE = {"pinv": "np.linalg.pinv", "expm": "scipy.linalg.expm", "eigh": "_eigh", "svd": "_svd",
          **{call: call for _, call in _ALONE.values()}}
_PAIRS = {"inverse_gaps": -1, "inverse_sums": 1}
_EQUAL = {"eigvalsh": "equal eigenvalues", "svdvals": "equal singular values"}


def lower_call(graph: Graph, tensor: Tensor, args: Sequence[Value]) -> Value:
    """The value of a primitive's call on these arrays."""
    call = tensor.call
    assert call is not None
    params = dict(call.params)
    if call.primitive == EXCESS:
        return graph.make(Reduction("_excess", args[0], (args[0].ndim - 1,)), tensor.shape)
    if call.primitive in PARTS:
        whole = _decomposition(graph, PARTS[call.primitive][0], args[0])
        return graph.make(Linalg(call.primitive, (whole,), ()), tensor.shape)
    if call.primitive == "lstsq":
        return _least_squares(graph, tensor, *args)
    if call.primitive not in FACTORED:
        return graph.make(Linalg(call.primitive, tuple(args), call.params), tensor.shape)
    matrix, *others = args
    kind = "positive" if call.primitive == "cholesky" else params["kind"]
    turned = _turned(matrix) if call.primitive != "cholesky" else None
    if turned is not None:
        matrix, kind = turned, TRANSPOSED[kind]
    made = _factor(graph, matrix, kind)
    how = (("transposed", turned is not None),) if call.primitive == "solve" else ()
    if call.primitive == "inv" and turned is not None:
        return _swapped(graph, graph.make(Linalg("inv", (made,), ()), matrix.shape))
    return graph.make(Linalg(call.primitive, (made, *others), how), tensor.shape)


def _least_squares(graph: Graph, tensor: Tensor, matrix: Value, right: Value) -> Value:
    turned = _turned(matrix)
    whole = _decomposition(graph, "svd", matrix if turned is None else turned)
    how = (("transposed", turned is not None),)
    return graph.make(Linalg("lstsq", (whole, right), how), tensor.shape)


def _decomposition(graph: Graph, name: str, matrix: Value) -> Value:
    return graph.make(Linalg(name, (matrix,), ()), (), "object")


def _factor(graph: Graph, matrix: Value, kind: str) -> Value:
    """The factorisation; a Cholesky factor is triangular and needs no look at its zeros."""
    certain = isinstance(matrix.op, Linalg) and matrix.op.name == "cholesky"
    params = (("kind", kind), ("certain", certain))
    return graph.make(Linalg("factor", (matrix,), params), (), "object")


def _turned(value: Value) -> Value | None:
    """The matrix (or stack) that this is the transpose of."""
    if not isinstance(value.op, Affine) or value.op.base.ndim != value.ndim:
        return None
    *lead, i, j = range(value.ndim)
    wanted = tuple((0, ((k, 1),)) for k in (*lead, j, i))
    base = value.op.base
    same = (*base.shape[:-2], base.shape[-1], base.shape[-2]) == value.shape
    return base if value.op.index == wanted and same else None


def _swapped(graph: Graph, value: Value) -> Value:
    *lead, i, j = range(value.ndim)
    return graph.transpose(value, (*lead, j, i))


def solve_products(graph: Graph, needed: Sequence[Value], results: Sequence[Value]) -> None:
    """Products with an inverse that nothing else reads become solutions.

    Of a matrix whose eigenvalues or singular values alone are read no vectors are computed.
    """
    readers: dict[Value, list[Value]] = {}
    for value in needed:
        for operand in dict.fromkeys(value.operands()):
            readers.setdefault(operand, []).append(value)
    kept = set(results)
    for whole in needed:
        if not isinstance(whole.op, Linalg) or whole.op.name not in _ALONE:
            continue
        part, call = _ALONE[whole.op.name]
        if all(isinstance(r.op, Linalg) and r.op.name == part for r in readers[whole]):
            whole.op = Linalg(call, whole.op.args, ())
    for inverse in needed:
        if not isinstance(inverse.op, Linalg) or inverse.op.name != "inv" or inverse in kept:
            continue
        found = _products(graph, inverse, readers, kept)
        for product, side, transposed in found or ():
            graph.owner = product.owner
            product.op = _solution(graph, inverse.op.args[0], product, side, transposed)


def _products(
    graph: Graph, inverse: Value, readers: dict[Value, list[Value]], kept: set[Value]
) -> list[tuple[Value, int, bool]] | None:
    """Every product with the inverse or its transpose; None when something else reads it."""
    result: list[tuple[Value, int, bool]] = []
    views = [(inverse, False)]
    for reader in readers.get(inverse, ()):
        if _turned(reader) is inverse:
            views.append((reader, True))
    known = {v for v, _ in views}
    for view, transposed in views:
        if view in kept:
            return None
        for reader in readers.get(view, ()):
            if reader in known:
                continue
            if not isinstance(reader.op, (Dot, Matmul)):
                return None
            pair = (reader.op.a, reader.op.b)
            mine = [k for k, v in enumerate(pair) if v in known]
            other = pair[1 - mine[0]]
            if len(mine) != 1 or (
                isinstance(reader.op, Matmul) and other.shape[:-2] != view.shape[:-2]
            ):
                return None
            if reader.shape == () or (view.ndim != 2 and isinstance(reader.op, Dot)):
                return None
            result.append((reader, mine[0], transposed))
    return result


def _solution(
    graph: Graph, factor: Value, product: Value, side: int, transposed: bool
) -> Any:
    """``inv @ b`` (side 0) or ``b @ inv`` (side 1) as an operation on the factor."""
    assert isinstance(product.op, (Dot, Matmul))
    other = product.op.b if side == 0 else product.op.a
    how = (("transposed", transposed != (side == 1)),)
    if other.ndim == 1:
        column = graph.reshape(other, (other.shape[0], 1))
        return Reshape(graph.make(Linalg("solve", (factor, column), how), column.shape))
    if side == 0:
        return Linalg("solve", (factor, other), how)
    turned = _swapped(graph, other)
    solved = graph.make(Linalg("solve", (factor, turned), how), turned.shape)
    return _swapped(graph, solved).op


# -- in NumPy's words --------------------------------------------------------------------------

def linalg_code(op: Linalg, name: Callable[[Value], str], shown: Callable[[Value], str]) -> str:
    """The call as an expression; ``shown`` is what an error calls the tensor of a value."""
    names = [name(a) for a in op.args]
    params = dict(op.params)
    if op.name == "factor":
        certain = ", True" if params["certain"] else ""
        return f"_factor({names[0]}, {params['kind']!r}, {shown(op.args[0])!r}{certain})"
    if op.name in FACTORED:
        rest = [*names[1:], *(["True"] if params.get("transposed") else [])]
        return f"{names[0]}.{op.name}({', '.join(rest)})"
    if op.name in PARTS:
        return f"{names[0]}[{PARTS[op.name][1]}]"
    if op.name in _PAIRS:
        matrix, equal = _decomposed(op.args[0])
        return f"_inverse_pairs({names[0]}, {_PAIRS[op.name]}, {shown(matrix)!r}, {equal!r})"
    if op.name == "inverse_values":
        matrix, _ = _decomposed(op.args[0])
        return f"_inverse_values({', '.join(names)}, {shown(matrix)!r})"
    if op.name == "lstsq":
        turned = ", True" if params["transposed"] else ""
        return f"_lstsq({', '.join(names)}, {shown(_matrix_of(op.args[0]))!r}{turned})"
    if op.name not in _WHOLE:
        raise UnsupportedError(f"no NumPy code is known for {op.name}")
    return f"{_WHOLE[op.name]}({', '.join(names)})"


def _matrix_of(whole: Value) -> Value:
    assert isinstance(whole.op, Linalg)
    return whole.op.args[0]


def _decomposed(values: Value) -> tuple[Value, str]:
    """The matrix whose eigenvalues or singular values these are, and how equal ones are called."""
    if isinstance(values.op, Linalg) and values.op.name in _EQUAL:
        return _matrix_of(values.op.args[0]), _EQUAL[values.op.name]
    return values, "entries of difference or sum 0"
