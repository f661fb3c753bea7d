"""Derivatives that are not finite where the function has a slope."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mathdl.foreign.samples import measure
from mathdl.foreign.subject import Foreign
from mathdl.verify.dims import Dims
from mathdl.verify.numeric import ATTEMPTS, instance
from mathdl.verify.report import Check


def finite_checks(subject: Foreign, sizes: Sequence[Dims], seed: int) -> list[Check]:
    """A refusal for each derivative with an entry that is not finite while differences are."""
    found: dict[str, Check] = {}
    for number, dims in enumerate(sizes):
        state = int(np.random.SeedSequence([seed, number, 0]).generate_state(1)[0])
        arrays = instance(subject, dims, state, ATTEMPTS[0])
        try:
            claimed = subject.claim(arrays)
        except np.linalg.LinAlgError:
            continue
        for name in subject.wrt_names:
            if name in found or name not in claimed or np.all(np.isfinite(claimed[name])):
                continue
            one = measure(subject, name, arrays, np.random.default_rng([state, 7]), dims)
            if one is None or one.claimed.shape != one.truth.shape:
                continue
            wrong = np.argwhere(one.known & ~np.isfinite(one.claimed))
            if not len(wrong):
                continue
            entry = tuple(int(k) for k in wrong[0])
            place = f"{name}[{', '.join(map(str, entry))}]" if entry else name
            found[name] = Check(
                name, subject.form, "finite", 1, len(wrong), 0, 0, np.nan,
                float(one.bound[entry]), entry, float(one.truth[entry]),
                float(one.claimed[entry]), dims, state, ATTEMPTS[0], False,
                f"{place} is {one.claimed[entry]}, differences give {one.truth[entry]:.6g}",
            )
    return list(found.values())
