"""mathdl: derive and verify the mathematics of deep learning.

>>> import mathdl as md
>>> loss = md.parse("sum((X @ w - y)**2)/n", shapes="X: n d; w: d; y: n")
>>> D = md.derive(loss, wrt="w")
>>> f = D.compile()             # NumPy code, f.source its standalone module
>>> bool(D.verify())            # checked against finite differences
True
"""

import importlib
from typing import Any

from mathdl._version import __version__
from mathdl.derivation import Derivation, derive
from mathdl.derivation import compile_expression as compile
from mathdl.differentiate import hvp, jvp, vjp
from mathdl.errors import (
    AssumptionError,
    DomainError,
    InputError,
    MathDLError,
    MissingExtraError,
    MissingToolError,
    NamingError,
    OrderError,
    ParseError,
    ShapeError,
    TypesettingError,
    UnsupportedError,
)
from mathdl.ir.tensor import OPERATORS, Tensor
from mathdl.language import (
    FUNCTIONS,
    Max,
    Min,
    Product,
    Sum,
    dims,
    equation,
    indices,
    tensor,
)
from mathdl.language.batching import vmap
from mathdl.language.parser import parse
from mathdl.language.recursion import recurrence
from mathdl.language.scan import scan

__all__ = [
    "AssumptionError",
    "Derivation",
    "DomainError",
    "InputError",
    "MathDLError",
    "Max",
    "Min",
    "MissingExtraError",
    "MissingToolError",
    "NamingError",
    "OrderError",
    "ParseError",
    "Product",
    "ShapeError",
    "Sum",
    "Tensor",
    "TypesettingError",
    "UnsupportedError",
    "__version__",
    "assert_gradient",
    "check_gradient",
    "compile",
    "curvature",
    "derive",
    "dims",
    "equation",
    "hvp",
    "indices",
    "jvp",
    "parse",
    "recurrence",
    "replay",
    "scan",
    "smoothness",
    "tensor",
    "vjp",
    "vmap",
    *FUNCTIONS,
    "activations",
    "layers",
    "losses",
]


def _repr(tensor: Tensor) -> str:
    from mathdl.present.repr import repr_text

    return repr_text(tensor)


def _latex(tensor: Tensor) -> str:
    from mathdl.present.repr import repr_latex

    return repr_latex(tensor)


OPERATORS.update({"repr": _repr, "latex": _latex})


CATALOGUE = ("activations", "distributions", "divergences", "layers", "losses", "optimizers")


def __getattr__(name: str) -> Any:
    """The functions of the language, ``md.softmax``, and the families, ``md.losses``."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    if name == "replay":
        return importlib.import_module("mathdl.replay").replay
    if name in ("curvature", "smoothness"):
        return getattr(importlib.import_module("mathdl.convexity"), name)
    if name == "stability":
        return importlib.import_module("mathdl.accuracy.measure").stability
    if name in ("check_gradient", "assert_gradient"):
        return getattr(importlib.import_module("mathdl.foreign"), name)
    if name in CATALOGUE:
        return importlib.import_module(f"mathdl.catalogue.{name}")
    raise AttributeError(f"module 'mathdl' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
