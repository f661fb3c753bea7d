"""Code that is verified runs where memory that nobody has written is NaN.

``np.empty`` often returns what another call has just left there, the right result even, so that
code which reads an array before it writes it would pass by luck.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mathdl.generate.compiled import Compiled


class _Numpy:
    """NumPy, but for ``empty``."""

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)

    @staticmethod
    def empty(*arguments: Any, **named: Any) -> Any:
        array = np.empty(*arguments, **named)
        if array.dtype.kind == "u":  # of bytes that are viewed as numbers later
            array.fill(np.iinfo(array.dtype).max)
        elif array.dtype.kind in "fc":
            array.fill(np.nan)
        return array


def unwritten_is_nan(function: Any) -> Any:
    """A generated function of which nobody else has a copy, so prepared; others as they are."""
    if isinstance(function, Compiled):
        function.namespace["np"] = _Numpy()
    return function
