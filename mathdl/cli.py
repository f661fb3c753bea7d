"""The command line.  Everything heavy is imported inside the command that needs it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import click

from mathdl._version import __version__
from mathdl.cli_certify import certify
from mathdl.cli_check import check
from mathdl.cli_parts import (
    BAD_INPUT,
    CHECK_FAILED,
    ExpressionFirst,
    derived,
    fail,
    of_expression,
)
from mathdl.cli_stability import stability as stability_command
from mathdl.cli_verify import verify as verify_command
from mathdl.errors import InputError, MathDLError, MissingToolError

INTERRUPTED = 130

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class OneLineErrors(click.Group):
    """A group that reports every expected error as one line, ``error: ...``, on stderr."""

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None,
        complete_var: str | None = None, standalone_mode: bool = True, **extra: Any,
    ) -> Any:
        run: Callable[..., Any] = super().main
        options = {"args": args, "prog_name": prog_name, "complete_var": complete_var, **extra}
        if not standalone_mode:
            return run(standalone_mode=False, **options)
        try:
            status = run(standalone_mode=False, **options)
        except click.ClickException as error:
            fail(error.format_message(), BAD_INPUT)
        except MathDLError as error:
            fail(str(error), getattr(error, "exit_status", BAD_INPUT))
        except click.Abort:
            fail("interrupted", INTERRUPTED)
        except OSError as error:
            where = f"{error.filename}: " if error.filename else ""
            fail(f"{where}{error.strerror or error}", BAD_INPUT)
        sys.exit(status if isinstance(status, int) else 0)


@click.group(cls=OneLineErrors, context_settings=CONTEXT, invoke_without_command=True)
@click.version_option(__version__, prog_name="mathdl")
@click.pass_context
def main(ctx: click.Context) -> None:
    """Derive and verify the mathematics of deep learning.

    From one expression: its closed-form gradients, NumPy code that computes them, and a check
    of both.

    \b
    Examples:
      mathdl derive "sum((X @ w - y)**2)/n" --shape "X: n d; w: d; y: n" --wrt w
      mathdl train digits
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


# ways to print a derivation; ``document`` is its proof as a LaTeX document, ``html`` as a page
_PRINTED: dict[str, Callable[[Any], str]] = {
    "text": lambda derivation: str(derivation.text()),
    "pretty": lambda derivation: str(derivation),
    "latex": lambda derivation: str(derivation.latex()),
    "proof": lambda derivation: str(derivation.proof.text()),
    "document": lambda derivation: str(derivation.latex(standalone=True)),
    "html": lambda derivation: str(derivation.html()),
    "markdown": lambda derivation: str(derivation.markdown()),
}


@main.command(cls=ExpressionFirst)
@of_expression
@click.option("--format", "form", type=click.Choice([*_PRINTED, "json", "pdf"]), default="text",
              show_default=True, help="How to print the result; pdf needs --out and TeX.")
@click.option("--out", metavar="FILE", type=click.Path(dir_okay=False),
              help="Write the result there instead of printing it.")
@click.option("--code", metavar="FILE", type=click.Path(dir_okay=False, allow_dash=True),
              help="Write a module that needs only NumPy; - prints it instead of the result.")
@click.option("--verify", is_flag=True,
              help="Check the generated code against finite differences; exit 1 if it fails.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Seed of the points that --verify tries.")
def derive(
    expression: str,
    shapes: Sequence[str],
    wrt: Sequence[str],
    order: int,
    assumptions: Sequence[str],
    symmetric: str,
    form: str,
    out: str | None,
    code: str | None,
    verify: bool,
    seed: int,
) -> None:
    """Derive the gradient, Jacobian or Hessian of EXPR.

    EXPR is NumPy-like mathematics; - reads it from standard input. It may name intermediate
    quantities, separated by semicolons or newlines; the last part is what is differentiated.

    \b
    Examples:
      mathdl derive "sum((X @ w - y)**2)/n" --shape "X: n d; w: d; y: n" --wrt w --verify
      mathdl derive "P = softmax(X @ W + b); -sum(Y*log(P))/n" \\
          --shape "X: n d; W: d c; b: c; Y: n c" --assume "Y: one_hot" --wrt W,b
      mathdl derive "sum((X @ w + b - y)**2)" --shape "X: n d; w: d; b: ; y: n" --wrt w:b
      mathdl derive "sum((T - U @ V.T)**2)" --shape "T: n m; U: n k; V: m k" --wrt U --order 2
      mathdl derive "sum(tanh(x))" --shape "x: n" --wrt x --code grad.py
    """
    if form == "pdf":
        from mathdl.present.pdf import pdflatex

        if out is None:
            raise click.UsageError("--format pdf needs --out FILE")
        pdflatex()  # before the work, not after it
    text, names, derivation = derived(expression, shapes, wrt, order, assumptions, symmetric)
    report = derivation.verify(seed=seed) if verify else None
    accepted = report is None or bool(report)
    if code not in (None, "-") and accepted:
        Path(str(code)).write_text(derivation.source, encoding="utf-8")
    if code == "-" and accepted:
        click.echo(derivation.source)
    elif form == "pdf":
        if accepted:
            click.echo(f"wrote {derivation.pdf(str(out))}")
    else:
        printed = _PRINTED[form](derivation) if form != "json" else _as_json(
            text, names, derivation, code is not None and accepted, report)
        if out is None:
            click.echo(printed)
        else:
            Path(out).write_text(f"{printed}\n", encoding="utf-8")
    if report is not None and form != "json":
        # keep stdout pure LaTeX or pure code when that is what was asked for
        click.echo(f"\n{report}", err=form not in ("text", "pretty", "proof") or code == "-")
    if not accepted:
        kept = "; no code was written" if code is not None else (
            "; no PDF was written" if form == "pdf" else "")
        fail(f"verification failed{kept}", CHECK_FAILED)


def _as_json(
    expression: str, wrt: list[str], derivation: Any, with_code: bool, report: Any
) -> str:
    import json

    result: dict[str, Any] = {
        **derivation.to_dict(), "expression": expression.strip(), "wrt": wrt
    }
    if with_code:
        result["code"] = derivation.source
    if report is not None:
        result["verification"] = json.loads(report.to_json())
    return json.dumps(result, indent=2, ensure_ascii=False)


main.add_command(verify_command)
main.add_command(certify)
main.add_command(check)
main.add_command(stability_command)


class Experiments(click.Group):
    """One subcommand for each experiment, its options made from the experiment's settings."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        from mathdl.train.experiment import experiments

        return sorted(experiments())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        from mathdl.train.experiment import experiment_named

        experiment = experiment_named(cmd_name)

        def run(**chosen: Any) -> None:
            experiment.run(experiment.settings(**chosen), click.echo)

        return click.Command(
            cmd_name,
            params=[_option(spec) for spec in fields(experiment.settings)],  # type: ignore[arg-type]
            callback=run,
            help=experiment.summary,
        )


def _option(spec: Field[Any]) -> click.Option:
    """The option ``--learning-rate`` for the setting ``learning_rate``."""

    def read(ctx: click.Context, parameter: click.Parameter, text: Any) -> Any:
        from mathdl.train.experiment import read_setting

        if text is None:
            return spec.default
        try:
            return read_setting(spec, text)
        except InputError as error:
            raise click.BadParameter(str(error), ctx, parameter) from None

    facts = spec.metadata
    text = str(facts["text"])
    shown: Any = spec.default
    if shown is not None:
        if facts["many"]:
            shown = ",".join(str(one) for one in shown)
        text += f"  [default: {shown}]"
    kind = {int: "INTEGER", float: "NUMBER", Path: "FOLDER"}.get(facts["kind"], "TEXT")
    return click.Option(
        ["--" + spec.name.replace("_", "-")],
        metavar="|".join(facts["choices"]) or (kind + "[,...]" if facts["many"] else kind),
        help=text,
        callback=read,
    )


@main.group(cls=Experiments, invoke_without_command=True)
@click.option("--list", "listed", is_flag=True, help="List the experiments.")
@click.pass_context
def train(ctx: click.Context, listed: bool) -> None:
    """Train a network with derived, verified gradients.

    \b
    Examples:
      mathdl train digits
      mathdl train digits --hidden 128,64 --activation tanh --epochs 30 --out runs/tanh
    """
    if listed:
        from mathdl.train.experiment import experiments

        found = experiments()
        width = max(map(len, found))
        for name, experiment in sorted(found.items()):
            click.echo(f"{name.ljust(width)}  {experiment.summary}")
        ctx.exit()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


@main.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="List the derivations by chapter.")
@click.option("--out", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
              help="Write the book there: one HTML page that works offline, index.html, and, "
                   "where TeX is installed, book.pdf.")
@click.option("--certify", is_flag=True,
              help="Have Coq check a certificate of each, too; a column says what it accepts.")
@click.option("--processes", type=click.IntRange(min=1), default=None,
              help="How many to work on at a time.  [default: 2, or 1 on a single core]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Seed of the points that are tried.")
def book(
    names: Sequence[str], listed: bool, out: Path | None, certify: bool, processes: int | None,
    seed: int,
) -> int:
    """Derive and check the derivations of the book, all or those named.

    Each is verified against finite differences and compared with its textbook form at random
    instances; the exit status is 1 when one fails.

    \b
    Examples:
      mathdl book
      mathdl book softmax_cross_entropy
      mathdl book --out book
    """
    from mathdl.book import (
        chapters,
        check,
        check_and_certify,
        chosen,
        load_book,
        write_book,
        write_book_pdf,
    )
    from mathdl.book.status import listing, report
    from mathdl.present.mathml import converter

    entries = load_book()
    if listed:
        click.echo(listing(chapters(), entries))
        return 0
    if names:
        entries = tuple(chosen(entries, name) for name in dict.fromkeys(names))
    if out is not None:
        converter()  # before the work, not after it
    if certify:
        from mathdl.formal.coqc import library

        library()  # compiled once, before the processes need it
    outcomes, seconds = _checked(entries, processes, seed, check_and_certify if certify else check)
    click.echo(report(entries, outcomes, seconds, in_full=bool(names)))
    problems: dict[str, str] = {}
    if out is not None:
        path, problems = write_book(out, chapters(), entries, outcomes)
        click.echo("\n".join([f"wrote {path}", *(f"{k}: {v}" for k, v in problems.items())]))
        try:
            click.echo(f"wrote {write_book_pdf(out, chapters(), entries, outcomes)}")
        except MissingToolError as error:
            click.echo(f"no PDF was written: {error}", err=True)
    return _fail_if_any(entries, outcomes, problems)


@main.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("--list", "listed", is_flag=True, help="List names and first lines only.")
@click.option("--out", metavar="FOLDER", type=click.Path(file_okay=False, path_type=Path),
              help="Write the catalogue there: one HTML page that works offline, index.html.")
@click.option("--processes", type=click.IntRange(min=1), default=None,
              help="How many to work on at a time.  [default: 2, or 1 on a single core]")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
              help="Seed of the points that are tried.")
def catalogue(
    names: Sequence[str], listed: bool, out: Path | None, processes: int | None, seed: int
) -> int:
    """List layers, activations, losses and more, all or those named.

    Each is shown with its law, its gradients, its source and what was checked: it is derived and
    verified against finite differences, and the exit status is 1 when one fails.

    \b
    Examples:
      mathdl catalogue --list
      mathdl catalogue layer_norm
      mathdl catalogue --out catalogue
    """
    from mathdl.book import catalogue as pages
    from mathdl.present.mathml import converter

    entries = pages.chosen(names)
    if listed:
        click.echo(pages.names(entries))
        return 0
    if out is not None:
        converter()  # before the work, not after it
    outcomes, seconds = _checked(entries, processes, seed, pages.check_listed)
    click.echo(pages.listing(entries, outcomes, seconds, in_full=bool(names)))
    problems: dict[str, str] = {}
    if out is not None:
        path, problems = pages.write_catalogue(out, entries, outcomes)
        click.echo("\n".join([f"wrote {path}", *(f"{k}: {v}" for k, v in problems.items())]))
    return _fail_if_any(entries, outcomes, problems)


def _fail_if_any(entries: Any, outcomes: dict[str, Any], problems: dict[str, str]) -> int:
    failed = [e.name for e in entries if not outcomes[e.name] or e.name in problems]
    if failed:
        fail(f"{len(failed)} of {len(entries)} failed: {', '.join(failed)}", CHECK_FAILED)
    return 0


def _checked(
    entries: Any, processes: int | None, seed: int, how: Any = None
) -> tuple[dict[str, Any], float]:
    """The outcomes by name and the seconds taken, with a progress bar on a terminal."""
    import time

    from mathdl.book import check, run

    started, outcomes = time.perf_counter(), {}
    with click.progressbar(length=len(entries), label="checking", show_pos=True,
                           file=sys.stderr) as bar:
        for outcome in run(entries, processes, seed, how or check):
            outcomes[outcome.name] = outcome
            bar.update(1)
    return outcomes, time.perf_counter() - started
