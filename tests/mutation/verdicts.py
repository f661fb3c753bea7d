"""What became of mutants, and the table of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import equivalent
from judge import LADDER


@dataclass(frozen=True)
class Outcome:
    """What became of one mutant, and by which expression that was seen."""

    kind: str
    unit: str
    mutant: str
    what: str
    by: str
    detail: str
    expression: str
    tried: int
    seconds: float

    @property
    def reason(self) -> str:
        """Why a mutant that was not refused does no harm; or nothing."""
        if self.what == "proved":
            return self.detail
        if self.what in ("same", "nothing", "unread"):
            return equivalent.reason(self.kind, self.unit, self.mutant, self.what, self.by)
        return ""

    @property
    def wrong(self) -> bool:
        """Whether verification, the corpus or the list of equivalents lacks something."""
        return not (self.refused or self.reason or self.unseen)

    @property
    def refused(self) -> bool:
        return self.what in ("caught", "error", "crash", "timeout")

    @property
    def unseen(self) -> str:
        """What would have to be checked or derived for this mutant to be seen; or nothing."""
        known = not self.refused and not self.reason and self.what not in ("survived", "unreached")
        return equivalent.UNSEEN.get(self.unit, "") if known else ""


COLUMNS = (*LADDER, "readers", "error", "crash", "timeout", "proved", "same", "nothing",
           "unseen", "survived", "unreached")
HEADS = {"crash": "other error", "timeout": "too long", "proved": "proved equal",
         "same": "same numbers", "nothing": "no effect"}


def table(outcomes: Sequence[Outcome]) -> str:
    """By kind: planted, refused by what, equal, without effect, survived."""
    rows = [("kind", "planted", *(HEADS.get(c, c) for c in COLUMNS))]
    for kind in (*dict.fromkeys(o.kind for o in outcomes), "all"):
        mine = [o for o in outcomes if kind in (o.kind, "all")]
        count = Counter(map(_column, mine))
        rows.append((kind, str(len(mine)), *(str(count[c] or "") for c in COLUMNS)))
    widths = [max(len(r[k]) for r in rows) for k in range(len(rows[0]))]
    return "\n".join("  ".join(c.rjust(w) if k else c.ljust(w) for k, (c, w) in enumerate(
        zip(row, widths, strict=True))).rstrip() for row in rows)


def _column(o: Outcome) -> str:
    if o.what == "caught":
        return "readers" if o.by.endswith("reader") else o.by
    return "unseen" if o.unseen or o.what == "unread" else o.what


def listed(outcomes: Sequence[Outcome]) -> str:
    """Those that no rung or reader refused, each with what is known of it."""
    return "\n".join(
        ": ".join(filter(None, (
            o.what, f"{o.kind}, {o.unit}", o.mutant,
            f"{o.tried} expressions come out as without it" if o.what == "nothing" else
            f"{o.detail} [{o.expression}]", o.reason or o.unseen)))
        for o in outcomes if o.what != "caught")
