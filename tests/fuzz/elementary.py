"""Operations on entries and axes: elementwise, reductions, products."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
import sympy
from meanings import BINARY, REDUCE, UNARY, logsumexp, mean, plain, softmax, variance
from pieces import Env, Generator, Piece, broadcast, plain_dims, reduced


def unary(g: Generator, p: Piece) -> Piece | None:
    text, law = g.pick(UNARY)
    return Piece(text.format(p), p.shape, lambda env: law(p.meaning(env)))


def binary(g: Generator, p: Piece) -> Piece | None:
    text, law = g.pick(BINARY)
    partners = [q for q in g.pool if broadcast(p.shape, q.shape) is not None]
    if law is None:
        partners = [q for q in partners if q.shape == p.shape]
    if not partners:
        return None
    q = g.pick(partners)
    if g.chance(0.5):
        p, q = q, p
    if law is None:
        return Piece(text.format(p, q), p.shape, lambda env: anp.mean(
            (p.meaning(env) - q.meaning(env)) ** 2) * (p.meaning(env) - q.meaning(env)))
    shape = broadcast(p.shape, q.shape)
    assert shape is not None
    return Piece(text.format(p, q), shape, lambda env: law(p.meaning(env), q.meaning(env)))


def dim_number(g: Generator, p: Piece) -> Piece | None:
    used = {str(s) for q in g.pool for d in q.shape for s in sympy.sympify(d).free_symbols}
    names = sorted(used & set(" ".join(g.shapes.values()).split()))
    if not names:
        return None
    name = g.pick(names)
    value = g.dims[name]
    text, law = g.pick([
        ("{0}/{1}", lambda x: x / value), ("{0}/sqrt({1})", lambda x: x / value**0.5),
        ("{0}*({1} - 1)", lambda x: x * (value - 1)), ("{0}**2/{1} + {1}",
                                                      lambda x: x * x / value + value),
        ("log({1})*{0}", lambda x: np.log(value) * x),
        ("{0}*ones({1})[0]", lambda x: x), ("({0} - {1})/{1}", lambda x: (x - value) / value),
    ])
    return Piece(text.format(p, name), p.shape, lambda env: law(p.meaning(env)))


def none_broadcast(g: Generator, p: Piece) -> Piece | None:
    vectors = [q for q in g.pool if q.ndim in (1, 2)]
    if p.ndim != 1 or not vectors:
        return None
    q = g.pick(vectors)
    sign, law = g.pick([("-", anp.subtract), ("*", anp.multiply), ("+", anp.add)])
    if q.ndim == 1:
        return Piece(f"{p}[:, None] {sign} {q}[None, :]", (p.shape[0], q.shape[0]),
                     lambda env: law(p.meaning(env)[:, None], q.meaning(env)[None, :]))
    return Piece(f"{q}[:, None, :] {sign} {p}[None, :, None]",
                 (q.shape[0], p.shape[0], q.shape[1]),
                 lambda env: law(q.meaning(env)[:, None, :], p.meaning(env)[None, :, None]))


def pairwise(g: Generator, p: Piece) -> Piece | None:
    partners = [q for q in g.pool if q.ndim == 2 and p.ndim == 2 and q.shape[1] == p.shape[1]]
    if not partners:
        return None
    q = g.pick(partners)
    return Piece(f"sum(({p}[:, None, :] - {q}[None, :, :])**2, axis=-1)", (p.shape[0], q.shape[0]),
                 lambda env: anp.sum((p.meaning(env)[:, None, :] - q.meaning(env)[None]) ** 2, -1))


def reduction(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        return None
    name = g.pick(["sum", "sum", "mean", *REDUCE])
    axis, keep = g.axes(p), g.chance(0.4)
    law = REDUCE[name]
    shape = reduced(p.shape, axis, keep)
    extra = f", axis={axis}" if axis is not None or g.chance(0.2) else ""
    extra += f", keepdims={keep}" if keep else ""
    return Piece(f"{name}({p.text}{extra})", shape, lambda env: law(p.meaning(env), axis, keep),
                 atom=True)


def normalised(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        return None
    axis = g.axes(p, single=True)
    choice = g.pick(["softmax", "softmax", "log_softmax", "cumsum", "layer_norm", "rms_norm",
                     "batch_norm", "centred"])

    def over(x: Any, axes: Any) -> Any:
        return (x - mean(x, axes, True)) / anp.sqrt(variance(x, axes, True) + 1e-5)

    if choice == "batch_norm":
        if p.ndim not in (2, 4):
            return None
        axes = 0 if p.ndim == 2 else (0, 2, 3)
        return Piece(f"batch_norm({p.text})", p.shape, lambda env: over(p.meaning(env), axes), True)
    if choice == "layer_norm":
        return Piece(f"layer_norm({p.text})", p.shape, lambda env: over(p.meaning(env), -1), True)
    if choice == "rms_norm":
        return Piece(f"rms_norm({p.text})", p.shape, lambda env: p.meaning(env) / anp.sqrt(
            mean(p.meaning(env) ** 2, -1, True) + 1e-5), True)
    if choice == "centred":
        return Piece(f"{p} - mean({p.text}, axis={axis}, keepdims=True)", p.shape,
                     lambda env: p.meaning(env) - mean(p.meaning(env), axis, True))
    law: Callable[..., Any] = {
        "softmax": softmax,
        "log_softmax": lambda x, axis: x - logsumexp(x, axis, True),
        "cumsum": lambda x, axis: anp.cumsum(x, axis=axis),
    }[choice]
    return Piece(f"{choice}({p.text}, axis={axis})", p.shape,
                 lambda env: law(p.meaning(env), axis), atom=True)


def transposed(p: Piece) -> Piece:
    return Piece(f"{p}.T", p.shape[::-1], lambda env: anp.transpose(p.meaning(env)), atom=True)


def matmul(g: Generator, p: Piece) -> Piece | None:
    if p.ndim == 0:
        return None
    options: list[tuple[Piece, Piece]] = []
    for q in g.pool:
        if q.ndim == 0:
            continue
        for a in (p, transposed(p)):
            for b in (q, transposed(q)):
                batch = broadcast(a.shape[:-2], b.shape[:-2])
                if batch is not None and a.shape[-1] == b.shape[0 if b.ndim == 1 else -2]:
                    options.append((a, b))
    if not options:
        return None
    a, b = g.pick(options)
    batch = broadcast(a.shape[:-2], b.shape[:-2])
    assert batch is not None
    shape = (*batch, *(a.shape[-2:-1] if a.ndim > 1 else ()),
             *(b.shape[-1:] if b.ndim > 1 else ()))
    if g.chance(0.15) and a.ndim <= 2 and b.ndim <= 2:
        return Piece(f"dot({a.text}, {b.text})", shape,
                     lambda env: anp.matmul(a.meaning(env), b.meaning(env)), atom=True)
    return Piece(f"{a} @ {b}", shape, lambda env: anp.matmul(a.meaning(env), b.meaning(env)))


def structured(g: Generator, p: Piece) -> Piece | None:
    """Outer and Kronecker products, traces, diagonals and triangles."""
    square = p.ndim == 2 and p.shape[0] == p.shape[1]
    kind = g.pick(["outer", "kron", "trace", "diag", "diagonal", "tril", "triu", "eye", "gram"])
    same = [q for q in g.pool if q.ndim == p.ndim]
    if kind == "outer" and p.ndim == 1:
        q = g.pick(same)
        return Piece(f"outer({p.text}, {q.text})", (p.shape[0], q.shape[0]),
                     lambda env: p.meaning(env)[:, None] * q.meaning(env)[None, :], atom=True)
    if kind == "kron" and p.ndim in (1, 2):
        q = g.pick(same)
        shape = tuple(sympy.expand(a * b) for a, b in zip(p.shape, q.shape, strict=True))
        return Piece(f"kron({p.text}, {q.text})", shape,
                     lambda env: anp.kron(p.meaning(env), q.meaning(env)), atom=True)
    if kind == "trace" and square:
        return Piece(f"trace({p.text})", (),
                     lambda env: anp.sum(p.meaning(env) * np.eye(g.size(p.shape[0]))), atom=True)
    if kind in ("diag", "diagonal") and square:
        return Piece(f"{kind}({p.text})", p.shape[:1],
                     lambda env: anp.sum(p.meaning(env) * np.eye(g.size(p.shape[0])), 1), True)
    if kind == "diag" and p.ndim == 1:
        return Piece(f"diag({p.text})", p.shape * 2,
                     lambda env: p.meaning(env)[:, None] * np.eye(g.size(p.shape[0])), True)
    if kind in ("tril", "triu") and p.ndim >= 2:
        k = g.pick([None, 0, 1, -1])
        mask = getattr(np, kind)(np.ones(g.sizes(p)[-2:]), k or 0)
        extra = "" if k is None else f", {k}" if g.chance(0.5) else f", k={k}"
        return Piece(f"{kind}({p.text}{extra})", p.shape, lambda env: p.meaning(env) * mask, True)
    if kind == "eye" and square:
        n = p.shape[0]
        if not plain_dims([n]):
            return None
        return Piece(f"{p} + 0.5*eye({n})", p.shape,
                     lambda env: p.meaning(env) + 0.5 * np.eye(g.size(n)))
    if kind == "gram" and p.ndim == 2:
        return Piece(f"{p} @ {p}.T", (p.shape[0],) * 2,
                     lambda env: anp.matmul(p.meaning(env), p.meaning(env).T))
    return None


def einsum(g: Generator, p: Piece) -> Piece | None:
    """A random contraction of one to three pieces, with shared and repeated letters."""
    if not 1 <= p.ndim <= 3:
        return None
    chosen = [p, *(g.pick(g.pool) for _ in range(int(g.rng.integers(0, 3))))]
    chosen = [q for q in chosen if 1 <= q.ndim <= 3]
    letters: list[Any] = []
    terms = []
    for q in chosen:
        term = ""
        for dim in q.shape:
            near = [chr(97 + k) for k, d in enumerate(letters) if d == dim]
            if near and g.chance(0.6):
                term += g.pick(near)
            else:
                letters.append(dim)
                term += chr(97 + len(letters) - 1)
        terms.append(term)
    used = sorted(set("".join(terms)))
    order = [used[int(i)] for i in g.rng.permutation(len(used))]
    target = "".join(order[: int(g.rng.integers(0, min(len(used), 3) + 1))])
    text = ",".join(terms) + "->" + target
    shape = tuple(letters[ord(c) - 97] for c in target)

    def meaning(env: Env) -> Any:
        total: Any = 1.0
        for q, term in zip(chosen, terms, strict=True):
            x = q.meaning(env)
            unique = "".join(dict.fromkeys(term))
            for a in range(len(term)):  # a repeated letter is a diagonal
                for b in range(a):
                    if term[a] == term[b]:
                        shape_ = [1] * len(term)
                        shape_[a] = shape_[b] = np.shape(plain(x))[a]
                        x = x * np.eye(shape_[a]).reshape(shape_)
            for a in reversed(range(len(term))):
                if term[a] in term[:a]:
                    x = anp.sum(x, axis=a)
            order_ = [unique.index(c) for c in used if c in unique]
            x = anp.transpose(x, order_)
            sizes = iter(np.shape(plain(x)))
            x = anp.reshape(x, [next(sizes) if c in unique else 1 for c in used])
            total = total * x
        full = [g.size(letters[ord(c) - 97]) for c in used]
        total = total * np.ones(full)
        gone = tuple(k for k, c in enumerate(used) if c not in target)
        total = anp.sum(total, axis=gone) if gone else total
        left = [c for c in used if c in target]
        return anp.transpose(total, [left.index(c) for c in target])

    count = math.prod(g.size(letters[ord(c) - 97]) for c in used)
    if count > 20_000:
        return None
    operands = ", ".join(q.text for q in chosen)
    return Piece(f'einsum("{text}", {operands})', shape, meaning, atom=True)
