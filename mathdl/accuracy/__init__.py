"""How many bits of generated code are right, from 0 to where floats end."""

from mathdl.accuracy.measure import measure, stability
from mathdl.accuracy.report import Point, Stability

__all__ = ["Point", "Stability", "measure", "stability"]
