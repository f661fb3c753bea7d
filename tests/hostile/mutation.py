"""Hostile requests: valid ones mutated by grammar, by character and by type."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from random import Random
from typing import Any

import numpy as np
import sympy
from corpus import Case, corpus

from mathdl.ir.assumptions import ASSUMPTIONS
from mathdl.language.functions import FUNCTIONS

TOKEN = re.compile(r"[A-Za-z_]\w*|\d+\.?\d*(?:[eE][+-]?\d+)?|\*\*|<=|>=|==|!=|->|\s+|.", re.S)

NUMBERS = ["0", "1", "2", "3", "-1", "0.5", "1e999999", "1e-999999", "9**9**9**9", "10**300",
           "1e300", "1e-300", "0.1", "7/3", "9999999999999999999999", "1" * 200, "0x10", "1_0",
           "1j", "1.", ".5", "00", "1e5", "nan", "inf", "2**(10**9)", "-0", "64", "1000000"]
NAMES = ["x", "X", "n", "d", "i", "j", "k", "t", "W", "s", "T", "e", "pi", "None", "True", "_",
         "__import__", "__class__", "np", "math", "out", "lambda", "eval", "exec", "open", "sum",
         "axis", "keepdims", "newaxis", "zz", "E", "I", "S", "ids", "print", "os", "self"]
SIGNS = ["+", "-", "*", "/", "**", "@", "(", ")", "[", "]", ",", ":", ";", "\n", "=", "<", ">",
         "<=", "==", "!=", ".T", ".", "...", " ", "\t", "->", '"', "'", "%", "^", "~", "&", "|",
         "!", "\\", "{", "}", "#", "$", "`", ":=", "//", "<<", "\r", "\x00", "\f", "\u2028"]
SNIPPETS = ["axis=0", "axis=-1", "axis=(0, 1)", "axis=None", "axis=99", "keepdims=True", "x[0]",
            "x[::-1]", "x[:, None]", "x[n - 1]", "x[-1]", "sum[k<n](x[k])", "M[i<n] = x[i]; ",
            "h[-1] = 0; h[t<n] = h[t - 1] + x[t]; ", "where(x > 0, x, 0)", "concat([x, x])",
            "reshape(x, (n, 1))", 'einsum("i,i->", x, x)', "eye(n)", "ones(n, n)", "zeros(10**9)",
            "eye(10**6)", "outer(x, x)", "kron(x, x)", "softmax(x)", "a = x; ", "(x := 1)",
            "f'{x}'", "[y for y in x]", "x if x else x", "lambda: 0", "x.__class__.__mro__",
            "__import__('os').system('true')", "max[k<n]", "prod[i<n, j<n]", "floor(i/2)",
            "mod(i, 2)", "conv2d(X, X)", "max_pool(X, 2)", "transpose(x, (0,))", "inv(X)",
            "cholesky(X)", "eigh(X)[0]", "svd(X)[1]", "expm(X)", "matrix_power(X, 3)",
            "cumsum(x)", "tril(X, k=1)", "stack([x, x], axis=1)", "std(x)", "prod(x)", "digamma(x)",
            "x**x", "x**0.5", "x**-1", "x/0", "log(0)", "sqrt(-1)", "0**x", "x**1000", "1/x"]
UNICODE = ["\u2212", "\u00d7", "\uff58", "\u03c0", "\u212f", "\ud835\udc31", "\u0000", "\u202e",
           "\ufb01", "\u00aa", "\u017f", "\u2126", "e\u0301", "\U0001f600", "\u200b", "\ufeff",
           "\u0660", "\u00b2", "\U0001d465", "\uff08", "\u037e", "\udcff", "\u2c7c", "\u00b5"]
VALUES: list[Any] = [None, True, False, 0, -1, 3, 10**30, 2.5, float("nan"), b"x: n", object(), [],
                     {}, (), ["n", "d"], {"x": None}, {"x": 1.5}, {"x": [[1]]}, {1: "n"}, {"x": {}},
                     {"x": [0]}, {"x": "n"}, {"x": ("n", 3)}, "x", "", "x:", ":n", "x: n; x: n",
                     {None: "n"}, {"x": sympy.Symbol("n")}, {"x": sympy.Rational(1, 2)},
                     {"x": sympy.oo}, {"x": sympy.Symbol("n", positive=True)}, {"x": True},
                     {"x": sympy.Symbol("n; import os", integer=True, positive=True)},
                     {"x": sympy.Integer(3)}, {"x": np.int64(3)}, {"x": np.array([2, 3])},
                     {"x": b"n"}, {"x": range(40)}, {"x": {"n"}}, {"x": sympy.sin(1)}, np.zeros(2),
                     [("x", "n")], {"x": sympy.Symbol("n", integer=True, positive=True) * 2}]
DIMS = ["n", "d", "m", "1", "2", "3", "0", "-1", "n+1", "2*n", "n*m", "1e3", "0x3", "None", "n n n",
        "10**9", "999999999999", "9999999999999", "9" * 400, "_", "__n", "x", "sum", "for", "np",
        "out", "\uff4e", "\u0663", "n;", ",", "n," * 40, "n " * 33, "len", "dtype", "\n", "\x00"]


def tokens(text: str) -> list[str]:
    return TOKEN.findall(text)


def _word(rng: Random) -> str:
    kind = rng.random()
    if kind < 0.2:
        return rng.choice(NUMBERS)
    if kind < 0.4:
        return rng.choice(NAMES)
    if kind < 0.65:
        return rng.choice(SIGNS)
    if kind < 0.85:
        return rng.choice(SNIPPETS)
    if kind < 0.97:
        return rng.choice(sorted(FUNCTIONS)) + rng.choice(["", "(", "(x)", "(x, 2)"])
    return rng.choice(UNICODE)


def _span(rng: Random, parts: Sequence[str]) -> tuple[int, int]:
    start = rng.randrange(len(parts) + 1)
    return start, min(len(parts), start + rng.choice([1, 1, 1, 2, 3, 8]))


def _replaced(rng: Random, parts: list[str]) -> list[str]:
    a, b = _span(rng, parts)
    return [*parts[:a], _word(rng), *parts[b:]]


def _exchanged(rng: Random, parts: list[str]) -> list[str]:
    """A token by another of its kind, so that the text often stays one of the language."""
    at = rng.randrange(len(parts))
    kinds = [sorted(FUNCTIONS), NUMBERS[:14], ["+", "-", "*", "/", "**", "@", "<", ">="],
             sorted({p for p in parts if p.isidentifier()} - FUNCTIONS.keys())]
    alike = next((k for k in kinds if parts[at] in k or (k is kinds[1] and parts[at].isdigit())),
                 None)
    return [*parts[:at], rng.choice(alike), *parts[at + 1:]] if alike else parts


def _inserted(rng: Random, parts: list[str]) -> list[str]:
    a, _ = _span(rng, parts)
    return [*parts[:a], _word(rng), *parts[a:]]


def _deleted(rng: Random, parts: list[str]) -> list[str]:
    a, b = _span(rng, parts)
    return parts[:a] + parts[b:]


def _moved(rng: Random, parts: list[str]) -> list[str]:
    a, b = _span(rng, parts)
    rest = parts[:a] + parts[b:]
    at = rng.randrange(len(rest) + 1)
    return rest[:at] + parts[a:b] + rest[at:]


def _renamed(rng: Random, parts: list[str]) -> list[str]:
    names = [p for p in parts if p.isidentifier()]
    if not names:
        return parts
    old, new = rng.choice(names), rng.choice([*names, *NAMES, *sorted(FUNCTIONS)])
    return [new if p == old else p for p in parts]


def _renumbered(rng: Random, parts: list[str]) -> list[str]:
    numbers = [k for k, p in enumerate(parts) if p[:1].isdigit()]
    if not numbers:
        return _inserted(rng, parts)
    at = rng.choice(numbers)
    return [*parts[:at], rng.choice(NUMBERS), *parts[at + 1:]]


def _spliced(rng: Random, parts: list[str]) -> list[str]:
    other = tokens(rng.choice([c.text for c in corpus()]))
    a, _ = _span(rng, parts)
    c, d = sorted((rng.randrange(len(other) + 1), rng.randrange(len(other) + 1)))
    return parts[:a] + other[c:d] + parts[a:]


def _repeated(rng: Random, parts: list[str]) -> list[str]:
    a, b = _span(rng, parts)
    times = rng.choice([2, 3, 10, 100, 3000]) if rng.random() < 0.2 else 2
    return parts[:a] + parts[a:b] * times + parts[b:]


def _wrapped(rng: Random, parts: list[str]) -> list[str]:
    times = rng.choice([30, 200, 50_000]) if rng.random() < 0.1 else rng.choice([1, 1, 2, 3])
    before, after = rng.choice([
        ("(", ")"), ("[", "]"), ("-", ""), ("sum(", ")"), ("exp(", ")"), ("tanh(", ")"),
        ("", ".T"), ("", "**2"), ("2**", ""), ("(", ")**9"), ("softmax(", ")"), ("-(", ")"),
        ("", "[0]"), ("log(", ")"), ("sum(outer(", ", x))"), ("mean(", ", axis=0)"), ("", "/n"),
        ("inv(", ")"), ("norm2(", ")"), ("max(", ", axis=-1)"), ("cumsum(", ")"), ("", "*x"),
    ])
    return [before * times, *parts, after * times]


def _scrambled(rng: Random, parts: list[str]) -> list[str]:
    text = list("".join(parts))
    for _ in range(rng.choice([1, 2, 5])):
        at = rng.randrange(len(text) + 1)
        code = rng.choice([rng.randrange(128), rng.randrange(0x110000)])
        text[at:at + rng.randrange(2)] = [chr(code)]
    return text


STEPS: list[Callable[[Random, list[str]], list[str]]] = [
    *[_exchanged] * 8, *[_replaced] * 2, *[_inserted] * 2, *[_renamed] * 2, _deleted, _moved,
    _renumbered, _spliced, _repeated, _wrapped, _scrambled,
]


def mutated_text(rng: Random, text: str) -> str:
    parts = tokens(text)
    for _ in range(rng.choice([1, 1, 1, 2, 3, 6])):
        parts = rng.choice(STEPS)(rng, parts) if parts else [_word(rng)]
    return "".join(parts)


def _declaration(rng: Random, declared: Any, words: Sequence[str]) -> Any:
    """A declaration with a value, a word or a character changed; or something else."""
    if rng.random() < 0.1:
        return rng.choice(VALUES)
    if isinstance(declared, dict) and declared:
        name = rng.choice(sorted(declared, key=str))
        value = rng.choice([*words, *VALUES, f"{declared[name]} {rng.choice(words)}"])
        if rng.random() < 0.3:
            return {**declared, rng.choice([*NAMES, *UNICODE]): value}
        return {**declared, name: value}
    parts = tokens(declared if isinstance(declared, str) else "x: n")
    a, b = _span(rng, parts)
    return "".join([*parts[:a], rng.choice([*words, *NAMES, *SIGNS, *UNICODE]), *parts[b:]])


def mutated(rng: Random) -> Case:
    """A request of the corpus with its text, or less often something else of it, changed."""
    case = rng.choice(corpus())
    if rng.random() < 0.85:
        case = replace(case, text=mutated_text(rng, case.text))
    if rng.random() < 0.2:
        case = replace(case, shapes=_declaration(rng, case.shapes, DIMS))
    if rng.random() < 0.15:
        words = [*sorted(ASSUMPTIONS), "causal_mask", "", "one-hot", "symmetric,", "\u0000"]
        case = replace(case, assume=_declaration(rng, case.assume or {"x": "positive"}, words))
    if rng.random() < 0.1:
        wanted = [*NAMES, *UNICODE, *VALUES, ("x", "w"), [("x", "x")], ["x", "x"], [("W",)],
                  ["x", ("x", "x")], "x,y", [[]], [()], ["x"] * 50, iter("x")]
        case = replace(case, wrt=rng.choice(wanted))
    if rng.random() < 0.05:
        case = replace(case, order=rng.choice([0, -1, 2, 3, 21, 10**9, True, 1.0, "2", None]))
    if rng.random() < 0.03:
        most = rng.choice([128, 0x3000, 0x110000])
        case = replace(case, text="".join(
            chr(rng.randrange(most)) for _ in range(rng.randrange(60))
        ))
    if rng.random() < 0.01:
        field = rng.choice([f.name for f in fields(Case)])
        case = replace(case, **{field: rng.choice(VALUES)})
    return case
