"""Operations that move entries: reshaping, slices, gathers, joining, windows."""

from __future__ import annotations

import math
from typing import Any

import autograd.numpy as anp
import numpy as np
import sympy
from elementary import transposed
from meanings import logsumexp, plain, windows
from pieces import Env, Generator, Piece, plain_dims


def reshaped(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        return None
    kind = g.pick(["flat", "merge", "transpose", "split", "T", "expand"])
    if kind == "T":
        return transposed(p)
    if kind == "expand":
        at = int(g.rng.integers(p.ndim + 1))
        item = ", ".join([":"] * at + ["None"] + [":"] * (p.ndim - at))
        return Piece(f"{p}[{item}]", (*p.shape[:at], 1, *p.shape[at:]),
                     lambda env: anp.expand_dims(p.meaning(env), at), atom=True)
    if kind == "transpose":
        axes = tuple(int(a) for a in g.rng.permutation(p.ndim))
        return Piece(f"transpose({p.text}, {axes})", tuple(p.shape[a] for a in axes),
                     lambda env: anp.transpose(p.meaning(env), axes), atom=True)
    if kind == "flat" and plain_dims(p.shape):
        total = sympy.expand(math.prod(p.shape))
        return Piece(f"reshape({p.text}, {g.pick([-1, total]) if plain_dims([total]) else -1})",
                     (total,),
                     lambda env: anp.reshape(p.meaning(env), (-1,)), atom=True)
    if kind == "merge" and p.ndim >= 2:
        at = int(g.rng.integers(p.ndim - 1))
        shape = (*p.shape[:at], sympy.expand(p.shape[at] * p.shape[at + 1]), *p.shape[at + 2 :])
    elif kind == "split":
        at = int(g.rng.integers(p.ndim))
        if p.shape[at] == 4:
            shape = (*p.shape[:at], 2, 2, *p.shape[at + 1 :])
        elif isinstance(p.shape[at], sympy.Mul):
            a, b = p.shape[at].args[0], sympy.Mul(*p.shape[at].args[1:])
            shape = (*p.shape[:at], b, a, *p.shape[at + 1 :])
        elif p.ndim == 2:
            shape = p.shape[::-1]
        else:
            return None
    else:
        return None
    if not plain_dims(shape):
        return None
    listed = ", ".join(str(d) for d in shape)
    size = tuple(g.size(d) for d in shape)
    return Piece(f"reshape({p.text}, ({listed},))" if g.chance(0.5) else
                 f"reshape({p.text}, {listed})", shape,
                 lambda env: anp.reshape(p.meaning(env), size), atom=True)


def _slice(g: Generator, dim: Any) -> tuple[str, Any, Any] | None:
    """Text, Python index and the new dim (None when the axis goes)."""
    size = g.size(dim)
    symbolic = not sympy.sympify(dim).is_Integer and plain_dims([dim])
    options: list[tuple[str, Any, Any]] = [(":", slice(None), dim),
    ("::-1", slice(None, None, -1), dim),
                                           ("0", 0, None), ("-1", -1, None)]
    options.append(("::2", slice(None, None, 2), sympy.floor((dim + sympy.Integer(1)) / 2)))
    if size >= 2:
        options += [("1:", slice(1, None), dim - 1), (":-1", slice(None, -1), dim - 1),
                    ("1", 1, None), ("-2", -2, None), ("-2:", slice(-2, None), 2),
                    (":2", slice(None, 2), 2), ("1::2", slice(1, None, 2),
                                                sympy.floor(sympy.sympify(dim) / 2))]
        if symbolic:
            options.append((f"{dim} - 1", size - 1, None))
            options.append((f"0:{dim} - 1", slice(0, size - 1), dim - 1))
    if size >= 3:
        options += [("1:-1", slice(1, -1), dim - 2), ("2:", slice(2, None), dim - 2),
                    ("-1:0:-1", slice(-1, 0, -1), dim - 1), ("1:3", slice(1, 3), 2),
                    ("-2::-2", slice(-2, None, -2), sympy.floor(sympy.sympify(dim) / 2)),
                    ("-2:-3:-1", slice(-2, -3, -1), 1)]
    text, index, new = g.pick(options)
    if new is not None:
        new = sympy.sympify(new)
        new = int(new) if new.is_Integer else sympy.expand(new)
    return text, index, new


def sliced(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        return None
    texts, items, shape = [], [], []
    for dim in p.shape:
        text, item, new = _slice(g, dim) if g.chance(0.6) else (":", slice(None), dim)
        texts.append(text)
        items.append(item)
        if new is not None:
            shape.append(new)
    if g.chance(0.2):
        at = int(g.rng.integers(len(texts) + 1))
        before = sum(not isinstance(i, int) for i in items[:at])
        texts.insert(at, "None")
        items.insert(at, None)
        shape.insert(before, 1)
    if all(t == ":" for t in texts):
        return None
    index = tuple(items)
    return Piece(f"{p}[{', '.join(texts)}]", tuple(shape), lambda env: p.meaning(env)[index],
                 atom=True)


def gathered(g: Generator, p: Piece) -> Piece | None:
    for name, count, of in g.integers:
        for axis, dim in enumerate(p.shape):
            if dim == of:
                text = ", ".join([":"] * axis + [name])
                before = (slice(None),) * axis
                return Piece(f"{p}[{text}]", (*p.shape[:axis], count, *p.shape[axis + 1 :]),
                             lambda env, b=before: p.meaning(env)[(*b, env["ids"].astype(int))],
                             atom=True)
    return None


def picked(g: Generator, p: Piece) -> Piece | None:
    """Cross-entropy with class numbers: an entry of each row chosen by data."""
    for name, rows, of in g.integers:
        if p.ndim == 2 and p.shape == (rows, of):
            return Piece(f"cross_entropy({p.text}, {name})", (), lambda env: -anp.sum(
                (p.meaning(env) - logsumexp(p.meaning(env), -1, True))[
                    np.arange(env["ids"].size), env["ids"].astype(int)]) / env["ids"].size, True)
    partners = [q for q in g.pool if q.shape == p.shape and q.ndim]
    if not partners:
        return None
    q = g.pick(partners)
    rows = math.prod(g.sizes(p)[:-1])
    return Piece(f"cross_entropy({p.text}, {q.text})", (), lambda env: -anp.sum(
        q.meaning(env) * (p.meaning(env) - logsumexp(p.meaning(env), -1, True))) / rows, True)


def joined(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        partners = [q for q in g.pool if q.ndim == 0]
        chosen = [p, *(g.pick(partners) for _ in range(int(g.rng.integers(1, 3))))]
        return Piece(f"stack([{', '.join(q.text for q in chosen)}])", (len(chosen),),
                     lambda env: anp.stack([q.meaning(env) for q in chosen]), atom=True)
    axis = int(g.rng.integers(p.ndim))
    if g.chance(0.4):
        partners = [q for q in g.pool if q.shape == p.shape]
        chosen = [p, *(g.pick(partners) for _ in range(int(g.rng.integers(1, 3))))]
        chosen = [chosen[int(k)] for k in g.rng.permutation(len(chosen))]
        at = int(g.rng.integers(p.ndim + 1))
        shown = at - p.ndim - 1 if g.chance(0.3) else at
        shape = (*p.shape[:at], len(chosen), *p.shape[at:])
        return Piece(f"stack([{', '.join(q.text for q in chosen)}], axis={shown})", shape,
                     lambda env: anp.stack([q.meaning(env) for q in chosen], axis=at), atom=True)
    partners = [q for q in g.pool if q.ndim == p.ndim and all(
        k == axis or a == b for k, (a, b) in enumerate(zip(p.shape, q.shape, strict=True)))]
    chosen = [p, *(g.pick(partners) for _ in range(int(g.rng.integers(1, 3))))]
    chosen = [chosen[int(k)] for k in g.rng.permutation(len(chosen))]
    total = sympy.expand(sum(sympy.sympify(q.shape[axis]) for q in chosen))
    total = int(total) if total.is_Integer else total
    shape = (*p.shape[:axis], total, *p.shape[axis + 1 :])
    return Piece(f"concat([{', '.join(q.text for q in chosen)}], axis={axis})", shape,
                 lambda env: anp.concatenate([q.meaning(env) for q in chosen], axis=axis),
                 atom=True)


def windowed(g: Generator, p: Piece) -> Piece | None:
    if p.ndim < 2:
        return None
    height, width = g.sizes(p)[-2:]
    name = g.pick(["conv2d", "max_pool", "avg_pool"])
    stride = g.pick([1, 1, 2, (2, 1)])
    steps = stride if isinstance(stride, tuple) else (stride, stride)

    def count(dim: Any, window: Any, step: int, pad: int) -> Any:
        value = sympy.expand(sympy.floor((dim + 2 * pad - sympy.sympify(window)) / step) + 1)
        return int(value) if value.is_Integer else value

    if name == "conv2d":
        kernels = [q for q in g.pool if q.ndim == p.ndim and q is not p and (
            p.ndim == 2 or (p.ndim == 4 and q.shape[1] == p.shape[1]))]
        if not kernels:
            return None
        k = g.pick(kernels)
        pad = g.pick([0, 0, 1, (1, 2)])
        pads = pad if isinstance(pad, tuple) else (pad, pad)
        window = g.sizes(k)[-2:]
        if height + 2 * pads[0] < window[0] or width + 2 * pads[1] < window[1]:
            return None
        tail = tuple(count(p.shape[a - 2], k.shape[a - 2], steps[a], pads[a]) for a in (0, 1))
        lead = () if p.ndim == 2 else (p.shape[0], k.shape[0])

        def conv(env: Env) -> Any:
            shifted = windows(p.meaning(env), window, steps, pads)
            kernel = k.meaning(env)
            if p.ndim == 2:
                return anp.sum(shifted * anp.reshape(kernel, (-1, 1, 1)), 0)
            flat = anp.reshape(kernel, (*np.shape(plain(kernel))[:2], -1))
            return anp.einsum("pnchw,ocp->nohw", shifted, flat)

        extra = (f", stride={stride}" if stride != 1 or g.chance(0.2) else "") + (
            f", padding={pad}" if pad != 0 else "")
        return Piece(f"conv2d({p.text}, {k.text}{extra})", (*lead, *tail), conv, atom=True)
    size = g.pick([2, 2, (1, 2), (2, 1), (3, 2)])
    window = size if isinstance(size, tuple) else (size, size)
    if height < window[0] or width < window[1]:
        return None
    default = g.chance(0.4)
    if default:
        steps = window
    tail = tuple(count(p.shape[a - 2], window[a], steps[a], 0) for a in (0, 1))
    how = anp.mean if name == "avg_pool" else anp.max
    extra = "" if default else f", stride={stride}"
    return Piece(f"{name}({p.text}, {size}{extra})", (*p.shape[:-2], *tail),
                 lambda env: how(windows(p.meaning(env), window, steps, (0, 0)), axis=0), True)
