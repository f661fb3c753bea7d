"""Certificates: derivations as proofs that Coq checks for all dims."""

from mathdl.formal.certificate import Accepted, Certificate

__all__ = ["Accepted", "Certificate"]
