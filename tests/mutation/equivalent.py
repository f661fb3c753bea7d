"""Why mutants that verification lets pass are no faults, and what it does not see.

What the exact rung proves needs no entry.  Formulas may be written in another way, which readers
read back to the same numbers; the generator may compute in another order or in other arrays, which
the numbers decide, at the sizes and to the rounding that the run prints.  A mutant that changes
nothing, or equations that no rung proves, or prose that readers read in part, is listed by its
function or by itself.  What is neither refused, nor proved, nor listed fails the run.
"""

from __future__ import annotations

READ = "written otherwise, and read back to the same numbers"
CODE = "computed in another order or in other arrays, with the same numbers"

GUARD = "a condition under which a rule rewrites: the same comes out where it does not"
FORM = "which of several equal forms is written or computed"
COST = "a measure of cost, which only chooses among equal forms"
ORDER = "an order among things that commute"
FAST = "a fast path: without it the general one computes the same"
STATED = "what always holds is stated as a condition as well; what does not is not left out"
NAME = "a name of the code's own, which is made distinct in any case"

#: Functions in which a fault only costs time, or what is nice to read.
FUNCTIONS: dict[str, str] = {
    "mathdl/generate/equations.py: Lowering._of_kind": "NumPy makes numbers of conditions itself",
    "mathdl/generate/expression.py: Expression._sum": COST,
    "mathdl/generate/notation.py: _in_reading_order": FORM,
    "mathdl/generate/numpy_blocks.py: BlockPrinter._slice": NAME,
    "mathdl/generate/terms.py: transpose_windows": FAST,
    "mathdl/generate/windows.py: windowed": FAST,
    "mathdl/present/body.py: Body._indicator": FORM,
    "mathdl/present/conditions.py: is_positive": STATED,
    "mathdl/present/contraction.py: Contraction._batched": FORM,
    "mathdl/present/latex_document.py: _conditions": "where a line is broken",
    "mathdl/present/layout.py: _Layout.name": "the font of a letter",
    "mathdl/present/mathml.py: _letter": "the same letters are looked up in another order",
    "mathdl/present/shorten.py: _rebuilt": FORM,
    "mathdl/present/softmax.py: _matching": FORM,
    "mathdl/present/softmax.py: _terms": COST,
    "mathdl/present/softmax.py: _weighted": FORM,
    "mathdl/present/statements.py: _Writer.node": FORM,
    "mathdl/present/tree.py: turned": FORM,
    "mathdl/simplify/computed.py: computed": FORM,
    "mathdl/simplify/conjugates.py: _by_conjugate": GUARD,
    "mathdl/simplify/conjugates.py: _parts": GUARD,
    "mathdl/simplify/conjugates.py: conjugated": GUARD,
    "mathdl/simplify/engine.py: rewrite_system": FORM,
    "mathdl/simplify/exponential_pairs.py: quotient_of_pairs": GUARD,
    "mathdl/simplify/facts.py: _constant_sum": GUARD,
    "mathdl/simplify/forms.py: _quotients": FORM,
    "mathdl/simplify/inlining.py: _weight": COST,
    "mathdl/simplify/inlining.py: _with_known_signs": FORM,
    "mathdl/simplify/inlining.py: two_values": GUARD,
    "mathdl/simplify/matrices.py: _inner": GUARD,
    "mathdl/simplify/networks.py: _refined": ORDER,
    "mathdl/simplify/products.py: _burden": COST,
    "mathdl/simplify/products.py: _terms": GUARD,
    "mathdl/simplify/scaling.py: _exists": COST,
    "mathdl/simplify/shifting.py: _shift_ratio": GUARD,
    "mathdl/simplify/shifting.py: logarithm_of_product": GUARD,
    "mathdl/simplify/sums.py: known_sum": GUARD,
    "mathdl/simplify/uncancelled.py: _form": FORM,
}

#: Mutants by themselves: unit and change.
MUTANTS: dict[tuple[str, str], str] = {
    ("mathdl/calculus/reverse.py: _names", "constant: True -> False"):
        "an assumption of symbols that a definition replaces by its own",
    ("mathdl/generate/scalars.py: symbols_of", "constant: 0 -> 1"):
        "1 has no symbols either",
    ("mathdl/simplify/forms.py: _signed", "sign: -1 -> 1"):
        "sign(x) is |x|/x, whatever stands beside it",
    ("mathdl/simplify/forms.py: _signed",
     "operands swapped: abs_(f.args[0]) ** (-1) -> (-1) ** abs_(f.args[0])"): GUARD,
    ("mathdl/simplify/quotients.py: replace_quotient", "sign: -q -> q"):
        "any power of (bottom/top)*(top/bottom) is 1",
    ("inverse_sums, operand 0", "transposed"):
        "the tangent of 1/(w[i] + w[j]) is symmetric",
    ("mathdl/calculus/reverse.py: _collect", "constant: True -> False"):
        "a check of lengths that are equal in any case",
    ("mathdl/present/parts.py: definition_at", "constant: True -> False"):
        "an assumption of symbols for which nothing asks",
}

#: What no check sees as yet: functions, or nodes of a printer, and why.
UNSEEN: dict[str, str] = {
    "mathdl/calculus/local.py: _fold": "powers with exponents that are inputs, at 0",
    "mathdl/calculus/recurrence.py: pull_back_loop": "Jacobians of what a loop reads",
    "mathdl/generate/code.py: dim_name": "dims whose names begin with an underscore",
    "mathdl/generate/contraction.py: _row_dot": "stacks of more than two axes in the corpus",
    "mathdl/generate/equations.py: Lowering._sum": "pieces of a sum with numbers of their own",
    "mathdl/generate/equations.py: Lowering._value": "powers of scaled sums in the corpus",
    "mathdl/generate/expression.py: Expression.delta": "deltas of an index and of dims",
    "mathdl/generate/labelled.py: Elementwise.fold": "several arrays that are left after merging",
    "mathdl/generate/numpy_kernels.py: Kernels._scalar_ufunc": "functions of scalars of a loop",
    "mathdl/generate/parts.py: _larger": "parts of which the first is the longer one",
    "mathdl/present/glyphs.py: spelled": "names with accents in the corpus",
    "mathdl/present/latex_lines.py: Piece.opens": "the corpus breaks few lines there",
    "mathdl/present/latex_lines.py: _Reader.pieces": "the corpus breaks few lines there",
    "mathdl/present/latex_tree.py: _item": "new axes in LaTeX are read by no reader",
    "mathdl/present/layout.py: _Layout._visible": "quantities that are shown in another form",
    "mathdl/present/layout.py: _Steps._state": "the axes of what a step of a loop defines",
    "mathdl/present/matrix.py: _whole": "reads of a matrix at other axes, or of other sizes",
    "mathdl/present/page.py: _law_text": "the references of laws in a page",
    "mathdl/present/pretty.py: call_text": "functions with several options in the corpus",
    "mathdl/present/text.py: derivative": "derivatives by two inputs in the corpus",
    "mathdl/simplify/facts.py: mentions": "factors that stay in a sum for the one index only",
    "mathdl/simplify/networks.py: _is_symmetric": "stacks of symmetric matrices in the corpus",
    "mathdl/simplify/variance.py: _matchvariance": "squares that match squares of means by chance",
}


def reason(kind: str, unit: str, mutant: str, what: str, by: str) -> str:
    """The reason for a mutant that was not refused; empty when there is none."""
    if by == "formulas":
        return READ
    if by == "code":
        return CODE
    return MUTANTS.get((unit, mutant)) or FUNCTIONS.get(unit, "")
