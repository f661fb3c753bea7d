"""Checkpoints: all that a run needs to go on where it was interrupted."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from zipfile import BadZipFile

import numpy as np

from mathdl.errors import InputError
from mathdl.train.data import Floats


class Resumable(Protocol):
    """What carries ``states`` from one of its ``steps`` to the next."""

    @property
    def states(self) -> Mapping[str, Floats]:
        """Arrays by name."""

    @property
    def steps(self) -> int:
        """How many were taken."""

    def restore(self, states: Mapping[str, Floats], steps: int) -> None:
        """Go on from what these were."""


@dataclass(frozen=True)
class Checkpoint:
    """A file that is replaced after every epoch, whole or not at all.

    rng
        The source of all randomness of the run, whose state is kept too.
    settings
        What the run was asked to do; only the same run is gone on with.
    """

    path: Path
    rng: np.random.Generator
    settings: Mapping[str, Any]

    def save(self, theta: Floats, rule: Resumable, history: Sequence[Mapping[str, float]]) -> None:
        record = {"settings": self._settings, "rng": self.rng.bit_generator.state,
                  "steps": rule.steps, "history": list(history)}
        states: dict[str, Any] = {f"state_{name}": s for name, s in rule.states.items()}
        new = self.path.with_suffix(".new.npz")
        np.savez(new, theta=theta, record=np.array(json.dumps(record)), **states)
        os.replace(new, self.path)

    def load(self, theta: Floats, rule: Resumable) -> list[dict[str, float]]:
        """The history so far, with everything as it was; empty if nothing was saved.

        Raises:
            InputError: what was saved is of a run with other settings, or no checkpoint.
        """
        if not self.path.exists():
            return []
        try:
            with np.load(self.path, allow_pickle=False) as saved:
                arrays = dict(saved)
            record = json.loads(str(arrays["record"]))
        except (OSError, EOFError, ValueError, KeyError, BadZipFile) as error:
            raise InputError(f"{self.path} is no checkpoint: {error}; remove it") from None
        if record["settings"] != self._settings:
            raise InputError(
                f"{self.path} is of a run with other settings: {record['settings']}; "
                "remove it or choose another folder"
            )
        theta[...] = arrays["theta"]
        rule.restore({name: arrays[f"state_{name}"] for name in rule.states}, record["steps"])
        self.rng.bit_generator.state = record["rng"]
        history: list[dict[str, float]] = record["history"]
        return history

    @property
    def _settings(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.settings.items()}
