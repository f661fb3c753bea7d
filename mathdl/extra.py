"""Packages that only some commands need, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from mathdl.errors import MissingExtraError


def extra(module: str, purpose: str, name: str = "train") -> Any:
    """The module called ``module``; when it is not installed, say which extra brings it: ``name``.

    Raises:
        MissingExtraError: with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name is None or error.name.partition(".")[0] != package:
            raise
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed: "
            f'pip install "mathdl[{name}]" (or ".[{name}]" in a checkout)'
        ) from None
