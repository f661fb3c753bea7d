"""The interpreter of equations is shared between the suites of the core."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "fuzz"))
