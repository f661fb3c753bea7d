"""Verification: claims against numbers, with bounds that follow from the arithmetic."""

from mathdl.verify.dims import choose_dims
from mathdl.verify.numeric import Subject, instance, verify
from mathdl.verify.report import Check, Report
from mathdl.verify.sampling import sample, satisfies

__all__ = [
    "Check",
    "Report",
    "Subject",
    "choose_dims",
    "instance",
    "sample",
    "satisfies",
    "verify",
]
