"""Experiments: one module each in ``mathdl/train/experiments/``, found by looking there.

A module defines ``EXPERIMENT``.  Its settings are a frozen dataclass derived from
:class:`Settings` whose fields are made with :func:`setting`; each becomes an option of the
command line.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Sequence
from dataclasses import Field, dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mathdl.errors import InputError, MathDLError, NamingError

Say = Callable[[str], None]


class Refused(MathDLError):
    """A check refused the derived gradients, so nothing was trained."""

    exit_status = 1


def setting(
    default: Any,
    text: str,
    *,
    kind: type = str,
    many: bool = False,
    choices: Sequence[str] = (),
    at_least: float | None = None,
    above: float | None = None,
) -> Any:
    """A dataclass field that is also an option of the command line.

    Args:
        default: ``None`` stands for "chosen by the experiment".
        text: what it means, for ``--help``.
        kind: the type of one value.
        many: the value is a tuple, written as ``128,64``.
        choices: the values allowed, when few.
        at_least, above: the bound that each number keeps.
    """
    return field(
        default=default,
        metadata={
            "text": text, "kind": kind, "many": many, "choices": tuple(choices),
            "at_least": at_least, "above": above,
        },
    )


def read_setting(spec: Field[Any], text: str) -> Any:
    """The value of a setting from text, of the right type; its bounds are not checked here.

    Raises:
        InputError: the text is not such a value.
    """
    kind = spec.metadata["kind"]
    parts = text.split(",") if spec.metadata["many"] else [text]
    try:
        values = tuple(kind(part.strip()) for part in parts)
    except ValueError:
        name = {int: "integers", float: "numbers"}.get(kind, "text")
        raise InputError(f"{text!r} is not made of {name}") from None
    return values if spec.metadata["many"] else values[0]


class Settings:
    """Base of settings: a frozen dataclass that checks its fields when it is made.

    Raises:
        InputError: a value is out of bounds or not one of the choices; the message names it.
    """

    def __post_init__(self) -> None:
        for spec in fields(self):  # type: ignore[arg-type]
            value = getattr(self, spec.name)
            if value is None and spec.default is None:
                continue
            values = value if spec.metadata["many"] else (value,)
            if not values:
                raise InputError(f"{spec.name} needs at least one value")
            for one in values:
                _check(spec, one)


def _check(spec: Field[Any], value: Any) -> None:
    name, choices = spec.name, spec.metadata["choices"]
    low, above = spec.metadata["at_least"], spec.metadata["above"]
    if choices and value not in choices:
        raise InputError(f"{name} is one of {', '.join(choices)}, not {value!r}")
    # written so that nan is refused too
    if low is not None and not low <= value < float("inf"):
        raise InputError(f"{name} must be at least {low:g}, not {value:g}")
    if above is not None and not above < value < float("inf"):
        raise InputError(f"{name} must be above {above:g}, not {value:g}")


@dataclass(frozen=True)
class Outcome:
    """What a run ends with: the held-out accuracy, or what stands for it, and the files written."""

    accuracy: float
    files: tuple[Path, ...]


@dataclass(frozen=True)
class Experiment:
    """Something to train: its name, one line about it, its settings and how it runs."""

    name: str
    summary: str
    settings: type[Settings]
    run: Callable[[Any, Say], Outcome]


def experiments() -> dict[str, Experiment]:
    """Every experiment by name, found in the package ``mathdl.train.experiments``.

    Raises:
        NamingError: two modules define the same name.
    """
    from mathdl.train import experiments as package

    found: dict[str, Experiment] = {}
    for module in pkgutil.iter_modules(package.__path__, package.__name__ + "."):
        experiment = importlib.import_module(module.name).EXPERIMENT
        if experiment.name in found:
            raise NamingError(f"two experiments are called {experiment.name!r}")
        found[experiment.name] = experiment
    return found


def experiment_named(name: str) -> Experiment:
    """The experiment called ``name``.

    Raises:
        NamingError: there is none; near names are suggested.
    """
    known = experiments()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"
        raise NamingError(f"no experiment {name!r}; {hint}")
    return known[name]
