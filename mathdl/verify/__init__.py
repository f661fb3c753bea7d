"""Evidence: each rung of the verification ladder."""
