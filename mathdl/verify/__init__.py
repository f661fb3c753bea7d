"""Verification: claims against numbers, with bounds that follow from the arithmetic."""

from mathdl.verify.dims import choose_dims
from mathdl.verify.ladder import RUNGS, verify
from mathdl.verify.report import Check, Report
from mathdl.verify.sampling import sample, satisfies
from mathdl.verify.subject import Subject, instance

__all__ = [
    "RUNGS",
    "Check",
    "Report",
    "Subject",
    "choose_dims",
    "instance",
    "sample",
    "satisfies",
    "verify",
]
