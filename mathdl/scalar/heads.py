"""The SymPy heads of declared scalar functions under their names, where pickle finds them."""

from typing import Any


def __getattr__(name: str) -> Any:
    from mathdl.scalar.declare import lookup

    try:
        return lookup(name).head
    except Exception:
        raise AttributeError(name) from None
