"""The registry of experiments and how settings are read."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import pytest

from mathdl.errors import InputError, NamingError
from mathdl.train import experiments as package
from mathdl.train.experiment import (
    Experiment,
    Settings,
    experiment_named,
    experiments,
    read_setting,
    setting,
)


@dataclass(frozen=True)
class Some(Settings):
    count: int = setting(3, "How many.", kind=int, at_least=1)
    widths: tuple[int, ...] = setting((4,), "Widths.", kind=int, many=True, at_least=1)
    rate: float | None = setting(None, "Rate.", kind=float, above=0)
    kind: str = setting("a", "Kind.", choices=("a", "b"))


SPECS = {spec.name: spec for spec in fields(Some)}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("count", "5", 5),
        ("widths", "128, 64", (128, 64)),
        ("rate", "1e-3", 1e-3),
        ("kind", "b", "b"),
    ],
)
def test_settings_are_read_from_text(name: str, text: str, value: object) -> None:
    assert read_setting(SPECS[name], text) == value


@pytest.mark.parametrize(
    ("name", "text"), [("count", "five"), ("widths", "128,"), ("rate", ""), ("widths", "1.5")]
)
def test_text_that_is_no_such_value_is_refused(name: str, text: str) -> None:
    with pytest.raises(InputError, match="is not made of"):
        read_setting(SPECS[name], text)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"count": 0}, "count must be at least 1, not 0"),
        ({"widths": (4, -1)}, "widths must be at least 1, not -1"),
        ({"widths": ()}, "widths needs at least one value"),
        ({"rate": 0.0}, "rate must be above 0, not 0"),
        ({"rate": float("nan")}, "rate must be above 0, not nan"),
        ({"rate": float("inf")}, "rate must be above 0, not inf"),
        ({"kind": "c"}, "kind is one of a, b, not 'c'"),
    ],
)
def test_settings_out_of_bounds_are_refused(values: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        Some(**values)
    assert str(caught.value) == message


def test_each_module_is_one_experiment() -> None:
    files = {p.stem for p in Path(package.__path__[0]).glob("*.py")} - {"__init__"}
    assert set(experiments()) == files


@pytest.mark.parametrize("experiment", experiments().values(), ids=lambda e: e.name)
def test_experiments_are_complete(experiment: Experiment) -> None:
    assert experiment.summary.endswith(".")
    settings = experiment.settings()
    assert {"epochs", "seed", "out"} <= {spec.name for spec in fields(settings)}  # type: ignore[arg-type]


def test_an_unknown_experiment_is_refused_with_a_suggestion() -> None:
    with pytest.raises(NamingError, match="no experiment 'digit'; did you mean digits"):
        experiment_named("digit")
