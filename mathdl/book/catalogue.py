"""The catalogue as a list and as a page: law, gradients, source, and what was checked."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mathdl.book.checking import Outcome, guarded, verified
from mathdl.book.facts import derived_facts
from mathdl.book.page import Article, Part, badge, checked, result_and_proof, sheet
from mathdl.catalogue import Entry, entries, entry_named
from mathdl.derivation import derive
from mathdl.errors import UnsupportedError
from mathdl.present.mathml import formula
from mathdl.present.wrap import wrapped

TITLE = "The catalogue"
LEAD = (
    "Each entry is a function in the language of mathdl. It is applied to tensors of symbolic "
    "dims, derived, and verified against finite differences and complex steps; its proof is "
    "checked. G are weights of the entries of a layer's output, so that the gradients are its "
    "backward pass. "
)
LEGEND = (
    "Tried: directions and entries compared with differences of the function. Worst error and "
    "bound: where the error used up most of its bound. Proof: the steps that were checked."
)
WIDTH = 100


def chosen(names: Sequence[str]) -> tuple[Entry, ...]:
    """The entries of these names, or all.

    Raises:
        NamingError: there is none of a name; near names are suggested.
    """
    known = [entry_named(name) for name in dict.fromkeys(names)]
    return tuple(known or entries().values())


def check_listed(entry: Entry, seed: int = 0) -> Outcome:
    """Derive and verify one entry.  What goes wrong is in the outcome, not raised."""

    def work() -> Outcome:
        instance = entry.instance()
        outcome = verified(entry.name, derive(instance.expr, list(instance.wrt)), seed)
        return replace(outcome, facts=derived_facts(entry, instance))

    return guarded(entry.name, work)


# -- on a terminal -----------------------------------------------------------------------------


def names(chosen: Sequence[Entry]) -> str:
    """Names and first lines of the documentation, by family."""
    width = max((len(e.name) for e in chosen), default=0)
    lines = []
    for family, own in by_family(chosen).items():
        lines += [family, *(f"  {e.name.ljust(width)}  {_plain(e.summary)}" for e in own)]
    return "\n".join(lines)


def by_family(chosen: Sequence[Entry]) -> dict[str, list[Entry]]:
    """The entries in the order given, under their families."""
    found: dict[str, list[Entry]] = {}
    for entry in chosen:
        found.setdefault(entry.family, []).append(entry)
    return found


def listing(
    chosen: Sequence[Entry], outcomes: Mapping[str, Outcome], seconds: float, in_full: bool
) -> str:
    """Each entry with what was found of it, and one line in sum."""
    parts = []
    for family, own in by_family(chosen).items():
        parts += [family, *(described(e, outcomes[e.name], in_full) for e in own)]
    accepted = sum(bool(outcomes[e.name]) for e in chosen)
    said = f"{accepted} of {len(chosen)} entries verified in {seconds:.0f} s"
    return "\n\n".join([*parts, said])


def described(entry: Entry, outcome: Outcome, in_full: bool) -> str:
    """One entry: status, law, gradients, facts and source; in full with the report."""
    about = _plain(entry.about if in_full else entry.summary)
    rows = [("law", entry.law), ("gradients", outcome.text), *entry.facts.items(),
            *outcome.facts, ("source", entry.reference)]
    if outcome:
        rows.append(("checked", f"{outcome.tried} places, worst error {outcome.error:.1e} with "
                                f"bound {outcome.bound:.1e}; proof of {outcome.proof}"))
    rows += [("failed", failure) for failure in outcome.failures]
    if in_full and outcome.report:
        rows.append(("report", outcome.report))
    width = max(len(label) for label, _ in rows) + 4
    head = f"{'ok' if outcome else 'FAILED'}  {entry.name}"
    shown = [f"    {line}".rstrip() for line in about.splitlines()]
    shown += [""] * in_full
    for label, text in rows:
        room = [part for line in text.splitlines() for part in
                (wrapped(line, WIDTH - width) if label != "report" else [line])]
        shown += [f"    {label if k == 0 else '':{width - 4}}  {part}".rstrip()
                  for k, part in enumerate(room)]
    return "\n".join([head, *shown])


# -- as a page ---------------------------------------------------------------------------------


def write_catalogue(
    folder: Path, chosen: Sequence[Entry], outcomes: Mapping[str, Outcome]
) -> tuple[Path, dict[str, str]]:
    """Write ``index.html`` into the folder, which is made; return its path and what is amiss.

    Raises:
        MissingExtraError: latex2mathml is not installed.
    """
    problems: dict[str, str] = {}
    parts = [
        Part(f"family-{family}", family.replace("_", " ").capitalize(), "", tuple(
            Article(e.name, html.escape(e.name), article(e, outcomes[e.name], problems))
            for e in own
        ))
        for family, own in by_family(chosen).items()
    ]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "index.html"
    path.write_text(sheet(TITLE, LEAD, LEGEND, parts, outcomes), encoding="utf-8")
    return path, problems


def article(entry: Entry, outcome: Outcome, problems: dict[str, str]) -> str:
    """One entry: law, documentation, facts, gradients, proof, and what was checked."""
    try:
        law = formula(entry.law)
    except UnsupportedError as error:
        problems[entry.name] = str(error)
        law = f"<pre>{html.escape(entry.law)}</pre>"
    result, proof = result_and_proof(outcome, problems)
    about = "".join(f"<p>{_prose(part)}</p>" for part in entry.about.split("\n\n"))
    facts = "".join(
        f"<tr><th>{html.escape(label)}</th><td><code>{html.escape(fact)}</code></td></tr>"
        for label, fact in (*entry.facts.items(), *outcome.facts)
    )
    known = f'<table class="forms facts">{facts}</table>' if facts else ""
    return (
        f'<article id="{entry.name}">\n<h3><a href="#{entry.name}">{html.escape(entry.name)}</a> '
        f"{badge(outcome)}</h3>\n{law}\n{about}\n{known}\n{result}\n{proof}"
        f"<details><summary>As text</summary><pre>{html.escape(outcome.text)}</pre></details>\n"
        f"<details><summary>What was checked</summary><pre>{html.escape(checked(outcome))}</pre>"
        f'</details>\n<h4>Source</h4><p class="references">{html.escape(entry.reference)}</p>\n'
        "</article>"
    )


def _plain(text: str) -> str:
    """Documentation with names and cross-references in single back-quotes."""
    return re.sub(r":\w+:`([^`]+)`", r"``\1``", text).replace("``", "`")


def _prose(text: str) -> str:
    """Documentation as HTML."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(_plain(text)))
