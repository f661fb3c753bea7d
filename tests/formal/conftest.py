"""The cases of this folder are shared between its modules."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
