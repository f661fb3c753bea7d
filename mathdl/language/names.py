"""Which names tensors, dims and definitions may have."""

from __future__ import annotations

import keyword
import re

from mathdl.errors import NamingError
from mathdl.ir.tensor import Tensor

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)
MAX_NAME = 64


def check_name(name: object, what: str = "name") -> str:
    """``name`` if it is an ASCII Python identifier and neither a keyword nor private.

    Names go into generated code, so nothing else is let through.
    """
    if not isinstance(name, str):
        raise NamingError(f"a {what} is a string, not {shown(name)}")
    text = shown(name)
    if not _IDENTIFIER.fullmatch(name):
        raise NamingError(f"{what} {text!r} is not an identifier (letters, digits, underscore)")
    if keyword.iskeyword(name) or name == "_":
        raise NamingError(f"{what} {text!r} is a Python keyword")
    if name.startswith("__") or len(name) > MAX_NAME:
        raise NamingError(f"{what} {text!r} is reserved or longer than {MAX_NAME} characters")
    return name


def check_result_name(name: object) -> str:
    """``name`` if it is a name, or the position of a result in a list."""
    position = isinstance(name, str) and name.isascii() and name.isdigit() and len(name) < MAX_NAME
    return str(name) if position else check_name(name, "name of a result")


def shown(value: object, most: int = 40) -> str:
    """What a user passed, on one line of so many characters, for an error message."""
    if isinstance(value, Tensor):
        return value.name or value.label or "a tensor"
    if isinstance(value, (list, tuple)) and most > 2:
        inside = ", ".join(shown(v, most // 2) for v in value[:4])
        inside += ", ..." if len(value) > 4 else ""
        return f"[{inside}]" if isinstance(value, list) else f"({inside})"
    text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in " ".join(str(value).split()))
    return text if len(text) <= most else text[: most - 3] + "..."
