"""The book: derivations as data, each derived, verified, and compared with its textbook form."""

from mathdl.book.checking import Outcome, Refused, check, check_and_certify
from mathdl.book.entry import Chapter, Entry, Reference, chapters, chosen, load_book, read_entry
from mathdl.book.page import write_book
from mathdl.book.pdf import write_book_pdf
from mathdl.book.run import run
from mathdl.book.size import operators

__all__ = [
    "Chapter",
    "Entry",
    "Outcome",
    "Reference",
    "Refused",
    "chapters",
    "check",
    "check_and_certify",
    "chosen",
    "load_book",
    "operators",
    "read_entry",
    "run",
    "write_book",
    "write_book_pdf",
]
