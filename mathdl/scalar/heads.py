"""The SymPy heads of declared scalar functions under their names, where pickle finds them."""

from typing import Any

from mathdl.errors import NamingError


def __getattr__(name: str) -> Any:
    from mathdl.scalar.declare import lookup

    try:
        return lookup(name).head
    except NamingError:
        raise AttributeError(name) from None
