"""Text and LaTeX."""
