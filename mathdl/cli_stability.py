"""The command ``mathdl stability``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from mathdl.cli_parts import CHECK_FAILED, ExpressionFirst, expression_text, fail
from mathdl.errors import InputError


@click.command(cls=ExpressionFirst)
@click.argument("expression", metavar="EXPR")
@click.option("--shape", "shapes", metavar="TEXT", multiple=True, required=True,
              help='Declares tensors, as in "X: n d; w: d; a:" (a scalar has no dims). '
                   "Repeatable.")
@click.option("--wrt", metavar="NAME[,NAME]", multiple=True,
              help="Move these and differentiate by them.  [default: all inputs that are real and "
                   "of any size]")
@click.option("--assume", "assumptions", metavar="TEXT", multiple=True,
              help='What holds of a tensor, as in "S: positive_definite; Y: one_hot". '
                   "Repeatable.")
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64",
              show_default=True, help="The precision of the code.")
@click.option("--at", metavar="NUMBER[,NUMBER]", multiple=True,
              help="The sizes to try, instead of 0 and 1e-320 to 1e300 of both signs. Repeatable.")
@click.option("--size", "sizes", metavar="DIM=N[,DIM=N]", multiple=True,
              help="Lengths of dims. Repeatable.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Seed of the inputs that do not move.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text",
              show_default=True, help="How to print the bits.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
              help="Draw the bits there, as .png, .svg or .pdf (the extra plot).")
def stability(
    expression: str, shapes: Sequence[str], wrt: Sequence[str], assumptions: Sequence[str],
    dtype: str, at: Sequence[str], sizes: Sequence[str], seed: int, form: str, out: Path | None,
) -> None:
    """How many bits of the code for EXPR and its derivatives are right, over all sizes of inputs.

    The truth is EXPR as written, computed in as many digits as it takes. The exit status is 1
    where an error is above 1e-6, relatively (1e-5 in float32).

    \b
    Examples:
      mathdl stability "log(1 + exp(x))" --shape "x:"
      mathdl stability "log(sum(exp(x)))" --shape "x: n" --dtype float32 --out bits.svg
    """
    import mathdl as md

    found = md.stability(
        expression_text(expression), _names(wrt) or None, shapes="; ".join(shapes),
        assume="; ".join(assumptions), dtype=dtype,
        at=[_number(part) for part in _names(at)] or None,
        sizes=dict(_size(part) for part in _names(sizes)), seed=seed,
    )
    if out is not None:
        found.plot(out)
    click.echo(found.text() if form == "text" else found.to_json())
    if out is not None:
        click.echo(f"wrote {out}", err=form == "json")
    if not found:
        fail(f"digits are lost at {len(found.failures)} of {len(found.compared)} points",
             CHECK_FAILED)


def _names(parts: Sequence[str]) -> list[str]:
    return [name.strip() for part in parts for name in part.split(",") if name.strip()]


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(f"--at {text!r} is not a number") from None


def _size(text: str) -> tuple[str, int]:
    name, _, length = text.partition("=")
    if not (name.strip() and length.strip().isdigit() and int(length)):
        raise InputError(f"--size {text!r} is not like n=3")
    return name.strip(), int(length)
