"""The declared scalar functions in Coq: definitions, derivative laws, and where they hold.

A function's definition and laws are those of its declaration.  Coq proves the laws from the
definition, by the tactics that certificates use; what Coq has itself is in :data:`PRIMITIVES`.
Of a function that is defined by one that Coq lacks (the gamma and Bessel families) the laws are
hypotheses of every certificate that needs them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sympy import Function, Ne, Piecewise, Pow, S, cos, nsimplify, preorder_traversal
from sympy.core.relational import Relational

from mathdl.formal.coq import Text, function_name
from mathdl.formal.terms import entry, is_entry
from mathdl.scalar.declare import ScalarFunction, of_head, scalar_functions
from mathdl.scalar.lower import define

#: What a function needs of its arguments: ``positive`` and a term, or ``apart`` and an inequation.
Need = tuple[str, Any]
Needs = tuple[Callable[..., Need], ...]


def apart(a: Any, b: Any) -> Need:
    """``a`` and ``b`` differ; they stay as they are written."""
    return "apart", Ne(a, b, evaluate=False)


_WITHIN_ONE: Needs = (lambda x: ("positive", 1 - x), lambda x: ("positive", 1 + x))

#: Functions of Coq or of Primitives.v, and what their laws need.
PRIMITIVES: dict[str, Needs] = {
    **dict.fromkeys(("exp", "sin", "cos", "sinh", "cosh", "tanh", "arctan", "erf", "erfc"), ()),
    "abs": (lambda x: apart(x, S.Zero),),
    "log": (lambda x: ("positive", x),),
    "sqrt": (lambda x: ("positive", x),),
    "tan": (lambda x: apart(cos(x), S.Zero),),
    "arcsin": _WITHIN_ONE,
    "arccos": _WITHIN_ONE,
}

#: Where the law needs less than the definition seems to.
NEEDS: dict[str, Needs] = {
    "xlogy": (lambda x, y: ("positive", y),),
    "softsign": (),
    "where": (),
}

#: Coq's logarithm has a value at 0.
DEFINITIONS = {"xlogy": "x * ln y"}

#: Laws that are lemmas of Scalars.v, beyond the tactics.
LEMMAS = {"softsign": "is_derive_softsign"}

#: Arguments that stay: the condition of a choice does not move its value.
STILL = {"where": (0,)}

ARGUMENTS = ("x", "y", "z", "u", "v", "w")
CURVES = ("f", "g", "h", "f1", "g1", "h1")
HEADER = """From Coq Require Import Reals Lra.
From Coquelicot Require Import Coquelicot.
From Mathdl Require Import {}.
Open Scope R_scope.
"""


def is_assumed(function: ScalarFunction) -> bool:
    """Whether Coq cannot define it: its laws are hypotheses of a certificate."""
    if function.name in PRIMITIVES:
        return False
    for head in _heads(function):
        inner = of_head(head)
        if inner is None or inner is function or is_assumed(inner):
            return True
    return False


def _heads(function: ScalarFunction) -> list[Any]:
    """The functions that its definition is written in."""
    body = function.definition(*_arguments(function))
    found = {type(p) for p in body.atoms(Function) if not is_entry(p)} - {Piecewise}
    return sorted(found, key=str)


def needs(function: ScalarFunction, arguments: Sequence[Any]) -> list[Need]:
    """What its laws need of these arguments, without what is plain from the terms."""
    if function.name in NEEDS or function.name in PRIMITIVES:
        stated = NEEDS.get(function.name, PRIMITIVES.get(function.name, ()))
        found = [need(*arguments) for need in stated]
    elif is_assumed(function):
        found = list(_sampled(function, arguments))
    else:
        found = list(_needs_within(function.definition(*arguments)))
    return [need for need in dict.fromkeys(found) if not _plain(need)]


def _sampled(function: ScalarFunction, arguments: Sequence[Any]) -> Iterator[Need]:
    """Kinks of the first argument, and the side of 0 on which an argument is sampled."""
    for kink in function.kinks:
        yield apart(arguments[0], nsimplify(kink))
    for k, (x, (low, high)) in enumerate(zip(arguments, function.domain, strict=True)):
        if k in moving(function) and (low >= 0 or high <= 0):
            yield "positive", x if low >= 0 else -x


def _needs_within(body: Any) -> Iterator[Need]:
    for part in preorder_traversal(body):
        if isinstance(part, Pow) and part.args[1].is_integer:
            if part.args[1].could_extract_minus_sign():
                yield apart(part.args[0], S.Zero)
        elif isinstance(part, Pow):
            yield "positive", part.args[0]
        elif isinstance(part, Relational):
            yield apart(*part.args)
        elif (declared := of_head(type(part))) is not None:
            yield from needs(declared, part.args)


def _plain(need: Need) -> bool:
    kind, term = need
    if kind == "positive":
        return bool(define(term).is_positive)
    return bool(define(term.args[0] - term.args[1]).is_nonzero)


def moving(function: ScalarFunction) -> list[int]:
    """The arguments that it has a law for; the others are orders and conditions."""
    return [k for k in range(function.arity) if k not in STILL.get(function.name, ())
            and (not function.derivative[k:] or function.derivative[k] is not None)]


def slope(function: ScalarFunction, k: int, arguments: Sequence[Any]) -> Any:
    """The derivative in one argument: as declared, or SymPy's for its own functions."""
    law = function.derivative[k] if function.derivative else None
    if law is not None:
        return law(*arguments)
    return function.head(*arguments).diff(arguments[k])


def _arguments(function: ScalarFunction) -> tuple[Any, ...]:
    return tuple(entry(name, ()) for name in ARGUMENTS[: function.arity])


@dataclass(frozen=True)
class Law:
    """A function's derivative: its statement, and the hint by which the tactics find it.

    Of a function of one real argument, at a point; of several, along a curve.
    """

    function: ScalarFunction
    statement: str
    hint: str

    @property
    def name(self) -> str:
        return f"law_{function_name(self.function)}"


def law_of(function: ScalarFunction) -> Law:
    """The law of a function as it is declared."""
    moves, arguments = moving(function), _arguments(function)
    alone = moves == [function.arity - 1]
    name, names = function_name(function), list(ARGUMENTS[: function.arity])
    fixed = [n for k, n in enumerate(names) if alone or k not in moves]
    text = Text({} if alone else {names[k]: f"{CURVES[k]} t" for k in moves})
    given = "".join(f"{need_text(need, text)} -> " for need in needs(function, arguments))
    reals = f"({' '.join(fixed)} : R)" if fixed else ""
    slopes = {k: slope(function, k, arguments) for k in moves}
    if alone:
        applied = " ".join([name, *names[:-1]])
        applied = f"({applied})" if len(names) > 1 else applied
        front, at = f"forall {reals}, ", names[-1]
        derivative = text.real(slopes[moves[0]])
        pattern = applied if len(names) == 1 else f"({name}{' _' * (len(names) - 1)})"
        hint = f"(is_derive {pattern} _ _) => (eapply {{}}; first [apart | side])"
    else:
        curves = [CURVES[k] for k in moves]
        read = [f"({CURVES[k]} s)" if k in moves else n for k, n in enumerate(names)]
        applied, at = f"(fun s => {' '.join([name, *read])})", "t"
        front = (f"forall {reals} ({' '.join(curves)} : R -> R) "
                 f"(t {' '.join(f'd{c}' for c in curves)} : R), ").replace("  ", " ")
        given += "".join(f"is_derive {c} t d{c} -> " for c in curves)
        parts = [f"{text.real(v)} * d{CURVES[k]}" for k, v in slopes.items() if v != 0]
        derivative = f"({' + '.join(parts) or '0'})"
        places = " ".join(f"(@?{n} t)" for n in names)
        wanted = " | ".join(["first [apart | side]"] * len(needs(function, arguments))
                            + ["D"] * len(curves))
        along = " ".join(["_" for _ in fixed] + [names[k] for k in moves])
        hint = (f"(is_derive (fun t => {name} {places}) _ _) => "
                f"(eapply ({{}} {along}); [{wanted}])")
    return Law(function, f"{front}{given}is_derive {applied} {at} {derivative}", hint)


def need_text(need: Need, text: Text) -> str:
    """What is needed, as a proposition."""
    kind, term = need
    if kind == "positive":
        return f"0 < {text.real(term)}"
    return f"{text.real(term.args[0])} <> {text.real(term.args[1])}"


def hint_for(law: Law, label: str) -> str:
    """The hint by which the tactics find a law under its label."""
    return f"Hint Extern 1 {law.hint.format(label)} : scalars."


# -- the library's files ----------------------------------------------------------------------


def _ordered() -> list[ScalarFunction]:
    """The functions, each after those that it is defined by."""
    found: dict[str, ScalarFunction] = {}

    def visit(function: ScalarFunction) -> None:
        if function.name in found:
            return
        if function.name not in PRIMITIVES:
            for head in _heads(function):
                if (inner := of_head(head)) is not None and inner is not function:
                    visit(inner)
        found[function.name] = function

    for function in scalar_functions():
        visit(function)
    return list(found.values())


def definition_of(function: ScalarFunction) -> str:
    """A function's definition, as it is declared."""
    names = " ".join(ARGUMENTS[: function.arity])
    body = DEFINITIONS.get(function.name) or Text({}).real(
        function.definition(*_arguments(function)))
    return f"Definition {function_name(function)} ({names} : R) : R := {body}."


def definitions() -> str:
    """Functions.v: every function that Coq can define, and the tactics that open them."""
    made = [f for f in _ordered() if f.name not in PRIMITIVES and not is_assumed(f)]
    texts = {function_name(f): definition_of(f) for f in made}
    choices = [n for n, text in texts.items() if ":= (if" in text]
    smooth = [n for n in texts if n not in choices]
    return "\n".join([
        "(* The declared scalar functions, as they are declared.  *)",
        HEADER.format("Primitives"), *texts.values(),
        f"Ltac open_choices := unfold {', '.join(choices)} in *.",
        f"Ltac open_scalars := unfold {', '.join([*smooth, 'tanh'])} in *.", "",
    ])


def laws() -> str:
    """Laws.v: every function's declared derivative, proved of its definition."""
    lines = ["(* The derivatives of the declared scalar functions, as they are declared.  *)",
             HEADER.format("Tactics")]
    for function in _ordered():
        if is_assumed(function):
            continue
        law = law_of(function)
        lines += [f"Lemma {law.name} : {law.statement}.", f"Proof. {_proof(function)} Qed."]
        if function.name not in PRIMITIVES:
            lines.append(f"Global {hint_for(law, law.name)}")
    return "\n".join([*lines, ""])


def _proof(function: ScalarFunction) -> str:
    if function.name in LEMMAS:
        return f"exact {LEMMAS[function.name]}."
    name = function_name(function)
    if function.name in PRIMITIVES:
        return f"intros; eapply (D_eq (fun x => {name} x)); [D | close]."
    return f"intros; eapply D_eq; [unfold {name}; D | close]."


# -- what a certificate assumes ---------------------------------------------------------------


@dataclass(frozen=True)
class Assumed:
    """A function that Coq lacks, as a variable, and what is assumed of it."""

    function: ScalarFunction
    facts: tuple[tuple[str, str, str], ...]  # label, statement, hint

    @property
    def variable(self) -> str:
        return f"{function_name(self.function)} : {'R -> ' * self.function.arity}R"


def assumed(read: Iterable[Any], differentiated: Iterable[Any]) -> list[Assumed]:
    """The functions Coq lacks in some terms and in the laws of those that are differentiated."""
    laws_of = dict.fromkeys(_lacking(differentiated))
    found = dict.fromkeys([*_lacking(read), *laws_of])
    for function in laws_of:
        arguments = _arguments(function)
        found |= dict.fromkeys(_lacking(slope(function, k, arguments) for k in moving(function)))
    return [Assumed(f, tuple(_facts(f, f in laws_of))) for f in found]


def _lacking(terms: Iterable[Any]) -> list[ScalarFunction]:
    declared = (of_head(type(p)) for t in terms for p in preorder_traversal(t))
    found = dict.fromkeys(f for f in declared if f is not None and is_assumed(f))
    return sorted(found, key=lambda f: f.name)


def _facts(function: ScalarFunction, differentiated: bool) -> Iterator[tuple[str, str, str]]:
    name = function_name(function)
    if function.head.is_nonnegative is True:  # a property where nothing is declared
        names = " ".join(ARGUMENTS[: function.arity])
        label = f"{name}_nonneg"
        yield (label, f"forall {names} : R, 0 <= {name} {names}", f"Hint Resolve {label} : signs.")
    if differentiated:
        law = law_of(function)
        yield law.name, law.statement, hint_for(law, law.name)
