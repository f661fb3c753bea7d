"""A checkpoint that is no checkpoint is refused by name, before it can run or fill anything."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mathdl.errors import InputError
from mathdl.train.checkpoint import Checkpoint
from mathdl.train.optimizers import optimizer_named

RAN: list[str] = []


class Planted:
    """What runs when it is unpickled."""

    def __reduce__(self) -> Any:
        return RAN.append, ("ran",)


def saved(folder: Path) -> tuple[Checkpoint, Any, dict[str, bytes]]:
    """A good checkpoint, its rule, and its members."""
    theta = np.arange(5.0)
    rule = optimizer_named("adam").rule(theta)
    checkpoint = Checkpoint(folder / "c.npz", np.random.default_rng(0), {"rate": 0.1})
    checkpoint.save(theta, rule, [{"epoch": 1, "loss": 0.5}])
    with zipfile.ZipFile(checkpoint.path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    return checkpoint, rule, members


def array(value: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, value, **options)
    return file.getvalue()


def header(shape: tuple[int, ...], dtype: str) -> bytes:
    """An array that says to be of that shape, without its entries."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def record(change: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, bytes]], bytes]:
    def made(members: dict[str, bytes]) -> bytes:
        known = json.loads(str(np.load(io.BytesIO(members["record.npy"]))))
        changed = change(known)
        return array(np.array(json.dumps(known if changed is None else changed)))
    return made


MEMBERS: dict[str, tuple[str, Callable[[dict[str, bytes]], bytes]]] = {
    "a pickle": ("theta", lambda _: array(np.array([Planted()], object), allow_pickle=True)),
    "a pickled record": ("record", lambda _: array(np.array(Planted()), allow_pickle=True)),
    "a bare pickle": ("theta", lambda _: pickle.dumps(Planted())),
    "terabytes": ("theta", lambda _: header((10**13,), "<f8")),
    "a long record": ("record", lambda _: header((), "<U1000000000")),
    "another shape": ("theta", lambda _: array(np.zeros((5, 1)))),
    "one number": ("theta", lambda _: array(np.array(1.0))),
    "another type": ("theta", lambda _: array(np.zeros(5, np.int64))),
    "cut short": ("theta", lambda m: m["theta.npy"][:-9]),
    "no array": ("theta", lambda _: b"\x93NUMPY\x09\x09junk"),
    "a code header": ("theta", lambda _: (
        b"\x93NUMPY\x01\x00\x20\x00__import__('os').getcwd()     \n")),
    "no JSON": ("record", lambda _: array(np.array("{"))),
    "deep JSON": ("record", lambda _: array(np.array("[" * 100_000))),
    "a list": ("record", record(lambda r: [1])),
    "no settings": ("record", record(lambda r: r.pop("settings") and None)),
    "steps": ("record", record(lambda r: r.update(steps="3"))),
    "history": ("record", record(lambda r: r.update(history=[{"loss": "low"}]))),
    "rng": ("record", record(lambda r: r.update(rng={"bit_generator": "MT19937"}))),
    "rng state": ("record", record(lambda r: r["rng"]["state"].update(state=-1))),
}


def refused(checkpoint: Checkpoint, rule: Any) -> str:
    theta = np.full(5, 7.0)
    with pytest.raises(InputError, match="is not a checkpoint") as caught:
        checkpoint.load(theta, rule)
    assert not RAN
    assert (theta == 7).all()
    assert str(caught.value).isprintable()
    return str(caught.value)


@pytest.mark.parametrize("kind", MEMBERS)
def test_members(kind: str, tmp_path: Path) -> None:
    checkpoint, rule, members = saved(tmp_path)
    name, change = MEMBERS[kind]
    members[f"{name}.npy"] = change(members)
    with zipfile.ZipFile(checkpoint.path, "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in members.items():
            archive.writestr(member, content)
    refused(checkpoint, rule)


WHOLE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "truncated": lambda b: b[: len(b) // 2],
    "text": lambda _: b"theta",
    "a pickle": lambda _: pickle.dumps(Planted()),
    "an array": lambda _: array(np.zeros(5)),
    "flipped": lambda b: b[:60] + bytes(x ^ 255 for x in b[60:120]) + b[120:],
}


@pytest.mark.parametrize("kind", WHOLE)
def test_files(kind: str, tmp_path: Path) -> None:
    checkpoint, rule, _ = saved(tmp_path)
    checkpoint.path.write_bytes(WHOLE[kind](checkpoint.path.read_bytes()))
    refused(checkpoint, rule)


def test_paths_in_the_archive_are_not_followed(tmp_path: Path) -> None:
    checkpoint, rule, members = saved(tmp_path)
    with zipfile.ZipFile(checkpoint.path, "w") as archive:
        for member, content in members.items():
            archive.writestr("../" + member if member == "theta.npy" else member, content)
    assert "theta" in refused(checkpoint, rule)
    assert [p.name for p in tmp_path.iterdir()] == ["c.npz"]


def test_bytes_at_random(tmp_path: Path) -> None:
    """Whatever single bytes are changed, it loads or is refused."""
    checkpoint, rule, _ = saved(tmp_path)
    good = checkpoint.path.read_bytes()
    rng = np.random.default_rng(1)
    refusals = 0
    for _ in range(300):
        bad = bytearray(good)
        for at in rng.integers(len(bad), size=rng.integers(1, 4)):
            bad[at] = rng.integers(256)
        checkpoint.path.write_bytes(bytes(bad))
        try:
            checkpoint.load(np.zeros(5), rule)
        except InputError:
            refusals += 1
    assert refusals > 30


def test_a_good_one_is_read(tmp_path: Path) -> None:
    checkpoint, rule, _ = saved(tmp_path)
    theta = np.zeros(5)
    assert checkpoint.load(theta, rule) == [{"epoch": 1, "loss": 0.5}]
    np.testing.assert_array_equal(theta, np.arange(5.0))
