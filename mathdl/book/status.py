"""The status of the book as a table for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mathdl.book.checking import Outcome
from mathdl.book.entry import Chapter, Entry

HEADER = ("", "derivation", "by", "tried", "worst error", "bound", "textbook", "length", "proof",
          "certificate", "time")
LEFT = (0, 1, 2, 8, 9)  # columns of text
OPTIONAL = (8, 9)  # shown where there is something


def status_table(entries: Sequence[Entry], outcomes: Mapping[str, Outcome]) -> str:
    """One line for each derivation under its chapter; ``length`` is operators to textbook's."""
    rows: list[tuple[str, ...] | str] = [HEADER]
    chapter = ""
    for entry in entries:
        if entry.chapter != chapter:
            chapter = entry.chapter
            rows.append(chapter)
        rows.append(status_row(entry, outcomes[entry.name]))
    cells = [row for row in rows if not isinstance(row, str)]
    widths = [max(len(row[k]) for row in cells) for k in range(len(HEADER))]
    for k in OPTIONAL:
        if not any(row[k] for row in cells[1:]):
            widths[k] = 0
    return "\n".join(
        row if isinstance(row, str) else "  ".join(
            (cell[:w].ljust(w) if k in LEFT else cell.rjust(w))
            for k, (cell, w) in enumerate(zip(row, widths, strict=True)) if w
        ).rstrip()
        for row in rows
    )


def status_row(entry: Entry, outcome: Outcome) -> tuple[str, ...]:
    verdict = "ok" if outcome else "FAILED"
    if not outcome.forms:
        return (verdict, entry.name, ", ".join(entry.wrt), *[""] * 7, f"{outcome.seconds:.1f} s")
    return (
        verdict, entry.name, ", ".join(entry.wrt), str(outcome.tried), f"{outcome.error:.1e}",
        f"{outcome.bound:.1e}", f"{max(f.error for f in outcome.forms):.1e}",
        f"{outcome.ratio:.2f}" + ("!" if any(f.is_long for f in outcome.forms) else " "),
        outcome.proof, _certificate(outcome), f"{outcome.seconds:.1f} s",
    )


def _certificate(outcome: Outcome) -> str:
    return outcome.certificate if outcome.certificate in ("", "accepted") else "none"


def listing(chapters: Iterable[Chapter], entries: Sequence[Entry]) -> str:
    """The derivations under their chapters: name and title."""
    width = max((len(entry.name) for entry in entries), default=0)
    lines = []
    for chapter in chapters:
        lines.append(chapter.title)
        lines += [f"  {e.name.ljust(width)}  {e.title}" for e in entries
                  if e.chapter == chapter.name]
    return "\n".join(lines)


def report(
    entries: Sequence[Entry], outcomes: Mapping[str, Outcome], seconds: float, in_full: bool
) -> str:
    """The status table, what failed, and one line in sum; in full, each derivation before it."""
    parts = []
    if in_full:
        for entry in entries:
            outcome = outcomes[entry.name]
            forms = [f"textbook {f.key}: {f.textbook}" for f in outcome.forms]
            parts.append("\n".join([entry.title, outcome.text, *forms, outcome.report, ""]))
    parts.append(status_table(entries, outcomes))
    parts += [f"{entry.name}: {failure}" for entry in entries
              for failure in outcomes[entry.name].failures]
    parts += [f"{entry.name}: no certificate: {said.removeprefix('no certificate: ')}"
              for entry in entries
              if (said := outcomes[entry.name].certificate) not in ("", "accepted")]
    return "\n".join([*parts, summary(list(outcomes.values()), seconds)])


def summary(outcomes: Sequence[Outcome], seconds: float) -> str:
    """One line: how many were accepted, how many results are long, and the time."""
    accepted = sum(map(bool, outcomes))
    long = sum(any(f.is_long for f in o.forms) for o in outcomes)
    said = f"{accepted} of {len(outcomes)} derivations accepted in {seconds:.0f} s"
    if any(o.certificate for o in outcomes):
        said += f"; Coq accepts {sum(o.certificate == 'accepted' for o in outcomes)}"
    return said + (f"; {long} longer than 1.3 times the textbook form (!)" if long else "")
