"""How users write mathematics: operators, functions, the text parser."""

from mathdl.language.declare import dims, parse_assumptions, parse_shapes, tensor
from mathdl.language.equations import equation
from mathdl.language.functions import FUNCTIONS
from mathdl.language.notation import Max, Min, Product, Sum, indices

__all__ = [
    "FUNCTIONS",
    "Max",
    "Min",
    "Product",
    "Sum",
    "dims",
    "equation",
    "indices",
    "parse_assumptions",
    "parse_shapes",
    "tensor",
]
