"""What a scalar function is: one declaration, from which everything else comes free.

A declaration states the defining expression, the derivative as a textbook writes it, LaTeX,
the domain, what happens at kinks, the stable numeric form and the source.  The stated
derivative is tested against SymPy's on the definition, never trusted.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sympy import Expr, Function
from sympy.core.numbers import prec_to_dps

from mathdl.errors import NamingError, UnsupportedError

Law = Callable[..., Any]


@dataclass(frozen=True)
class ScalarFunction:
    """One scalar function.

    name
        What the language calls it.
    head
        The SymPy function class that stands for it in equation bodies.
    arity
        Number of arguments.
    definition
        The defining expression in SymPy's own functions (``Piecewise``, ``exp`` ...).
    derivative
        One law per argument, each taking all arguments: the derivative as a textbook has it.
        Empty for a function that is its own SymPy class: SymPy differentiates that.  None for
        an argument that is an order, a nonnegative integer.
    latex
        A template with ``{0}``, ``{1}`` ... for the arguments; left out, the upright name.
    domain
        Per argument, the open interval on which tests sample it.
    kinks
        Points (of the first argument, or of the difference of the first two for a binary
        comparison) where it is not differentiable.
    subgradient
        What the derivative is at a kink, in words; empty when there is none.
    ufunc
        The call that computes it on arrays, ``np.tanh`` or ``scipy.special.erf``; empty when
        ``stable`` says how.
    stable
        The numerically stable form as an expression in functions that have a ufunc.
    analytic
        Whether the generated code accepts complex numbers and is analytic there.
    reference
        Where the definition and derivative come from.
    in_language
        Whether users may call it by name (``sigmoid``); internal helpers are not.
    replaces
        Pairs of laws (as written, equal but without cancellation), of one argument each:
        ``1 - sigmoid(x)`` is computed as ``sigmoid(-x)``.
    aliases
        SymPy classes that mean the same, but differentiate or print worse.
    """

    name: str
    head: Any
    arity: int
    definition: Law
    derivative: tuple[Law | None, ...] = ()
    latex: str = ""
    domain: tuple[tuple[float, float], ...] = ((-4.0, 4.0),)
    kinks: tuple[float, ...] = ()
    subgradient: str = ""
    ufunc: str = ""
    stable: Law | None = None
    analytic: bool = True
    reference: str = ""
    in_language: bool = True
    replaces: tuple[tuple[Law, Law], ...] = ()
    aliases: tuple[Any, ...] = ()


_REGISTRY: dict[str, ScalarFunction] = {}
_BY_HEAD: dict[Any, ScalarFunction] = {}


class Head(Function):  # type: ignore[misc]
    """A scalar function that SymPy lacks; its derivative is the declared one."""

    is_real = True
    is_finite = True
    _derivative: tuple[Law | None, ...] = ()

    def fdiff(self, argindex: int = 1) -> Expr:
        law = self._derivative[argindex - 1]
        if law is None:
            name = type(self).__name__
            raise UnsupportedError(f"{name} has no derivative in its order, argument {argindex}")
        return law(*self.args)

    def _eval_evalf(self, prec: int) -> Any:
        return _BY_HEAD[type(self)].definition(*self.args).evalf(prec_to_dps(prec))


def declare(
    name: str,
    *,
    arity: int = 1,
    head: Any = None,
    derivative: tuple[Law | None, ...] | Law = (),
    latex: str = "",
    nonnegative: bool | None = None,
    domain: tuple[tuple[float, float], ...] | None = None,
    **fields: Any,
) -> Any:
    """Register a scalar function and return its SymPy head.

    Without ``head`` a new SymPy function class is made, whose derivative is the declared one.
    """
    if name in _REGISTRY:
        raise NamingError(f"scalar function {name!r} is declared twice")
    laws = derivative if isinstance(derivative, tuple) else (derivative,)
    if head is None:
        attributes: dict[str, Any] = {
            "nargs": (arity,), "_derivative": laws, "__module__": "mathdl.scalar.heads",
        }
        if nonnegative is not None:
            attributes["is_nonnegative"] = nonnegative
        head = type(name, (Head,), attributes)
    function = ScalarFunction(
        name=name,
        head=head,
        arity=arity,
        derivative=laws,
        latex=latex or _call_template(name, arity),
        domain=domain if domain is not None else ((-4.0, 4.0),) * arity,
        **fields,
    )
    for known in (head, *function.aliases):
        if known in _BY_HEAD:
            raise NamingError(f"the head of {name!r} is that of {_BY_HEAD[known].name!r} already")
        _BY_HEAD[known] = function
    _REGISTRY[name] = function
    return head


def _call_template(name: str, arity: int) -> str:
    r"""``\operatorname{name}\left({0}, {1}\right)`` with the literal braces doubled."""
    upright = name.replace("_", r"\_")
    slots = ", ".join(f"{{{k}}}" for k in range(arity))
    return rf"\operatorname{{{{{upright}}}}}\left({slots}\right)"


def state_at_zero(value: Any, *heads: Head) -> None:
    """State what functions are where their first argument is zero."""

    def evaluate(cls: Any, *arguments: Any) -> Any:
        return value if arguments[0].is_zero else None

    for head in heads:
        head.eval = classmethod(evaluate)


def scalar_functions() -> Iterator[ScalarFunction]:
    """Every declared scalar function, by name."""
    return iter(sorted(_REGISTRY.values(), key=lambda f: f.name))


def lookup(name: str) -> ScalarFunction:
    """The declaration called ``name``; an unknown name raises with the nearest ones."""
    try:
        return _REGISTRY[name]
    except KeyError:
        near = difflib.get_close_matches(name, _REGISTRY, n=2)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        raise NamingError(f"unknown scalar function {name!r}{hint}") from None


def of_head(head: Any) -> ScalarFunction | None:
    """The declaration whose SymPy class, or an alias of it, is ``head``; or None."""
    return _BY_HEAD.get(head)


@lru_cache(maxsize=65536)
def declared_heads(expression: Any) -> Any:
    """The expression with SymPy's classes that differentiate worse replaced by the declared ones.

    SymPy makes ``Abs`` of ``sqrt(x**2)`` by itself, and its second derivative a Dirac delta.
    """
    for function in _REGISTRY.values():
        for alias in function.aliases:
            if expression.has(alias):
                expression = expression.replace(alias, function.head)
    return expression
