"""The rules, each with its law.  Values and shapes never change."""

from __future__ import annotations

from mathdl.simplify.engine import Rule
from mathdl.simplify.inlining import normalise, put_in, two_values
from mathdl.simplify.matrices import cancel, of_inverse, one_way
from mathdl.simplify.products import collect, take_out
from mathdl.simplify.quotients import fold_functions
from mathdl.simplify.scaling import scale_after, share_scaled
from mathdl.simplify.sums import contract, distribute, known_sum, merge_sums, pull_out, split_delta

NORMAL_FORM = Rule("normal form", "a(b + c) = ab + ac; ab/a = b, the cheapest form", normalise)
TWO_VALUES = Rule("two values", "f(y) = (1 - y) f(0) + y f(1) for y = 0 or 1", two_values)
INLINE = Rule("inline", "replace a quantity by its definition where that is shorter", put_in)
PULL_OUT = Rule("factor out of a sum", "sum_k c f(k) = c sum_k f(k)", pull_out)
KNOWN_SUM = Rule("known sum", "sum_k Y[i,k] = 1, and what follows from definitions", known_sum)
CONTRACT = Rule("contract", "sum_k delta[i,k] f(k) = f(i)", contract)
MERGE_SUMS = Rule("merge sums", "sum_i sum_k f = sum_ik f", merge_sums)
SPLIT_DELTA = Rule("split", "sum_k (f + delta g) = sum_k f + sum_k delta g", split_delta)

DISTRIBUTE = Rule("distribute", "sum_k w (f + g) = sum_k w f + sum_k w g", distribute)
ONE_WAY = Rule("symmetric", "S[i,j] = S[j,i]", one_way)
SHARE_SCALED = Rule("share", "sum_k c f(k) = c sum_k f(k), where that exists", share_scaled)
SCALE_AFTER = Rule("scale after", "solve(A, c b) = c solve(A, b)", scale_after, "calls")
OF_INVERSE = Rule("inverse", "inv(inv(A)) = A; det(inv(A)) = 1/det(A)", of_inverse, "calls")
COLLECT = Rule("collect", "A (B C) + (A B) C = 2 A B C, whatever the brackets", collect)
TAKE_OUT = Rule("take out", "sum_k f g + sum_k f h = sum_k f (g + h)", take_out)
CANCEL = Rule("cancel inverses", "sum_k A[i,k] inv(A)[k,j] = delta[i,j]; Q.T @ Q = I", cancel)

RULES = (
    ONE_WAY, CANCEL, OF_INVERSE, SPLIT_DELTA, KNOWN_SUM, NORMAL_FORM, TWO_VALUES, PULL_OUT,
    CONTRACT, DISTRIBUTE, SHARE_SCALED, MERGE_SUMS, INLINE, SCALE_AFTER, COLLECT, TAKE_OUT,
)

FOLD = Rule("fold", "f(a) is read from the quantity that it is", fold_functions)
"""Applied when all else is done: what is folded no longer cancels."""
