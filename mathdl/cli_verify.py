"""The command ``mathdl verify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from mathdl.cli_parts import (
    CHECK_FAILED,
    REPORTS,
    ExpressionFirst,
    derived,
    fail,
    of_expression,
    of_report,
)


class _OrReplay(ExpressionFirst):
    """With ``--replay`` the report says what is derived, and nothing else may."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if any(a.partition("=")[0] == "--replay" for a in args):
            for parameter in self.get_params(ctx):
                parameter.required = False
        return super().parse_args(ctx, args)


@click.command(cls=_OrReplay)
@of_expression
@click.option("--level", metavar="RUNG[,RUNG]|all", default="numeric", show_default=True,
              help="The rungs to climb: shapes, proof, numeric, precise, exact, formal, or all.")
@of_report
@click.option("--replay", "replayed", metavar="FILE",
              type=click.Path(exists=True, dir_okay=False, path_type=Path),
              help="Derive and verify again what a report in JSON is about, and compare.")
def verify(
    expression: str | None, shapes: Sequence[str], wrt: Sequence[str], order: int,
    assumptions: Sequence[str], symmetric: str, level: str, points: int, seed: int, form: str,
    out: Path | None, replayed: Path | None,
) -> None:
    """Verify the derivative of EXPR up a ladder of evidence.

    \b
    shapes    every equation is well formed, every derivative has its shape
    proof     every step of the derivation follows by its law and holds at random instances
    numeric   the generated code against finite differences and complex steps
    precise   difference quotients of 110 digits; the code against 50 digits, float extremes too
    exact     the derivative minus SymPy's is zero as an expression, at small sizes
    formal    Coq accepts the derivation as a theorem for all sizes

    Each is a level by itself; several stand with commas between; all climbs every one, and says
    why one does not apply. The exit status is 1 when a derivative is refused or not decided.

    \b
    Examples:
      mathdl verify "sum((X @ w - y)**2)/n" --shape "X: n d; w: d; y: n" --wrt w --level all
      mathdl verify "logdet(S)" --shape "S: n n" --assume "S: positive_definite" --wrt S \\
          --level precise,exact --format json --out report.json
      mathdl verify --replay report.json
    """
    if replayed is not None:
        if expression is not None:
            raise click.UsageError("--replay takes what is derived from the report, not EXPR")
        report, changed = _again(replayed)
    else:
        report, changed = derived(
            expression or "-", shapes, wrt, order, assumptions, symmetric
        )[2].verify(level=level, points=points, seed=seed), ()
    printed = REPORTS[form](report)
    if out is None:
        click.echo(printed.rstrip("\n"))
    else:
        out.write_text(printed.rstrip("\n") + "\n", encoding="utf-8")
        click.echo(f"{'verified' if report else 'not verified'}; wrote {out}")
    for difference in changed:
        click.echo(f"differs from the report: {difference}", err=True)
    if not report:
        fail("verification failed", CHECK_FAILED)
    if changed:
        fail(f"the replay differs from the report in {len(changed)} places", CHECK_FAILED)


def _again(path: Path) -> tuple[Any, Sequence[str]]:
    from mathdl.replay import differences, replay
    from mathdl.verify import Report

    before = Report.from_json(path.read_text(encoding="utf-8", errors="replace"))
    again = replay(before)
    return again, differences(before, again)
