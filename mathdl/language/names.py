"""Which names tensors, dims and definitions may have."""

from __future__ import annotations

import keyword
import re

from mathdl.errors import NamingError

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z_0-9]*", re.ASCII)
MAX_NAME = 64


def check_name(name: object, what: str = "name") -> str:
    """``name`` if it is an ASCII Python identifier and neither a keyword nor private.

    Names go into generated code, so nothing else is let through.
    """
    if not isinstance(name, str):
        raise NamingError(f"a {what} is a string, not {name!r}")
    shown = name if len(name) <= 40 else name[:37] + "..."
    if not _IDENTIFIER.fullmatch(name):
        raise NamingError(f"{what} {shown!r} is not an identifier (letters, digits, underscore)")
    if keyword.iskeyword(name) or keyword.issoftkeyword(name) and name == "_":
        raise NamingError(f"{what} {shown!r} is a Python keyword")
    if name.startswith("__") or len(name) > MAX_NAME:
        raise NamingError(f"{what} {shown!r} is reserved or longer than {MAX_NAME} characters")
    return name
