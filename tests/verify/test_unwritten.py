"""Code that reads memory before it writes it is refused, whatever was left there."""

from __future__ import annotations

import numpy as np
import pytest

import mathdl as md
from mathdl.generate.compiled import Compiled
from mathdl.verify.unwritten import unwritten_is_nan


def derived() -> md.Derivation:
    return md.derive(md.parse("sum((A @ B)**2)", "A: n k; B: k m"), "A")


def test_memory_of_numbers_and_of_bytes_is_nan() -> None:
    source = (
        "import numpy as np\ndef plan(): pass\ndef grad(shape):\n"
        "    raw = np.empty(8*shape[0], np.uint8)\n"
        "    return np.empty(shape), np.empty(shape, dtype=np.float32), raw.view(float)\n"
    )
    for array in unwritten_is_nan(Compiled(source, "grad", ["shape"]))((3,)):
        assert array.shape == (3,)
        assert np.all(np.isnan(array))


def test_a_result_that_is_added_to_before_it_is_written_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Compiled.__init__

    def spoilt(self: Compiled, source: str, *rest: object, **named: object) -> None:
        lines = source.split("\n")
        for k, line in enumerate(lines):
            if line.strip() == "return out_A,":
                lines[k] = line.replace("return", "np.add(out_A, np.empty(out_A.shape), out_A)\n"
                                        "        return")
        own(self, "\n".join(lines), *rest, **named)  # type: ignore[arg-type]

    assert derived().verify(points=1)
    monkeypatch.setattr(Compiled, "__init__", spoilt)
    monkeypatch.setattr(np, "empty", np.zeros)  # the memory that happens to be right
    assert not derived().verify(points=1)


def test_the_code_of_users_is_left_alone() -> None:
    derivation = derived()
    assert derivation.verify(points=1)
    assert derivation.compile("grad").namespace["np"] is np
