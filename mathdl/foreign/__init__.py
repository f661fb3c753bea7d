"""Gradients that somebody wrote by hand: checked, and on refusal diagnosed."""

from mathdl.foreign.check import assert_gradient, check_gradient
from mathdl.foreign.report import Diagnosis, GradientReport

__all__ = ["Diagnosis", "GradientReport", "assert_gradient", "check_gradient"]
