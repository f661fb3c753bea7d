"""Theorem and proof in LaTeX: numbered steps with their reasons, and what they rest on.

The document needs ``amsmath`` and ``amsthm`` only.  Lines are broken where they would leave the
page; what cannot be broken is set smaller (``\\fit``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from mathdl.ir.steps import Law, tensors_of
from mathdl.ir.tensor import Tensor
from mathdl.present.declared import facts, space
from mathdl.present.latex import Row, definition, derivation_rows, derivative
from mathdl.present.latex_lines import broken, width
from mathdl.present.latex_tree import show
from mathdl.present.latex_words import conventions, escaped, heading
from mathdl.present.letters import letter
from mathdl.present.statements import Said, Statement, said, value_name
from mathdl.present.tree import Formula, Name, Sequenced

# in em of the text; the page has 47, of which a step's reason and number take 14
WIDE, NARROW = 45.0, 32.5
LEFT = 8.0  # a left side wider than this stands on a line of its own
BOX = 1.2  # what a frame adds

PREAMBLE = r"""\documentclass[a4paper]{article}
\usepackage[margin=22mm]{geometry}
\usepackage{amsmath,amssymb,amsthm,graphicx}
\newtheorem*{theorem}{Theorem}
\newcommand{\why}[1]{\parbox[t]{35mm}{\raggedright\footnotesize #1}}
\newcommand{\fit}[2]{\sbox0{$\displaystyle #2$}%
  \ifdim\wd0>#1\resizebox{#1}{!}{\usebox0}\else\usebox0\fi}
\newenvironment{steps}
  {\begin{subequations}\renewcommand{\theequation}{\arabic{equation}}}
  {\end{subequations}}
\allowdisplaybreaks
\raggedright
"""


def proof_latex(
    proof: Any, names: Mapping[Tensor, str], detail: str, standalone: bool, title: str = ""
) -> str:
    """The theorem and its proof in LaTeX; a document that compiles alone when ``standalone``."""
    found = said(proof, names, detail)
    body = f"{theorem(proof, names)}\n\n{steps(found)}"
    if standalone:
        laws = dict.fromkeys(law for s in found.statements for law in s.laws)
        section = rf"\section*{{{escaped(heading(title)) or _title(proof)}}}"
        return document(PREAMBLE, section, body, "\\paragraph{Conventions.}\n" + conventions(body),
                        "\\paragraph{Laws.}\n" + laws_used(laws))
    return f"{body}\n"


def document(preamble: str, *parts: str) -> str:
    """The parts as the body of a document."""
    return "\n\n".join([preamble + r"\begin{document}", *parts, "\\end{document}\n"])


def _title(proof: Any) -> str:
    order = max(len(claim.path) for claim in proof.claims)
    kind = "Gradient" if not any(claim.value.ndim for claim in proof.claims) else "Jacobian"
    return {1: kind, 2: "Hessian"}.get(order, f"Derivatives of order {order}")


# -- the theorem -------------------------------------------------------------------------------


def theorem(proof: Any, names: Mapping[Tensor, str]) -> str:
    """Inputs with their spaces and what is assumed of them, definitions, and the derivatives."""
    values = {value_name(name): t for name, t in proof.outputs.items()}
    results = [
        (value_name(claim.output), [(n, _rank(proof, n), k) for n, k in claim.powers], claim.result)
        for claim in proof.claims
    ]
    rows = derivation_rows(values, results, len(proof.claims[0].path), names, proof.hints)
    given, found = rows[: -len(results)], rows[-len(results) :]
    where = f" and define\n{_display(given)}\n" if given else ". "
    return (
        f"\\begin{{theorem}}\nLet {', '.join(_declared(proof))}{where}Then\n{_display(found)}\n"
        "\\end{theorem}"
    )


def _rank(proof: Any, name: str) -> int:
    return next((t.ndim for line in proof.lines for t in tensors_of(line.step)
                 if t.is_input and t.name == name), 0)


def _declared(proof: Any) -> Iterator[str]:
    """``X in R^{n x d}``, with the assumptions that no other implies."""
    tensors = [claim.value for claim in proof.claims] + list(proof.outputs.values())
    for t in proof.inputs(tensors):
        known = [fact.name.replace("_", " ") for fact in facts(t) if fact.name != "integer"]
        noted = f" ({'; '.join(known)})" if known else ""
        yield rf"${letter(Name(t.name or '', t.ndim))} \in {space(t)}${noted}"


def _display(rows: Sequence[Row]) -> str:
    lines = [line for left, right in rows for line in _lines(left, [right], WIDE)]
    body = " \\\\\n".join(lines)
    return f"\\begin{{align*}}\n{body}\n\\end{{align*}}"


# -- the proof ---------------------------------------------------------------------------------


def steps(found: Said) -> str:
    """The numbered steps, and where they hold."""
    plain = [_step(s) for s in found.statements if not s.result]
    results = [_boxed(s) for s in found.statements if s.result]
    parts = [_flalign(rows) for rows in (plain, results) if rows]
    if len(parts) == 2:
        parts.insert(1, "Hence")
    body = "\n".join(parts)
    held = _conditions(found)
    return (
        f"\\begin{{proof}}\n\\begin{{steps}}\n{body}\n\\end{{steps}}\n"
        + (f"{held}\n" if held else "\\vspace{-\\baselineskip}\n") + "\\end{proof}"
    )


def _flalign(rows: Iterable[str]) -> str:
    body = " \\\\\n".join(rows)
    return f"\\begin{{flalign}}\n{body}\n\\end{{flalign}}"


def _step(s: Statement) -> str:
    left, sides = both_sides(s)
    first, *more = _lines(left, sides, NARROW)
    return " \\\\*\n".join([f"{first} && {_why(s)}", *(rf"{line} \notag" for line in more)])


def _boxed(s: Statement) -> str:
    left, sides = both_sides(s)
    lines = _lines(left, sides, NARROW - BOX)
    if len(lines) == 1:
        return rf"& \boxed{{{lines[0].replace('&', '', 1)}}} && {_why(s)}"
    body = " \\\\\n".join(lines)
    return f"& \\boxed{{\\begin{{aligned}}\n{body}\n\\end{{aligned}}}} && {_why(s)}"


def both_sides(s: Statement) -> tuple[str, list[str]]:
    """The left side and what it equals in turn, each once."""
    (*_, last) = s.sides
    if s.left is not None and isinstance(last, Formula | Sequenced):
        left, right = definition(s.left, last)
        return left, [right]
    sides = list(dict.fromkeys(map(show, s.sides)))
    if s.of is not None:
        value = s.of.value
        return derivative(letter(value), s.of.variables, s.of.order), sides
    return (letter(s.left), sides) if s.left is not None else (sides[0], sides[1:])


def _lines(left: str, sides: Sequence[str], room: float) -> list[str]:
    """Aligned lines: the left side with a sign of equality before each of the others."""
    lines = []
    beside = width(left)
    if beside > LEFT or not sides:
        lines += [f"& {line}" for line in _fitted(left, room)]
        left, beside = "", 0.0
    for side in sides:
        for k, line in enumerate(_fitted(side, room - max(beside, LEFT) - 1.4)):
            sign = "= " if k == 0 else r"\qquad "
            lines.append(f"{left} &{sign}{line}".strip())
            left = ""
    return lines


def _fitted(latex: str, room: float) -> list[str]:
    """Lines that are no wider than the room; one that has no place to be broken is set smaller."""
    return [
        rf"\fit{{{room:.1f}em}}{{{line}}}" if width(line) > room else line
        for line in broken(latex, room)
    ]


def _why(s: Statement) -> str:
    by = f", by {', '.join(f'({n})' for n in s.premises)}" if s.premises else ""
    return rf"\why{{{escaped(s.reason)}{by}}}"


def _conditions(found: Said) -> str:
    if not found.conditions:
        return ""
    rows = [(show(node), r"\ne 0" if kind == "nonzero" else r"> 0")
            for kind, node in found.conditions]
    lines = []
    for expr, sign in rows:
        *before, last = _fitted(expr, WIDE - 3)
        lines += [f"& {line}" for line in before]
        lines.append(f"& {last} {sign}")
    body = " \\\\\n".join(lines)
    return f"The steps hold wherever, for every entry,\n\\begin{{align*}}\n{body}\n\\end{{align*}}"


# -- what it rests on --------------------------------------------------------------------------


def laws_used(laws: Iterable[Law]) -> str:
    """The laws: what each states and where it is found."""
    items = "\n".join(
        rf"\item[{escaped(law.name)}:] \texttt{{{escaped(law.law)}}}"
        + (f" ({escaped(law.reference)})" if law.reference else "") for law in laws
    )
    return f"\\begin{{description}}\n{items}\n\\end{{description}}"
