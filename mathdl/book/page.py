"""The book as one HTML page that needs nothing else: no network, no script that is not in it."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from mathdl.book.checking import Form, Outcome
from mathdl.book.entry import Chapter, Entry
from mathdl.errors import UnsupportedError
from mathdl.present.mathml import formula, paragraph
from mathdl.present.page import FOOTER, TOGGLE, asset, laws_html, page, proof_html

BODY = Template("""<nav>
<h1><a href="#top">$title</a></h1>
<input id="search" type="search" placeholder="Search" aria-label="Search the derivations">
<p id="found" aria-live="polite"></p>
$contents
</nav>
<main id="top">
<header>
<div><h1>$title</h1>
<p>$lead</p></div>
$toggle
</header>
$chapters
<section id="status">
<h2>Status</h2>
<p>$legend</p>
$status
</section>
<section id="rules">
<h2>Rules</h2>
$laws
</section>
$footer
</main>""")

LEAD = (
    "Each derivation is stated as data, derived by mathdl, verified against finite differences "
    "and complex steps, and compared with its textbook form at random instances. "
)
LEGEND = (
    "Tried: directions and entries compared with differences of the function. Worst error and "
    "bound: where the error used up most of its bound. Textbook: the largest difference from "
    "the textbook form at random instances, relative to the largest entry. Length: operators of "
    "the result to operators of the textbook form."
)
TITLE = "The book of derivations"


def write_book(
    folder: Path, chapters: Iterable[Chapter], entries: Sequence[Entry],
    outcomes: Mapping[str, Outcome],
) -> tuple[Path, dict[str, str]]:
    """Write ``index.html`` into the folder, which is made; return its path and what is amiss.

    A result whose LaTeX cannot be converted is shown as its source, and why is returned by the
    derivation's name.

    Raises:
        MissingExtraError: latex2mathml is not installed.
        UnsupportedError: the text of a file of the book cannot be converted.
    """
    problems: dict[str, str] = {}
    text = book_page(chapters, entries, outcomes, problems)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(text, encoding="utf-8")
    return path, problems


def book_page(
    chapters: Iterable[Chapter], entries: Sequence[Entry], outcomes: Mapping[str, Outcome],
    problems: dict[str, str],
) -> str:
    """The page as text; chapters without a derivation are left out.  Fills ``problems``."""
    parts = [
        Part(chapter.name, chapter.title, paragraph(chapter.summary), tuple(
            Article(e.name, paragraph(e.title), article(e, outcomes[e.name], problems))
            for e in entries if e.chapter == chapter.name
        ))
        for chapter in chapters
    ]
    return sheet(TITLE, LEAD, LEGEND, parts, outcomes)


@dataclass(frozen=True)
class Article:
    """One article of a page: its id, its title and itself as HTML."""

    name: str
    title: str
    text: str


@dataclass(frozen=True)
class Part:
    """A chapter of a page; ``summary`` is HTML."""

    name: str
    title: str
    summary: str
    articles: tuple[Article, ...]

    def contents(self) -> str:
        items = "".join(
            f'<li data-for="{a.name}"><a href="#{a.name}">{a.title}</a></li>'
            for a in self.articles
        )
        return (f'<section><h2><a href="#{self.name}">{html.escape(self.title)}</a></h2>'
                f"<ul>{items}</ul></section>")

    def text(self) -> str:
        articles = "\n".join(a.text for a in self.articles)
        return (f'<section class="chapter" id="{self.name}"><h2>{html.escape(self.title)}</h2>'
                f"<p>{self.summary}</p>\n{articles}</section>")


def sheet(
    title: str, lead: str, legend: str, parts: Iterable[Part], outcomes: Mapping[str, Outcome]
) -> str:
    """A page of articles with contents, search, status and rules; empty parts are left out."""
    shown = [part for part in parts if part.articles]
    articles = [a for part in shown for a in part.articles]
    contents = [part.contents() for part in shown] + [
        f'<section><h2><a href="#{name.lower()}">{name}</a></h2></section>'
        for name in ("Status", "Rules")
    ]
    accepted = sum(bool(outcomes[a.name]) for a in articles)
    body = BODY.substitute(
        title=title, lead=lead + f"{accepted} of {len(articles)} are accepted.", legend=legend,
        contents="\n".join(contents), chapters="\n".join(part.text() for part in shown),
        toggle=TOGGLE, footer=FOOTER, status=status(articles, outcomes),
        laws=laws_html(dict.fromkeys(
            law for a in articles for law in outcomes[a.name].written.laws)),
    )
    return page(title, body, asset("book.css", "mathdl.book"), asset("book.js", "mathdl.book"))


def article(entry: Entry, outcome: Outcome, problems: dict[str, str]) -> str:
    """One derivation: statement, motivation, result, textbook form, what was checked."""
    try:
        statement, motivation = paragraph(entry.statement), paragraph(entry.motivation)
        title = paragraph(entry.title)
    except UnsupportedError as error:
        raise error.within(entry.name) from None
    result, proof = result_and_proof(outcome, problems)
    cited = "".join(
        f"<li>{html.escape(r.source)}, {html.escape(r.place)}</li>" for r in entry.references
    )
    given = html.escape(entry.expr)
    assumed = f"\nassume {html.escape(entry.assume)}" if entry.assume else ""
    return (
        f'<article id="{entry.name}">\n<h3><a href="#{entry.name}">{title}</a> '
        f"{badge(outcome)}</h3>\n<p>{statement}</p>\n"
        f'<p class="motivation">{motivation}</p>\n{result}\n{forms(outcome.forms)}\n{proof}'
        f'<details class="input"><summary>Input</summary><pre>{given}\n\n'
        f"{html.escape(entry.shapes)}{assumed}</pre></details>\n"
        f"<details><summary>What was checked</summary><pre>{html.escape(checked(outcome))}</pre>"
        f"</details>\n"
        f'<h4>References</h4><ul class="references">{cited}</ul>\n</article>'
    )


def result_and_proof(outcome: Outcome, problems: dict[str, str]) -> tuple[str, str]:
    """The derivatives, and the proof to unfold; what cannot be set goes into ``problems``."""
    try:
        result = formula(outcome.latex) if outcome.latex else ""
        steps = proof_html(outcome.written, f"{outcome.name}-")
    except UnsupportedError as error:
        problems[outcome.name] = str(error)
        source, steps = html.escape(outcome.latex), ""
        result = f'<p class="bad">A formula could not be set.</p><pre>{source}</pre>'
    proof = (f'<details class="proof"><summary>Proof</summary>\n{steps}</details>\n'
             if steps else "")
    return result, proof


def badge(outcome: Outcome) -> str:
    kind, word = ("good", "verified") if outcome else ("bad", "failed")
    return f'<span class="badge {kind}">{word}</span>'


def checked(outcome: Outcome) -> str:
    lines = [f"failed: {failure}" for failure in outcome.failures]
    lines += [outcome.report] if outcome.report else []
    lines += [
        f"textbook form of {form.key}: {form.instances} instances, largest difference "
        f"{form.error:.1e} of the largest entry; {form.ours} operators to {form.theirs}"
        for form in outcome.forms
    ]
    lines += [f"proof: {outcome.proof}"] if outcome.proof else []
    lines += [f"certificate: {outcome.certificate}"] if outcome.certificate else []
    return "\n".join(lines)


def forms(found: Sequence[Form]) -> str:
    """The results as text beside the textbook forms."""
    if not found:
        return ""
    rows = "".join(
        f"<tr><th>{html.escape(form.key)}</th><td><code>{_lines(form.text)}</code></td>"
        f"<td><code>{_lines(form.textbook)}</code></td></tr>"
        for form in found
    )
    return (
        '<div class="wide"><table class="forms"><thead><tr><th></th><th>Derived</th>'
        f"<th>Textbook</th></tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _lines(text: str) -> str:
    return "<br>".join(html.escape(line) for line in text.replace("; ", "\n").split("\n"))


def status(articles: Sequence[Article], outcomes: Mapping[str, Outcome]) -> str:
    """What was checked of each derivation, as a table."""
    heads = ["Entry", "Result", "Checked by", "Tried", "Worst error", "Bound", "Textbook",
             "Length", "Proof", "Certificate", "Time"]
    table = []
    for one in articles:
        o = outcomes[one.name]
        errors = [form.error for form in o.forms]
        table.append([
            f'<a href="#{one.name}">{one.title}</a>', badge(o),
            html.escape(", ".join(o.methods)), str(o.tried), f"{o.error:.1e}", f"{o.bound:.1e}",
            f"{max(errors):.1e}" if errors else "", f"{o.ratio:.2f}" if errors else "",
            html.escape(o.proof) or "not recorded", html.escape(o.certificate),
            f"{o.seconds:.1f} s",
        ])
    used = [k for k in range(len(heads)) if any(cells[k] for cells in table)]
    rows = [
        f'<tr data-for="{one.name}">' + "".join(f"<td>{cells[k]}</td>" for k in used) + "</tr>"
        for one, cells in zip(articles, table, strict=True)
    ]
    head = "".join(f"<th>{heads[k]}</th>" for k in used)
    return (f'<div class="wide"><table class="status"><thead><tr>{head}</tr></thead>'
            f"<tbody>{''.join(rows)}</tbody></table></div>")
