"""Derivatives that are right but have far fewer digits than the function."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mathdl.foreign.subject import Foreign
from mathdl.verify.claim import Claim, Instance
from mathdl.verify.dims import Dims
from mathdl.verify.numeric import ATTEMPTS, instance

#: Relative noise that is worth a word, and how far it is above that of the value.
_NOISY, _ABOVE = 1e-10, 1e3


def precision_notes(subject: Foreign, sizes: Sequence[Dims], seed: int) -> list[str]:
    """Notes on derivatives whose measured noise is far above that of the function's value."""
    if subject.dtype.itemsize < 8 or subject.at is not None:
        return []
    state = int(np.random.SeedSequence([seed, 0, 0]).generate_state(1)[0])
    arrays = instance(subject, sizes[0], state, ATTEMPTS[0])
    given = {k: v for k, v in arrays.items() if isinstance(v, np.ndarray)}
    rest = {k: v for k, v in arrays.items() if k not in given}
    claim = Claim("gradient", subject.blocks, lambda a: subject.value_function()(**a),
                  subject.claim)
    try:
        at = Instance(claim, given, rest, frozenset(subject.wrt_names))
    except np.linalg.LinAlgError:
        return []
    shaped = all(not at.misfit(n, given[n].shape) for n in subject.wrt_names)
    if not (shaped and at.finite_value() and at.finite()):
        return []
    single = [n for n, a in subject.claim(arrays).items() if a.dtype.itemsize < 8]
    if single:
        return [f"the derivative by {', '.join(single)} is of single precision for float64 "
                "inputs: bounds are wide"]
    at.measure(np.random.default_rng([state, 8]))
    value = _relative(at.noise[""], at.values[""])
    floor = max(_NOISY, _ABOVE * value)
    found = {n: _relative(at.claimed_noise[n], at.claimed[n]) for n in subject.wrt_names}
    return [
        f"the derivative by {name} is precise to {noise:.0e} of its largest entry only: "
        "low precision inside, or cancellation"
        for name, noise in found.items() if noise > floor
    ]


def _relative(noise: np.ndarray, values: np.ndarray) -> float:
    largest = float(np.max(np.abs(values), initial=0.0))
    return float(np.max(noise, initial=0.0)) / largest if largest else 0.0


