"""Convexity: proved by rules of composition, or by the form of the Hessian."""

from mathdl.convexity.smoothness import Smoothness, smoothness
from mathdl.convexity.verdict import Curvature, curvature

__all__ = ["Curvature", "Smoothness", "curvature", "smoothness"]
