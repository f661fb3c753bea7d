"""Checkpoints: all that a run needs to go on where it was interrupted."""

from __future__ import annotations

import json
import os
import tokenize
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import numpy as np
import numpy.typing as npt

from mathdl.errors import InputError
from mathdl.language.names import shown
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


MOST = 1 << 26  # bytes of the record
# what the readers of zip archives, arrays, JSON and random states raise of what is malformed
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError, RecursionError,
           NotImplementedError, RuntimeError, OverflowError, zipfile.BadZipFile, zlib.error,
           SyntaxError, tokenize.TokenError)


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

        Nothing is unpickled, and no array is read whose size is not the one expected.

        Raises:
            InputError: the file is no checkpoint, or what was saved is of a run with other
                settings.
        """
        if not self.path.exists():
            return []
        try:
            with zipfile.ZipFile(self.path) as archive:
                record = json.loads(_text(archive, "record"))
                if record["settings"] != self._settings:
                    raise InputError(
                        f"{self.path} is of a run with other settings: "
                        f"{shown(record['settings'], 200)}; remove it or choose another folder"
                    )
                found = _array(archive, "theta", theta)
                states = {name: _array(archive, f"state_{name}", np.asarray(state))
                          for name, state in rule.states.items()}
            history, steps = _checked(record["history"]), record["steps"]
            if type(steps) is not int or steps < 0:
                raise ValueError("steps is no count")
            self.rng.bit_generator.state = record["rng"]
        except InputError:
            raise
        except _BROKEN as error:
            why = shown(error, 100)
            raise InputError(f"{self.path} is not a checkpoint: {why}; remove it") from None
        theta[...] = found
        rule.restore(states, steps)
        return history

    @property
    def _settings(self) -> dict[str, str]:
        return {name: str(value) for name, value in self.settings.items()}


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of a saved array."""
    version = np.lib.format.read_magic(file)
    readers = {(1, 0): np.lib.format.read_array_header_1_0,
               (2, 0): np.lib.format.read_array_header_2_0}
    shape, _, dtype = readers[version](file)
    return shape, dtype


def _read(archive: zipfile.ZipFile, name: str, fits: Callable[[Any, Any], bool]) -> Any:
    """A member whose shape and type fit, which is known before its entries are read."""
    with archive.open(f"{name}.npy") as file:
        shape, dtype = _header(file)
    if dtype.hasobject or not fits(shape, dtype):
        raise ValueError(f"{name} has shape {shape} and type {dtype}")
    with archive.open(f"{name}.npy") as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _array(archive: zipfile.ZipFile, name: str, like: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found: npt.NDArray[Any] = _read(
        archive, name, lambda shape, dtype: (shape, dtype) == (like.shape, like.dtype))
    return found


def _text(archive: zipfile.ZipFile, name: str) -> str:
    return str(_read(archive, name, lambda shape, dtype: (
        shape == () and dtype.kind == "U" and dtype.itemsize <= MOST)))


def _checked(history: Any) -> list[dict[str, float]]:
    """The history if it is a list of numbers by name."""
    if not isinstance(history, list) or not all(
        isinstance(row, dict) and all(type(v) in (int, float) for v in row.values())
        for row in history
    ):
        raise ValueError("the history is not a list of numbers by name")
    return history
