"""Rewriting a system until it is short and stable."""
