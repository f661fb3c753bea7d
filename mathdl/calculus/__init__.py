"""Derivatives: the reverse rule, forward mode, Jacobians and Hessians."""
