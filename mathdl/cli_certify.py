"""The command ``mathdl certify``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mathdl.cli_parts import CHECK_FAILED, ExpressionFirst, derived, fail, of_expression


@click.command(cls=ExpressionFirst)
@of_expression
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the Coq file there.")
@click.option("--check", is_flag=True, help="Have Coq check it.")
@click.option("--statement", is_flag=True, help="Print the theorem alone, not the whole file.")
@click.option("--json", "as_json", is_flag=True, help="Print what Coq says as JSON.")
def certify(
    expression: str, shapes: Sequence[str], wrt: Sequence[str], order: int,
    assumptions: Sequence[str], symmetric: str, out: Path | None, check: bool, statement: bool,
    as_json: bool,
) -> None:
    """Write the derivative of EXPR as a theorem for all dims, with its proof for Coq.

    Without --out or --check the file is printed.  With --check the exit status is 0 only when
    Coq accepted every theorem and assumed nothing beyond its axioms for the real numbers.

    \b
    Examples:
      mathdl certify "sum((X @ w - y)**2)/n" --shape "X: n d; w: d; y: n" --wrt w --check
      mathdl certify "-sum(Y*log_softmax(X @ W))/n" --shape "X: n d; W: d k; Y: n k" --wrt W \\
          --assume "Y: one_hot" --out softmax.v --check
    """
    certificate = derived(expression, shapes, wrt, order, assumptions, symmetric)[2].certificate()
    if out is not None:
        certificate.save(out)
        click.echo(f"wrote {out}")
    if statement:
        click.echo(str(certificate.statement))
    elif out is None and not check:
        click.echo(certificate.source.rstrip("\n"))
    if check:
        accepted = certificate.check()
        click.echo(accepted.to_json() if as_json else str(accepted))
        if not accepted:
            fail("Coq did not accept the certificate", CHECK_FAILED)
