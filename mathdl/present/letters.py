r"""Names in LaTeX: ``W1`` is ``\mathbf{W}_{1}`` as a matrix, ``x_hat`` a hat, ``lam`` a lambda."""

from __future__ import annotations

import re

from mathdl.present.tree import Name

GREEK = frozenset({
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
    "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi", "psi",
    "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Upsilon", "Phi", "Psi",
    "Omega",
})
SHORT_GREEK = {"lam": "lambda", "eps": "epsilon", "gam": "gamma", "th": "theta", "sig": "sigma"}
_PARTS = re.compile(r"([A-Za-z]+)_?([0-9]*)((?:_[A-Za-z0-9]+)*)_*")


def letter(name: Name) -> str:
    """A name in the type of its rank, trailing digits and words as subscripts."""
    if name.kind == "constant":
        return {"pi": r"\pi"}.get(name.text, name.text)
    found = _PARTS.fullmatch(name.text)
    if found is None:
        return _word(name.text, name.ndim)
    stem, digits, words = found.groups()
    base, below = stem, [digits] if digits else []
    tail = [w for w in words.split("_") if w]
    if tail and tail[-1] in ("hat", "bar", "tilde"):
        return rf"\{tail[-1]}{{{letter(Name('_'.join([stem + digits, *tail[:-1]]), name.ndim))}}}"
    below += [w if len(w) == 1 or w.isdigit() else rf"\mathrm{{{w}}}" for w in tail]
    text = _word(base, name.ndim)
    return f"{text}_{{{','.join(below)}}}" if below else text


def _word(word: str, ndim: int) -> str:
    greek = SHORT_GREEK.get(word, word)
    escaped = word.replace("_", r"\_")
    if greek in GREEK:
        return rf"\boldsymbol{{\{greek}}}" if ndim else rf"\{greek}"
    if ndim:
        return rf"\mathbf{{{escaped}}}"
    return escaped if len(word) == 1 else rf"\mathit{{{escaped}}}"
