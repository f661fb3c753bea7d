"""Packages that only training needs, imported when they are needed."""

from __future__ import annotations

import importlib
from typing import Any

from mathdl.errors import MissingExtraError


def extra(module: str, purpose: str) -> Any:
    """The module called ``module``; when it is not installed, say which extra brings it.

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
            'pip install "mathdl[train]" (or ".[train]" in a checkout)'
        ) from None
