"""One family of errors.

The cause is raised low, where it is known; the context (which expression, at which
place) is added once at the edge with :meth:`MathDLError.within`.  Every message is one line.
"""

from __future__ import annotations

from typing import Self


class MathDLError(Exception):
    """Base of every error that mathdl raises on purpose."""

    def within(self, context: str) -> Self:
        """The same error with the place where it happened put after its message."""
        return type(self)(f"{self}, in {context}")


class ShapeError(MathDLError, ValueError):
    """Shapes, dims or axes that do not fit each other."""


class NamingError(MathDLError, ValueError):
    """An unknown, duplicate or forbidden name."""


class ParseError(MathDLError, ValueError):
    """Text that is not in the language, with the place where it stops being so."""


class DomainError(MathDLError, ValueError):
    """A constant outside the domain of an operation: a division by zero, log(-1)."""


class OrderError(MathDLError, ValueError):
    """A derivative of an order that is not defined or not supported."""


class UnsupportedError(MathDLError, NotImplementedError):
    """What the engine cannot derive, simplify, print or generate yet; says what and where."""


class InputError(MathDLError, ValueError):
    """Arrays given at run time that do not fit the declaration."""


class AssumptionError(MathDLError, ValueError):
    """An assumption that is unknown, or contradicts the shape or another one."""


class MissingToolError(MathDLError, OSError):
    """A program is needed that is not installed; the message names what brings it."""


class TypesettingError(MathDLError, RuntimeError):
    """TeX refused a document; the message has the lines of its log that say why."""


class CertificateError(MathDLError, RuntimeError):
    """Coq refused what it should accept; the message has its first words."""


class MissingExtraError(MathDLError, ImportError):
    """An optional package is needed; the message names the extra that installs it."""
