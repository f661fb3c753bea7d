"""How many bits of generated code are right, from 0 to where floats end."""

from mathdl.stability.measure import measure, stability
from mathdl.stability.report import Point, Stability

__all__ = ["Point", "Stability", "measure", "stability"]
