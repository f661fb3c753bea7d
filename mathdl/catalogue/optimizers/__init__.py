"""Update rules of optimizers, each solved from the problem that defines it."""

from mathdl.catalogue.optimizers.adaptive import adagrad, adam, adamw, rmsprop
from mathdl.catalogue.optimizers.constrained import (
    exponentiated_gradient,
    lasso_coordinate,
    mirror_descent,
    projected_ball,
    projected_box,
    proximal_gradient,
)
from mathdl.catalogue.optimizers.first_order import gradient_descent, momentum, nesterov
from mathdl.catalogue.optimizers.quadratics import conjugate_gradient, exact_line_search
from mathdl.catalogue.optimizers.second_order import (
    fisher,
    gauss_newton,
    levenberg_marquardt,
    natural_gradient,
    natural_gradient_ball,
    newton,
)
from mathdl.catalogue.optimizers.stationary import Update, root, stationary

__all__ = [
    "Update",
    "adagrad",
    "adam",
    "adamw",
    "conjugate_gradient",
    "exact_line_search",
    "exponentiated_gradient",
    "fisher",
    "gauss_newton",
    "gradient_descent",
    "lasso_coordinate",
    "levenberg_marquardt",
    "mirror_descent",
    "momentum",
    "natural_gradient",
    "natural_gradient_ball",
    "nesterov",
    "newton",
    "projected_ball",
    "projected_box",
    "proximal_gradient",
    "rmsprop",
    "root",
    "stationary",
]
