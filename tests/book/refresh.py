"""Refresh the golden LaTeX of the book: ``python tests/book/refresh.py [NAME ...]``.

Writes what ``latex()`` of each derivation gives now to ``tests/book/golden/NAME.tex``, of all or
of those named, and removes files of derivations that are gone.  Review the difference with
``git diff tests/book/golden`` before committing it; ``test_golden.py`` compares.
"""

from __future__ import annotations

import sys
from pathlib import Path

from mathdl.book import chosen, load_book
from mathdl.book.checking import derivation_of

GOLDEN = Path(__file__).resolve().parent / "golden"


def main(names: list[str]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    entries = load_book()
    changed = []
    for entry in [chosen(entries, name) for name in names] or entries:
        path, latex = GOLDEN / f"{entry.name}.tex", derivation_of(entry).latex() + "\n"
        if not path.exists() or path.read_text("utf-8") != latex:
            path.write_text(latex, encoding="utf-8")
            changed.append(entry.name)
    for path in sorted(GOLDEN.glob("*.tex")):
        if path.stem not in {entry.name for entry in entries}:
            path.unlink()
            changed.append(path.stem)
    print(f"{len(changed)} changed" + (f": {', '.join(changed)}" if changed else ""))


if __name__ == "__main__":
    main(sys.argv[1:])
