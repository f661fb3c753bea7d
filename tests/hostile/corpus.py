"""Valid requests to start from: the worked cases, the book, and further notation."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from mathdl.book import load_book

TESTS = Path(__file__).parents[1]


@dataclass(frozen=True)
class Case:
    """What ``parse`` and ``derive`` are given, of whatever type."""

    text: Any
    shapes: Any
    assume: Any = None
    wrt: Any = "x"
    order: Any = 1


FURTHER = [
    Case("M[i<n, j<m] = sum[k<d](A[i, k]*B[k, j]); sum(M**2)", "A: n d; B: d m", None, "A"),
    Case("h[-1] = zeros(n); h[t<T] = tanh(W @ h[t - 1] + X[t]); sum(h**2)", "W: n n; X: T n",
         None, "W"),
    Case("l[T] = g; l[t<T] = A.T @ l[t+1]; sum(l)", "A: n n; g: n; X: T n", None, "A"),
    Case("h[-1] = s; h[t<n] = h[t - 1]*x[t]; h[n - 1]", "x: n; s:", None, "x"),
    Case("h[t<n, -1] = 0; h[t<n, j<d] = sin(h[t, j - 1]) + X[t, j]; c[t<n] = sum[j<d](h[t, j]); "
         "sum(c**2)", "X: n d", None, "X"),
    Case("F[-1] = zeros(m); F[i<n, -1] = 0; F[i<n, j<m] = maximum(F[i - 1, j], F[i, j - 1])*C[i, j]"
         "; F[n - 1, m - 1]", "C: n m", None, "C"),
    Case("S[i<n] = sum[k<n](x[k]*where(k <= i, 1, 0)); S @ S", "x: n", None, "x"),
    Case("Y[i<n] = sum[p<3](x[i + p - 1]*w[p]); sum(Y)", "x: n; w: 3", None, "w"),
    Case("E[ids[0], :] @ w", "E: k d; ids: n; w: d", "ids: integer", "E"),
    Case("D[i<n, j<n] = (i == j)*x[i]; trace(D)", "x: n", None, "x"),
    Case("R[i<n] = x[mod(i + 1, n)] + x[floor(i/2)]; sum(R**3)", "x: n", None, "x"),
    Case('einsum("bij,bjk->bik", A, B)', "A: b i j; B: b j k", None, "A"),
    Case("logdet(S) + m @ solve(S, m)", {"S": "n n", "m": "n"}, {"S": "positive_definite"}, "S"),
]


@lru_cache(maxsize=1)
def corpus() -> tuple[Case, ...]:
    """All of them, in an order that does not change."""
    found = list(FURTHER)
    for path in (TESTS / "cases" / "gradients.jsonl", TESTS / "language/data/bad_inputs.jsonl"):
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            assume = {k: v for k, v in row["constraints"].items() if k in row["shapes"]}
            found.append(Case(row["expr"], row.get("shapes_text", row["shapes"]), assume,
                              row["wrt"], row["order"]))
    for entry in load_book():
        found.append(Case(entry.expr, entry.shapes, entry.assume, list(entry.wrt), entry.order))
    return tuple(found)
