"""Ways to alter a proof: each must be refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mathdl.ir.steps import (
    Accumulation,
    Derivative,
    Law,
    Projection,
    PullBack,
    Restriction,
    Rewrite,
    Step,
)
from mathdl.language.operators import multiply, negative, transpose
from mathdl.proof import Claim, Proof, proof
from mathdl.proof.laws import LAWS, broken


def altered(original: Proof) -> Iterator[tuple[str, Proof]]:
    """Every step of a proof altered in several ways, with what was done.

    Numbers, premises and conditions are those that the altered steps need, so that only the
    mathematics is at fault; another kind of alteration changes these alone.
    """
    steps = [line.step for line in original.lines]
    for k, step in enumerate(steps):
        for how, other in other_steps(step):
            if other == step:  # the transpose of an identity is that identity
                continue
            yield f"step {k + 1}: {how}", renumbered(original, [*steps[:k], other, *steps[k + 1:]])
        yield f"step {k + 1}: left out", renumbered(original, [*steps[:k], *steps[k + 1:]])
        line = original.lines[k]
        for how, wrong in (
            ("premises", replace(line, premises=(*line.premises, k + 1))),
            ("fewer premises", replace(line, premises=line.premises[1:])),
            ("number", replace(line, number=line.number + 1)),
            ("conditions", replace(line, conditions=line.conditions[1:])),
        ):
            if wrong != line:
                lines = (*original.lines[:k], wrong, *original.lines[k + 1:])
                yield f"step {k + 1}: {how}", replace(original, lines=lines)
    for k, claim in enumerate(original.claims):
        for how, other_claim in other_claims(claim):
            claims = (*original.claims[:k], other_claim, *original.claims[k + 1:])
            yield f"claim {claim.key}: {how}", replace(original, claims=claims)
    yield "no claims", replace(original, claims=())


def renumbered(original: Proof, steps: list[Step]) -> Proof:
    return replace(original, lines=proof.numbered(steps))


def other_steps(step: Step) -> Iterator[tuple[str, Step]]:
    yield "result doubled", replace(step, after=multiply(2, step.after))
    yield "sign lost", replace(step, after=negative(step.after))
    yield "a little more", replace(step, after=step.after + 1)
    if step.after.ndim > 1:
        order = [*range(1, step.after.ndim), 0]
        yield "axes turned", replace(step, after=transpose(step.after, order))
    yield "an unknown rule", replace(step, rule=Law("magic", "it is so"))
    for kind, laws in LAWS.items():
        if not isinstance(step, kind):
            yield "a rule for other steps", replace(step, rule=Law(next(iter(laws)), ""))
    match step:
        case Rewrite(before=before):
            yield "another left side", replace(step, before=multiply(3, before))
            backwards = replace(step, before=step.after, after=before)
            if broken(backwards):  # otherwise it is an instance of the same law
                yield "backwards", backwards
        case PullBack(consumers=((consumer, cotangent), *_), target=target):
            yield "another cotangent", replace(
                step, consumers=((consumer, multiply(2, cotangent)), *step.consumers[1:])
            )
            yield "another consumer", replace(
                step, consumers=((multiply(2, consumer), cotangent), *step.consumers[1:])
            )
            yield "another target", replace(step, target=multiply(2, target))
        case Accumulation(terms=terms) if terms:
            yield "a term lost", replace(step, terms=terms[1:])
            yield "a term twice", replace(step, terms=(*terms, terms[0]))
        case Derivative(value=value):
            yield "of something else", replace(step, value=multiply(2, value))
        case Restriction(before=before):
            yield "of something else", replace(step, before=multiply(2, before))
        case Projection():
            yield "no axes", replace(step, axes=())


def other_claims(claim: Claim) -> Iterator[tuple[str, Claim]]:
    yield "doubled", replace(claim, result=multiply(2, claim.result))
    yield "of something else", replace(claim, value=multiply(2, claim.value))
    yield "by something else", replace(claim, path=(*claim.path[:-1], "nothing"))
    yield "of another order", replace(claim, path=(*claim.path, claim.path[-1]))
