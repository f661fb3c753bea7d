"""From equations to code: a schedule of kernels, then one file a target."""

from mathdl.generate.compiled import Compiled
from mathdl.generate.numpy import generate_numpy

__all__ = ["Compiled", "generate_numpy"]
