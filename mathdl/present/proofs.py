"""Proofs as text and LaTeX: numbered steps, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sympy import sympify

from mathdl.ir.system import topological
from mathdl.ir.tensor import Tensor
from mathdl.present import latex as latex_view
from mathdl.present import text as text_view
from mathdl.present.letters import letter
from mathdl.present.statements import statements
from mathdl.present.tree import Name, Sequenced


def proof_text(proof: Any, names: Mapping[Tensor, str], detail: str) -> str:
    """The proof as numbered lines of text."""
    lines = []
    for s in statements(proof, names, detail):
        if isinstance(s.sides[0], Sequenced) and s.left is not None:
            why = s.reason
            lines.append(f"{s.number:>4}. {text_view.definition(s.left, s.sides[0])}   [{why}]")
            continue
        parts = [text_view.show(side) for side in s.sides]
        if s.left is not None:
            shown = f"dL/d{s.left.text}" if s.left.kind == "differential" else s.left.text
            parts.insert(0, shown)
        text = " = ".join(dict.fromkeys(parts))
        why = s.reason + (f" ({', '.join(map(str, s.premises))})" if s.premises else "")
        lines.append(f"{s.number:>4}. {text}   [{why}]")
    return "\n".join(lines)


def proof_latex(
    proof: Any, names: Mapping[Tensor, str], detail: str, standalone: bool, title: str = ""
) -> str:
    """The theorem and its proof in LaTeX; a document that compiles alone when ``standalone``."""
    rows: list[str] = []
    for s in statements(proof, names, detail):
        if isinstance(s.sides[0], Sequenced) and s.left is not None:
            line = latex_view.sequenced(s.left, s.sides[0])
            rows.append(rf"{line} && \text{{{s.reason}}} \tag{{{s.number}}}")
            continue
        sides = [latex_view.show(side) for side in s.sides]
        left = latex_view.show(s.left) if s.left is not None else sides.pop(0)
        if s.left is not None and s.left.kind == "differential":
            below = letter(Name(s.left.text, s.left.ndim))
            left = rf"\frac{{\partial L}}{{\partial {below}}}"
        body = " \\\\\n&= ".join(dict.fromkeys(sides)) if sides else ""
        line = f"{left} &= {body}" if body else f"{left} &"
        if s.result:
            line = rf"\boxed{{{left} = {sides[-1]}}} &" if sides else line
        why = s.reason + (", by " + ", ".join(f"({n})" for n in s.premises) if s.premises else "")
        rows.append(rf"{line} && \text{{{_escaped(why)}}} \tag{{{s.number}}}")
    body = (
        "\\begin{proof}\n\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}\n\\end{proof}"
    )
    statement = _theorem(proof, names)
    if not standalone:
        return f"{statement}\n{body}\n"
    return _DOCUMENT.format(title=_escaped(title or "Derivation"), body=f"{statement}\n{body}")


_DOCUMENT = r"""\documentclass{{article}}
\usepackage[a4paper,landscape,margin=15mm]{{geometry}}
\usepackage{{amsmath,amssymb,amsthm}}
\newtheorem*{{theorem}}{{Theorem}}
\allowdisplaybreaks
\begin{{document}}
\section*{{{title}}}
{body}

\paragraph{{Conventions.}} Bold capitals are matrices, bold lower case vectors; $\odot$ is the
entrywise product, $\mathbf 1$ a vector of ones. The gradient of a scalar has the shape of its
argument; $\bar{{\mathbf A}}$ is the derivative of the value by $\mathbf A$.
\end{{document}}
"""


def _theorem(proof: Any, names: Mapping[Tensor, str]) -> str:
    from mathdl.present.latex import derivation_latex

    values = {"L": proof.claims[0].value}
    results = [
        ("L", [(v, _rank(claim.value, v), 1) for v in claim.path], claim.result)
        for claim in proof.claims if claim.value is proof.claims[0].value
    ]
    inputs = {t for c in proof.claims for t in topological([c.value]) if t.is_input}
    declared = []
    for t in sorted(inputs, key=lambda t: t.created):
        space = r" \times ".join(str(sympify(d)) for d in t.shape)
        known = sorted(t.assume - {"nonnegative"})
        noted = f" ({', '.join(known).replace('_', ' ')})" if known else ""
        where = rf"\mathbb{{R}}^{{{space}}}" if t.shape else r"\mathbb{R}"
        declared.append(rf"${letter(Name(t.name or '', t.ndim))} \in {where}${noted}")
    return (
        "\\begin{theorem}\nLet " + ", ".join(declared) + ". Then\n"
        + derivation_latex(values, results, len(proof.claims[0].path), names)
        .replace("$$\n\\begin{aligned}", "\\begin{align*}").replace("\\end{aligned}\n$$",
                                                                  "\\end{align*}")
        + "\n\\end{theorem}"
    )


def _rank(value: Tensor, name: str) -> int:
    return next((t.ndim for t in topological([value]) if t.is_input and t.name == name), 0)


def _escaped(text: str) -> str:
    for a, b in (("\\", r"\textbackslash "), ("_", r"\_"), ("^", r"\^{}"), ("&", r"\&"),
                 ("#", r"\#"), ("%", r"\%")):
        text = text.replace(a, b)
    return text
