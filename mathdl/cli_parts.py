"""What commands about an expression share: its options, and how they end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

import click

from mathdl.errors import InputError

BAD_INPUT = 2
CHECK_FAILED = 1

#: Ways to print a report of verification.
REPORTS: dict[str, Callable[[Any], str]] = {
    "text": lambda report: str(report.text()),
    "json": lambda report: str(report.to_json()),
    "markdown": lambda report: str(report.markdown()),
    "html": lambda report: str(report.html()),
}


def fail(message: str, status: int) -> NoReturn:
    click.echo("error: " + " ".join(message.split()), err=True)
    sys.exit(status)


class ExpressionFirst(click.Command):
    """A command whose argument may begin with a minus: ``-sum(Y*log(P))/n`` is no option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if "--" not in args:
            known = {name for option in self.get_params(ctx) for name in option.opts}
            minus = [a for a in args if a[:1] == "-" and a[1:2] not in ("", "-") and a not in known]
            if minus:
                args = [*(a for a in args if a not in minus), "--", *minus]
        return super().parse_args(ctx, args)


_OF_EXPRESSION: tuple[Callable[[Any], Any], ...] = (
    click.argument("expression", metavar="EXPR"),
    click.option("--shape", "shapes", metavar="TEXT", multiple=True, required=True,
                  help='Declares tensors, as in "X: n d; w: d; a:" (a scalar has no dims). '
                       "Repeatable."),
    click.option("--wrt", metavar="NAME[,NAME]", multiple=True, required=True,
                  help="Differentiate with respect to these; W:b is the mixed derivative d/db d/dW "
                       "alone. Repeatable."),
    click.option("--order", type=int, default=1, show_default=True,
                  help="1: gradient, or Jacobian of a tensor; 2: Hessian, of several names all its "
                       "blocks. W:b says it itself."),
    click.option("--assume", "assumptions", metavar="TEXT", multiple=True,
                  help='What holds of a tensor, as in "S: positive_definite; Y: one_hot". '
                       "Repeatable."),
    click.option("--symmetric", metavar="ambient|projected|vech", default="ambient",
                  show_default=True,
                  help="The gradient G by a symmetric argument: G, (G + G.T)/2, or by the entries "
                       "on and below the diagonal, G + G.T - diag(G)."),
)


def of_expression(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument EXPR, and the options that say what is derived of it."""
    return reduce(lambda made, option: option(made), reversed(_OF_EXPRESSION), command)


_OF_REPORT = [
    click.option("--points", type=click.IntRange(min=1), default=3, show_default=True,
                 help="How many instances of different sizes to try."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
                 help="Seed of the instances."),
    click.option("--format", "form", type=click.Choice([*REPORTS]), default="text",
                 show_default=True, help="How to print the report."),
    click.option("--out", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
                 help="Write the report there instead of printing it."),
]


def of_report(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options that say how much is tried, and what becomes of the report."""
    return reduce(lambda made, option: option(made), reversed(_OF_REPORT), command)


def derived(
    expression: str, shapes: Sequence[str], wrt: Sequence[str], order: int,
    assumptions: Sequence[str], symmetric: str,
) -> tuple[str, list[str], Any]:
    """The text, the names in ``--wrt``, and the derivation that the options ask for."""
    import mathdl as md

    text = expression_text(expression)
    names = [name.strip() for part in wrt for name in part.split(",")]
    items = [tuple(map(str.strip, n.split(":"))) if ":" in n else n for n in names]
    value = md.parse(text, shapes="; ".join(shapes), assume="; ".join(assumptions))
    # one name is one tensor: the code returns its derivative bare
    lone = items[0] if len(items) == 1 and ":" not in names[0] else items
    return text, names, md.derive(value, wrt=lone, order=order, symmetric=symmetric)


def expression_text(expression: str) -> str:
    """The argument EXPR; ``-`` is what is piped in."""
    return _standard_input() if expression == "-" else expression


def _standard_input() -> str:
    """What is piped in; no expression that the language accepts is as long as the limit."""
    try:
        return sys.stdin.buffer.read(1 << 20).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"standard input is not UTF-8 text: {error.reason}") from None
