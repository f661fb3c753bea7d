"""Proofs: the steps that a derivation took, and a checker that replays them."""

from mathdl.proof.proof import Claim, Condition, Line, Proof, proof_of

__all__ = ["Claim", "Condition", "Line", "Proof", "proof_of"]
