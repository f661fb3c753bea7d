"""Activations, losses, penalties and log-densities of the catalogue, and where digits are lost.

``python tests/stability/catalogue.py [NAME ...]`` prints the worst errors, and where they are.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

from formulas import MEANS, POWERS, SHIFTED, TAIL, Limit

import mathdl as md
from mathdl.accuracy import Stability
from mathdl.accuracy.measure import measure
from mathdl.catalogue import Entry, families
from mathdl.proof.instances import dims_of

FAMILIES = ("activations", "losses", "regularisers", "distributions")
SIZE = 2  # of every dim

SUMS = "a sum that overflows before it is divided by its count"
SUBNORMAL = "SciPy's gammaln is infinite at numbers below the least normal one"
GAMMAS = "log-gammas of large numbers that cancel"
LABELS = f"lengths far apart, whose products over- and underflow; {MEANS}"

#: Where digits are lost in an entry, and why; everywhere else none are.
LIMITS: dict[str, Limit] = {
    "gelu_tanh": Limit(POWERS, None, (1e38, 1e38)),
    "mish": Limit(TAIL, None, (88.0, 88.0)),
    "softmax": Limit(MEANS, (700.0, 1000.0), (50.0, 88.0)),
    "multi_margin_loss": Limit(TAIL, (1e300, 1e300), (1e38, 1e38)),
    "dice_loss": Limit(TAIL, (1e-20, 1e-20), (1e-20, 1e-20)),
    "l1_loss": Limit(SUMS, None, (1e38, 1e38)),
    "huber_loss": Limit(SUMS, None, (1e38, 1e38)),
    "smooth_l1_loss": Limit(SUMS, None, (1e38, 1e38)),
    "log_cosh_loss": Limit(SUMS, None, (1e38, 1e38)),
    "poisson_nll_loss": Limit(SUMS, None, (88.0, 1e38)),
    "cosine_embedding_loss": Limit(POWERS, (1e-320, 1e300), (1e-40, 1e38)),
    "triplet_margin_loss": Limit(SHIFTED, (1e300, 1e300), (50.0, 1e38)),
    "info_nce": Limit(LABELS, (1e-320, 1e300), (1e-40, 1e38)),
    "von_mises": Limit(SHIFTED, (1e300, 1e300), (50.0, 1e38)),
    "gamma": Limit(SUBNORMAL, (1e-320, 1e-320), None),
    "beta": Limit(GAMMAS, None, (20.0, 1e38)),
    "dirichlet": Limit(GAMMAS, None, (20.0, 1e38)),
    "student_t": Limit(f"{POWERS}; {GAMMAS}", (1e-320, 1e300), (1e-40, 1e38)),
    "normal_mixture": Limit(POWERS, (1e-320, 1e300), (1e-40, 1e38)),
    "normal_gamma": Limit(f"{POWERS}; {SUBNORMAL}", (1e-320, 1e-320), (1e-40, 1e-40)),
}


def swept() -> Iterator[Entry]:
    """Every entry of the families, whatever they are."""
    for family in FAMILIES:
        yield from families()[family]


def bits_of(entry: Entry, dtype: str, at: Sequence[float] | None = None) -> Stability | None:
    """Value and gradients over the sizes of inputs; None where no input can be of any size."""
    instance = entry.instance()
    derivation = md.derive(instance.expr, list(instance.wrt))
    sizes = {s.name: SIZE for s in dims_of([instance.expr])[0]}
    try:
        return measure(derivation, dtype=dtype, at=at, sizes=sizes)
    except md.InputError:
        return None


if __name__ == "__main__":
    for one in swept():
        for precision in ("float64", "float32"):
            if not sys.argv[1:] or one.name in sys.argv[1:]:
                found = bits_of(one, precision)
                print(one.family, one.name, found, flush=True)
