"""The words of printed LaTeX."""

from __future__ import annotations

import re
from typing import Any

Tree = tuple[Any, ...]
TOKEN = re.compile(
    r"\\(?:begin|end)\{[a-z]+\}|\\operatorname\{(?:[^{}]|\\_)*\}(?:_\{\\tanh\}'?)?|\\[A-Za-z]+|\\."
    r"|\d+(?:\.\d+)?(?:e-?\d+)?|[A-Za-z]|\S"
)
SPACE = (r"\,", r"\quad", r"\;")
FONTS = (r"\mathbf", r"\boldsymbol", r"\mathit", r"\mathrm")
ACCENTS = (r"\hat", r"\bar", r"\tilde")
FUNCTIONS = (r"\log", r"\exp", r"\tanh", r"\sin", r"\cos", r"\cosh", r"\sinh", r"\det", r"\max",
             r"\min", r"\Gamma", r"\sigma", r"\psi", r"\phi", r"\Phi", r"\tan", r"\arctan")
GREEK = re.compile(
    r"\\(?:alpha|beta|gamma|delta|epsilon|zeta|eta|theta|iota|kappa|lambda|mu|nu|xi|pi|rho|sigma|"
    r"tau|upsilon|phi|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi|Psi|Omega)$"
)
ENDS = ("+", "-", "&", "}", ")", "]", ",", ":", "|", r"\right", r"\\", r"\times")
RELATIONS = {"<": "<", ">": ">", "=": "==", r"\le": "<=", r"\ge": ">=", r"\ne": "!="}


class Unreadable(Exception):
    """What a reader would not know how to read."""


def plain(text: str) -> str:
    """A name without fonts and brackets: ``\\hat{\\mathbf{x}}_{1}`` is ``hatx1``."""
    for font in FONTS:
        text = text.replace(font, "")
    return re.sub(r"[\\{}_,\s]", "", text)
