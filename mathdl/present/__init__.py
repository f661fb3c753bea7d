"""Views of results: matrix notation, index notation, LaTeX."""

from mathdl.present.index import to_index
from mathdl.present.latex import derivation_latex, to_latex
from mathdl.present.repr import repr_latex, repr_text
from mathdl.present.text import to_text

__all__ = ["derivation_latex", "repr_latex", "repr_text", "to_index", "to_latex", "to_text"]
