"""What a notebook shows of a check: a verdict, a table, remarks; no style and no script.

A front end prefers HTML to Markdown and Markdown to LaTeX.  GitHub drops MathML from HTML, so
formulas go to notebooks as Markdown (:mod:`mathdl.present.markdown`) and LaTeX, which Jupyter,
VS Code and GitHub all set; HTML is for tables, which all of them show.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence


def verdict_html(
    verdict: str, summary: str, rows: Sequence[Sequence[str]] = (), remarks: Iterable[str] = (),
) -> str:
    """The first of the rows is the head of the table."""
    parts = [f"<p><strong>{html.escape(verdict)}</strong>: {html.escape(summary)}</p>"]
    if rows:
        head, *body = ("".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in row)
                       for tag, row in zip(["th", *["td"] * len(rows)], rows, strict=False))
        lines = "".join(f"<tr>{row}</tr>" for row in body)
        parts.append(f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>")
    items = "".join(f"<li>{html.escape(remark)}</li>" for remark in remarks)
    return "".join(parts) + (f"<ul>{items}</ul>" if items else "")
