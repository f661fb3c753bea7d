"""Importing this makes the package and the modules of the other folders of tests importable."""

from __future__ import annotations

import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("mutation", "verify", "present", "primitives", "cases", "fuzz", "simplify")
sys.path[:0] = [str(TESTS.parent), *(str(TESTS / name) for name in FOLDERS)]
