"""Posteriors of conjugate priors: the prior's family with its parameters updated, derived.

A prior is conjugate to a log-likelihood that is a combination of the prior's sufficient
statistics, up to what does not depend on the unknown.  The coefficients are solved for from
derivatives at a point, proved to fit at all points, and added to the natural parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import combinations_with_replacement, product
from typing import Any, TypeVar

from sympy import Function, Pow, Rational, nan, oo, zoo

import mathdl as md
from mathdl.catalogue.distributions.base import ExponentialFamily
from mathdl.catalogue.distributions.discrete import Bernoulli, Binomial, Categorical, Poisson
from mathdl.catalogue.distributions.natural import declared
from mathdl.catalogue.distributions.positive import Beta, Dirichlet, Exponential, Gamma
from mathdl.catalogue.distributions.real import Normal
from mathdl.catalogue.distributions.vectors import MultivariateNormal, NormalGamma
from mathdl.catalogue.optimizers.separate import scalars, separated
from mathdl.catalogue.optimizers.stationary import in_turn, put, replaced
from mathdl.ir.build import is_zero
from mathdl.ir.system import depends_on, inputs_of, topological
from mathdl.ir.tensor import Tensor
from mathdl.language.pointwise import as_tensor
from mathdl.present.text import to_text
from mathdl.scalar.declare import of_head
from mathdl.simplify.networks import is_symmetric

Family = TypeVar("Family", bound=ExponentialFamily)
PLACES = (0, 1, Rational(1, 2))  # one of them is inside of every prior's support


def posterior(prior: Family, unknown: Tensor | tuple[Tensor, ...], likelihood: Tensor) -> Family:
    """The distribution of ``unknown`` after observations, of the family of ``prior``.

    unknown
        The input that the prior speaks of, or several as its density takes them.
    likelihood
        The logarithm of the probability of all observations, a scalar that reads ``unknown``;
        what does not depend on it may be left out.

    ``log posterior - log prior - likelihood`` does not depend on ``unknown``.  Gelman et al.,
    Bayesian Data Analysis, section 2.4.

    Raises:
        UnsupportedError: the prior is not conjugate to the likelihood.
        ShapeError: the likelihood is no scalar.
        NamingError: the prior reads the unknown.
    """
    if not isinstance(prior, ExponentialFamily):
        raise md.UnsupportedError(f"{type(prior).__name__} is no exponential family")
    if likelihood.ndim:
        raise md.ShapeError(f"the log-likelihood is a scalar, not of shape {likelihood.shape}")
    unknowns = unknown if isinstance(unknown, tuple) else (unknown,)
    parameters = _inputs([getattr(prior, f.name) for f in fields(prior)])
    for one in set(unknowns) & set(parameters):
        raise md.NamingError(f"the prior of {one.name} reads {one.name}")
    added = _coefficients(prior, unknown, unknowns, likelihood)
    natural = [before + more for before, more in zip(prior.natural, added, strict=True)]
    known = {name: getattr(prior, name) for name in (f.name for f in fields(prior))
             if name not in declared(type(prior))}
    result: Family = type(prior).of_natural(*natural, **known)
    return result


def _coefficients(
    prior: ExponentialFamily, unknown: Any, unknowns: Sequence[Tensor], likelihood: Tensor
) -> list[Tensor]:
    """Those of the prior's statistics in the log-likelihood."""
    statistics = prior.statistic(unknown)
    name = _fresh("coefficient", [likelihood, *unknowns])
    symbols = [
        md.tensor(f"{name}{k}", *one.shape, assume="symmetric" if is_symmetric(one) else ())
        for k, one in enumerate(statistics)
    ]
    pairs = zip(symbols, statistics, strict=True)
    apart = likelihood - sum(md.sum(symbol * one) for symbol, one in pairs)
    for places in product(PLACES, repeat=len(unknowns)):
        conditions = _derivatives(apart, unknowns, dict(zip(unknowns, places, strict=True)))
        if not all(map(_finite, topological(conditions))):
            continue
        try:
            found = in_turn(conditions, symbols)
        except md.UnsupportedError:
            continue
        if _constant(replaced(apart, found), unknowns):
            return [found[symbol] for symbol in symbols]
        break
    names = " and ".join(str(u.name) for u in unknowns)
    raise md.UnsupportedError(
        f"{type(prior).__name__} is not shown to be conjugate to this likelihood: in {names} that "
        f"is no combination of {', '.join(to_text(as_tensor(one)) for one in statistics)}"
    )


def _derivatives(
    expr: Tensor, unknowns: Sequence[Tensor], at: dict[Tensor, Any]
) -> list[Tensor]:
    """First and second derivatives at a point; of vectors also the sums of the rows."""
    first = md.derive(expr, list(unknowns))
    found = [first[u] for u in unknowns]
    for one, other in combinations_with_replacement(unknowns, 2):
        slope = first[one]
        found.append(md.derive(slope, other)[other])
        if slope.ndim:
            found.append(md.derive(md.sum(slope), other)[other])
    return [_spread(replaced(one, at)) for one in found]


def _finite(tensor: Tensor) -> bool:
    return tensor.definition is None or not tensor.definition.body.has(zoo, nan, oo)


def _constant(expr: Tensor, unknowns: Sequence[Tensor]) -> bool:
    """Whether its derivatives simplify to zero, or are exactly zero at small sizes.

    Only for what is analytic does zero at random points mean zero everywhere.
    """
    derived = md.derive(expr, list(unknowns))
    if all(is_zero(_spread(derived[u])) for u in unknowns):
        return True
    if _in_pieces(expr, unknowns):
        return False
    zeros = {key: md.zeros(*one.shape) for key, one in derived.derivatives.items()}
    return bool(replace(derived, derivatives=zeros).verify(level="exact"))


def _in_pieces(expr: Tensor, unknowns: Sequence[Tensor]) -> bool:
    """Whether the unknowns are read by a function with a kink, a jump or branches."""
    carrying = depends_on([expr], unknowns, held=True)
    return any(_pieced(t) for t in topological([expr])
               if id(t) in carrying and t.definition is not None)


def _pieced(tensor: Tensor) -> bool:
    equation = tensor.equation
    body = equation.body.xreplace(scalars(equation.body, equation.operands))
    heads = [of_head(one.func) for one in body.atoms(Function)]
    return (
        equation.reduce in ("max", "min")
        or any(head is not None and (head.kinks or head.name in BRANCHED) for head in heads)
        or any(not (one.exp.is_integer or one.base.is_positive) for one in body.atoms(Pow))
    )


#: Without a kink that is declared, but no one analytic function on the real line.
BRANCHED = ("where", "arcsin", "arccos", "tan")


def _inputs(values: Sequence[Any]) -> list[Tensor]:
    return inputs_of([value for value in values if isinstance(value, Tensor)])


def _fresh(name: str, values: Sequence[Any]) -> str:
    """The name, with underscores so that no input of the values begins with it."""
    while any(str(one.name).startswith(name) for one in _inputs(values)):
        name += "_"
    return name


def _spread(expr: Tensor) -> Tensor:
    return put(separated(expr), {})


def beta_bernoulli(prior: Beta, x: Any) -> Beta:
    """Of the probability of ones after observing zeros and ones ``x``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.18.
    """
    p = md.tensor(_fresh("unknown", [x]), assume="unit_interval")
    return posterior(prior, p, Bernoulli(p).log_likelihood(x))


def beta_binomial(prior: Beta, x: Any, trials: Any) -> Beta:
    """Of the probability of ones after observing the numbers ``x`` of ones in so many trials.

    Gelman et al., Bayesian Data Analysis, section 2.4.
    """
    p = md.tensor(_fresh("unknown", [x, trials]), assume="unit_interval")
    return posterior(prior, p, Binomial(trials, p).log_likelihood(x))


def gamma_exponential(prior: Gamma, x: Any) -> Gamma:
    """Of the rate after observing the times ``x``.

    Gelman et al., Bayesian Data Analysis, section 2.6.
    """
    rate = md.tensor(_fresh("unknown", [x]), assume="positive")
    return posterior(prior, rate, Exponential(rate).log_likelihood(x))


def gamma_poisson(prior: Gamma, x: Any) -> Gamma:
    """Of the rate after observing the counts ``x``.

    Gelman et al., Bayesian Data Analysis, section 2.6.
    """
    rate = md.tensor(_fresh("unknown", [x]), assume="positive")
    return posterior(prior, rate, Poisson(rate).log_likelihood(x))


def normal_normal(prior: Normal, x: Any, sigma: Any) -> Normal:
    """Of the mean after observing ``x`` of known deviation ``sigma``.

    Bishop, Pattern Recognition and Machine Learning, eqs. 2.141 and 2.142.
    """
    mu = md.tensor(_fresh("unknown", [x, sigma]))
    return posterior(prior, mu, Normal(mu, sigma).log_likelihood(x))


def dirichlet_categorical(prior: Dirichlet, x: Any) -> Dirichlet:
    """Of the probabilities after observing one-hot rows ``x``.

    Bishop, Pattern Recognition and Machine Learning, eq. 2.41.
    """
    p = md.tensor(_fresh("unknown", [x]), x.shape[-1], assume="probability_vector")
    return posterior(prior, p, Categorical(p).log_likelihood(x))


def normal_gamma(prior: NormalGamma, x: Any) -> NormalGamma:
    """Of mean and precision after observing ``x``, normal with both unknown.

    Means are counted from the prior's, so that little cancels in ``beta``.
    Murphy, Machine Learning: A Probabilistic Perspective, section 4.6.3.7.
    """
    name = _fresh("unknown", [x, prior.mu, prior.kappa, prior.alpha, prior.beta])
    mu, tau = md.tensor(f"{name}_mean"), md.tensor(f"{name}_precision", assume="positive")
    shifted = md.tensor(f"{name}_shifted", *x.shape)
    likelihood = Normal(mu, 1 / md.sqrt(tau)).log_likelihood(shifted)
    found = posterior(replace(prior, mu=md.zeros()), (mu, tau), likelihood)
    apart = {shifted: x - prior.mu}
    return replace(found, mu=prior.mu + put(found.mu, apart), beta=put(found.beta, apart))


def linear_normal(prior: MultivariateNormal, A: Any, y: Any, Sigma: Any) -> MultivariateNormal:
    """Of ``x`` after observing ``y``, which is normal with mean ``A x`` and covariance ``Sigma``.

    Bishop, Pattern Recognition and Machine Learning, eqs. 2.116 and 2.117.
    """
    x = md.tensor(_fresh("unknown", [A, y, Sigma]), A.shape[-1])
    return posterior(prior, x, MultivariateNormal(A @ x, Sigma).log_likelihood(y))
