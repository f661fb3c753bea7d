r"""Names in LaTeX: ``W1`` is ``\mathbf{W}_{1}`` as a matrix, ``x_hat`` a hat, ``lam`` a lambda."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mathdl.present.tree import Name

GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
    "Omega",
})
SHORT_GREEK = {"lam": "lambda", "eps": "epsilon", "gam": "gamma", "th": "theta", "sig": "sigma"}
ACCENTS = frozenset({"hat", "bar", "tilde"})
_PARTS = re.compile(r"([A-Za-z]+)_?([0-9]*)((?:_[A-Za-z0-9]+)*)_*")


def letter(name: Name, bold: bool = True) -> str:
    """A name in the type of its rank, trailing digits and words as subscripts.

    A matrix that the user did not name has a capital.  Entries are not ``bold``.
    """
    if name.latex:
        return name.latex
    if name.kind == "constant":
        return {"pi": r"\pi"}.get(name.text, name.text)
    found = _PARTS.fullmatch(name.text)
    if found is None:
        return _word(name.text, bold and name.ndim > 0)
    stem, digits, words = found.groups()
    tail = [w for w in words.split("_") if w]
    if name.kind == "auxiliary" and name.ndim > 1:
        stem = stem[0].upper() + stem[1:]
    text = _word(stem, bold and name.ndim > 0)
    below = [digits] if digits else []
    for word in tail:
        if word in ACCENTS:
            text = rf"\{word}{{{text}}}"
        else:
            below.append(word if len(word) == 1 or word.isdigit() else rf"\mathrm{{{word}}}")
    return f"{text}_{{{','.join(below)}}}" if below else text


def _word(word: str, bold: bool) -> str:
    greek = SHORT_GREEK.get(word, word)
    escaped = word.replace("_", r"\_")
    if greek in GREEK:
        return rf"\boldsymbol{{\{greek}}}" if bold else rf"\{greek}"
    if bold:
        return r"\boldsymbol{I}" if word == "I" else rf"\mathbf{{{escaped}}}"  # not the identity
    return escaped if len(word) == 1 else rf"\mathit{{{escaped}}}"


def entry(name: Name, indices: Sequence[str]) -> str:
    """An entry: italic with its indices, or in brackets where the name has a subscript."""
    plain, below = letter(name, bold=False), ",".join(indices)
    return rf"\left({letter(name)}\right)_{{{below}}}" if "_" in plain else f"{plain}_{{{below}}}"
