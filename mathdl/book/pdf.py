"""The book as PDF: title page, contents, chapters of derivations with proofs, status table."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from mathdl._version import __version__
from mathdl.book.checking import Form, Outcome
from mathdl.book.entry import Chapter, Entry
from mathdl.book.page import LEAD, TITLE
from mathdl.present.latex_document import PREAMBLE, document, laws_used
from mathdl.present.latex_words import conventions, escaped
from mathdl.present.pdf import write_pdf

SETTING = PREAMBLE.replace("[a4paper]{article}", "[a4paper,oneside]{book}") + r"""
\usepackage{array,longtable}
\setcounter{tocdepth}{1}
\raggedbottom
\sloppy
"""
LEGEND = (
    "Tried: directions and entries compared with differences of the function. Worst error and "
    "bound: where the error used up most of its bound. Textbook: the largest difference from the "
    "textbook form at random instances, relative to the largest entry. Length: operators of the "
    "result to operators of the textbook form. Proof: steps that the checker accepts."
)
COLUMNS = (58, 12, 16, 16, 18, 14, 16)  # millimetres
HEADS = ("Derivation", "Tried", "Worst error", "Bound", "Textbook", "Length", "Proof")


def write_book_pdf(
    folder: Path, chapters: Iterable[Chapter], entries: Sequence[Entry],
    outcomes: Mapping[str, Outcome],
) -> Path:
    """Write ``book.pdf`` into the folder; return its path.

    Raises:
        MissingToolError: there is no TeX.
        TypesettingError: TeX refuses the book.
    """
    return write_pdf(book_latex(chapters, entries, outcomes), folder / "book.pdf")


def book_latex(
    chapters: Iterable[Chapter], entries: Sequence[Entry], outcomes: Mapping[str, Outcome]
) -> str:
    """The book as a LaTeX document; chapters without a derivation are left out."""
    accepted = sum(bool(outcomes[e.name]) for e in entries)
    parts = [_title_page(f"{LEAD}{accepted} of {len(entries)} are accepted."),
             "\\tableofcontents"]
    for chapter in chapters:
        own = [entry for entry in entries if entry.chapter == chapter.name]
        if own:
            parts.append(f"\\chapter{{{escaped(chapter.title)}}}\n{prose(chapter.summary)}")
            parts += [_section(entry, outcomes[entry.name]) for entry in own]
    laws = dict.fromkeys(law for e in entries for law in outcomes[e.name].laws)
    parts.append(f"{_unnumbered('Laws')}{laws_used(laws)}")
    parts.append(f"{_unnumbered('Status')}{escaped(LEGEND)}\n\n{_status(entries, outcomes)}")
    parts.insert(2, _unnumbered("Conventions") + conventions("\n".join(parts)))
    return document(SETTING, *parts)


def _unnumbered(title: str) -> str:
    return (f"\\chapter*{{{title}}}\n\\addcontentsline{{toc}}{{chapter}}{{{title}}}\n"
            f"\\markboth{{{title}}}{{{title}}}\n")


def _title_page(lead: str) -> str:
    return (
        "\\begin{titlepage}\n\\null\\vfill\n{\\Huge\\bfseries "
        f"{escaped(TITLE)}\\par}}\n\\bigskip\n{escaped(lead)}\n\\vfill\nmathdl {__version__}\n"
        "\\end{titlepage}"
    )


def _section(entry: Entry, outcome: Outcome) -> str:
    """Statement, motivation, theorem and proof, the textbook forms, references."""
    verdict = "" if outcome else (
        "\\paragraph{Not accepted.} " + " ".join(map(escaped, outcome.failures)))
    cited = "\n".join(rf"\item {escaped(r.source)}, {escaped(r.place)}" for r in entry.references)
    parts = [
        f"\\section{{{prose(entry.title)}}}", prose(entry.statement), prose(entry.motivation),
        verdict, outcome.document, _forms(outcome.forms),
        f"\\paragraph{{References.}}\n\\begin{{itemize}}\n{cited}\n\\end{{itemize}}",
    ]
    return "\n\n".join(filter(None, parts))


def prose(text: str) -> str:
    """Text with LaTeX between dollars."""
    parts = text.split("$")
    return "".join(f"${part}$" if k % 2 else escaped(part) for k, part in enumerate(parts))


def _forms(forms: Sequence[Form]) -> str:
    """The results in the language, beside what the textbooks have."""
    items = "\n".join(
        rf"\item[{escaped(f.key)}:] {_code(f.textbook)}" for f in forms
    )
    if not items:
        return ""
    return ("\\paragraph{Textbook form.} Derivatives by these names, in the input language.\n"
            f"\\begin{{description}}\n{items}\n\\end{{description}}")


def _code(text: str) -> str:
    """Text of the language, which may be broken after any operator and bracket."""
    broken = re.sub(r"([-+*/@(,;=]) ?", lambda m: f"{m[0]}\0", text)
    shown = escaped(broken).replace("\0", r"\allowbreak{}")
    return rf"\texttt{{{shown}}}"


def _status(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> str:
    rows = []
    for entry in entries:
        o = outcomes[entry.name]
        errors = [form.error for form in o.forms]
        cells = [
            prose(entry.title) + ("" if o else r" \textbf{not accepted}"), str(o.tried),
            f"{o.error:.1e}", f"{o.bound:.1e}", f"{max(errors):.1e}" if errors else "",
            f"{o.ratio:.2f}" if errors else "", escaped(o.proof.removesuffix(" steps")),
        ]
        rows.append(" & ".join(cells))
    columns = "".join(rf">{{\raggedright}}p{{{w}mm}}" for w in COLUMNS)
    end = r" \tabularnewline" + "\n"
    return (
        "{\\footnotesize\\setlength{\\tabcolsep}{1mm}\n"
        f"\\begin{{longtable}}{{{columns}}}\n{' & '.join(HEADS)}{end}\\hline\\endhead\n"
        f"{end.join(rows)}{end}\\end{{longtable}}}}"
    )
