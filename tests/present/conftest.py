"""The interpreter of equations and the worked cases are shared with other suites."""

import sys
from pathlib import Path

for folder in ("fuzz", "cases"):
    sys.path.insert(0, str(Path(__file__).parents[1] / folder))
