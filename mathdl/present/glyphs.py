"""Unicode spelling: names, superscripts and subscripts, and how many cells a line takes.

Different names are spelled differently: ``W1`` is W₁ but ``W_1`` stays, and a letter is a
subscript only as an index, so that xᵢ is always an entry of ``x`` and never ``x_i``.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence

GREEK = {
    "alpha": "α", "beta": "β", "gamma": "γ", "delta": "δ", "epsilon": "ϵ", "eps": "ε",
    "zeta": "ζ", "eta": "η", "theta": "θ", "iota": "ι", "kappa": "κ", "lam": "λ", "mu": "μ",
    "nu": "ν", "xi": "ξ", "pi": "π", "rho": "ρ", "sigma": "σ", "tau": "τ", "upsilon": "υ",
    "phi": "φ", "chi": "χ", "psi": "ψ", "omega": "ω", "Gamma": "Γ", "Delta": "Δ", "Theta": "Θ",
    "Lambda": "Λ", "Xi": "Ξ", "Pi": "Π", "Sigma": "Σ", "Upsilon": "Υ", "Phi": "Φ", "Psi": "Ψ",
    "Omega": "Ω",
}
MARKS = {"hat": "\u0302", "bar": "\u0304", "tilde": "\u0303"}
RAISED = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LOWERED = dict(zip(
    "0123456789+-aehijklmnoprstuvx", "₀₁₂₃₄₅₆₇₈₉₊₋ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓ", strict=True
))
_NAME = re.compile(r"([A-Za-z]+)([0-9]*)(?:_(hat|bar|tilde)(?![A-Za-z0-9]))?((?:_[A-Za-z0-9_]*)?)")
_ENTRY = re.compile(r"(\w+)(\[.*\])", re.ASCII)


def spelled(name: str) -> str:
    """A name with Greek letters, digits lowered and ``_hat``, ``_bar``, ``_tilde`` as accents."""
    if entry := _ENTRY.fullmatch(name):  # of a sequence, where a formula names it
        return spelled(entry[1]) + entry[2].replace(" - ", "−").replace(" + ", "+")
    found = _NAME.fullmatch(name)
    if found is None or found[1] == "I":  # that is the identity
        return name
    stem, digits, accent, rest = found.groups()
    letter = GREEK.get(stem, stem)
    if accent and not (letter.isascii() and len(letter) == 1):  # elsewhere fonts misplace them
        return letter + (lowered(digits) or "") + f"_{accent}{rest}"
    marked = unicodedata.normalize("NFC", letter + MARKS[accent]) if accent else letter
    return marked + (lowered(digits) or "") + rest


def lowered(text: str) -> str | None:
    """The text as subscripts, when every character has one."""
    if all(c in _LOWERED for c in text):
        return "".join(_LOWERED[c] for c in text)
    return None


def raised(number: int) -> str:
    """An integer as superscripts."""
    return str(number).translate(RAISED)


def subscripted(base: str, index: Sequence[str]) -> str:
    """``Aᵢₖ``, or ``A[i+1,k]`` where an index is no letter or the base has a subscript.

    ``index`` has each index as text.
    """
    letters = all(len(i) == 1 and i.isalpha() for i in index)
    end = base[-1]
    bare = end == ")" or ("_" not in base and (end.isalpha() or unicodedata.combining(end) > 0))
    low = lowered("".join(index)) if letters and bare else None
    return base + low if low is not None else f"{base}[{','.join(index)}]"


def cells(text: str) -> int:
    """How many cells of a terminal a text takes: marks none, wide characters two."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1
        for c in text
    )


def printable(text: str) -> bool:
    """Whether standard output can show the text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
