"""Code from a system."""
