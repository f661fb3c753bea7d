"""The command ``mathdl check``, for gradients that somebody wrote."""

from __future__ import annotations

import difflib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import click

from mathdl.cli_parts import CHECK_FAILED, REPORTS, fail, of_report
from mathdl.errors import InputError, MathDLError


@click.command()
@click.argument("function", metavar="MODULE:FUNCTION")
@click.argument("gradient", metavar="[MODULE:GRADIENT]", required=False)
@click.option("--shape", "shapes", metavar="TEXT", multiple=True, required=True,
              help='Declares the arguments, as in "X: n d; w: d; a:" (a scalar has no dims). '
                   "Repeatable.")
@click.option("--vjp", metavar="MODULE:FUNCTION",
              help="Of an array-valued function, instead of its Jacobian: what is called with the "
                   "cotangent first.")
@click.option("--expr", metavar="EXPR",
              help="The function as an expression: its terms are tried in the diagnosis.")
@click.option("--wrt", metavar="NAME[,NAME]", multiple=True,
              help="By what the gradient differentiates.  [default: what its result tells]")
@click.option("--assume", "assumptions", metavar="TEXT", multiple=True,
              help='What holds of an argument, as in "p: positive; y: integer < k". Repeatable.')
@click.option("--dtype", type=click.Choice(["float64", "float32"]), default="float64",
              show_default=True, help="Of the arrays that the functions are given.")
@click.option("--framework", type=click.Choice(["torch", "jax"]),
              help="What the functions' arrays are of.  [default: NumPy, or what the function is]")
@of_report
def check(
    function: str, gradient: str | None, shapes: Sequence[str], vjp: str | None, expr: str | None,
    wrt: Sequence[str], assumptions: Sequence[str], dtype: str, framework: str | None, points: int,
    seed: int, form: str, out: Path | None,
) -> None:
    """Check a gradient that you wrote against differences of your function.

    MODULE is a module that Python finds from here, or a file: the code in it is run. The exit
    status is 0 only if the gradient is right; what is likely wrong is in the report. Without a
    gradient the own derivative of an autograd.Function or a custom_vjp is checked.

    \b
    Examples:
      mathdl check losses:mse losses:mse_grad --shape "X: n d; w: d; y: n"
      mathdl check losses.py:relu --vjp losses.py:relu_vjp --shape "x: n" --format json
    """
    import mathdl as md

    sys.path.insert(0, "")  # as ``python -m`` does
    named = {name: _found(where) for name, where in
             (("f", function), ("grad_f", gradient), ("vjp", vjp)) if where is not None}
    try:
        report = md.check_gradient(
            named["f"], named.get("grad_f"), "; ".join(shapes), vjp=named.get("vjp"), expr=expr,
            wrt=",".join(wrt) or None, assume="; ".join(assumptions) or None, dtype=dtype,
            framework=framework, seed=seed, points=points,
        )
    except MathDLError:
        raise
    except Exception as error:  # whatever the functions raise
        raise InputError(f"a call failed: {type(error).__name__}: {error}") from error
    printed = REPORTS[form](report)
    if out is None:
        click.echo(printed)
    else:
        out.write_text(f"{printed}\n", encoding="utf-8")
    if not report:
        fail(f"{gradient or vjp or function} is not the derivative of {function}, or could not "
             "be compared", CHECK_FAILED)


def _found(where: str) -> Any:
    """The function that ``module:name`` or ``file.py:name`` means; a name may have dots."""
    place, _, name = where.rpartition(":")
    if not place or not name:
        raise InputError(f"{where!r} is not like module:function or file.py:function")
    found: Any = _module(place)
    for part in name.split("."):
        if not hasattr(found, part):
            near = difflib.get_close_matches(part, dir(found), n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"{place} has no {name}{hint}")
        found = getattr(found, part)
    if not callable(found):
        raise InputError(f"{where} is no function but {type(found).__name__}")
    return found


def _module(place: str) -> ModuleType:
    """The module of that name, or in that file, run once."""
    try:
        return _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
    except Exception as error:  # whatever the code that is run raises
        raise InputError(f"cannot import {place}: {type(error).__name__}: {error}") from error


def _from_file(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no file {path}")
    if (known := sys.modules.get(spec.name)) is not None and known.__file__ == str(path.resolve()):
        return known
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
