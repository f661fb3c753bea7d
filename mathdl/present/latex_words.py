"""What a document says in words: the notation that it uses, and text that is no mathematics."""

from __future__ import annotations

import re

CONVENTIONS = (
    (r"", "Bold capitals are matrices or arrays with more axes, bold lower case letters are "
          "column vectors; entries are counted from $0$."),
    (r"\\odot|\\circ", r"$\odot$ is the entrywise product and $\mathbf A^{\circ k}$ the entrywise "
                       "power; fractions of arrays are entrywise."),
    (r"\\mathbf\{1\}", r"$\mathbf 1$ is a vector of ones of the length that fits."),
    (r"", "A function of a scalar is applied to every entry, and a scalar that is added to an "
          "array is added to every entry. The derivative by an array has, after the axes of what "
          "is differentiated, the axes of the array."),
    (r"\\bar\{", r"$\bar{\mathbf A}$ is the derivative of what is differentiated by $\mathbf A$, "
                 r"all other routes to it included."),
    (r"part\}", r"$\mathbf A_{\mathrm{part}}$ is what one reader of $\mathbf A$ contributes to "
                r"$\bar{\mathbf A}$."),
    (r"\\mathbf\{I\}_", r"$\mathbf I_n$ is the identity matrix."),
    (r"\\boldsymbol\{I\}", r"$\boldsymbol I$ is an input and not the identity."),
    (r"\\sigma\\left", r"$\sigma(x) = 1/(1 + e^{-x})$."),
    (r"softplus", r"$\operatorname{softplus}(x) = \log(1 + e^x)$."),
    (r"relu\}", r"$\operatorname{relu}(x) = \max(x, 0)$, with the derivative $0$ at $0$."),
    (r"softmax", r"$\operatorname{softmax}$ is along the last axis: "
                 r"$e^{\mathbf z}/(\mathbf 1^\top e^{\mathbf z})$ of each row $\mathbf z$."),
    (r"logsumexp", r"$\operatorname{logsumexp}(\mathbf z) = \log(\mathbf 1^\top e^{\mathbf z})$."),
    (r"\\lVert", r"$\lVert\cdot\rVert_2$ is the Euclidean and $\lVert\cdot\rVert_F$ the Frobenius "
                 r"norm."),
    (r"axis\}", r"A function marked $\mathrm{axis}\,k$ is taken along the $k$-th axis, counted "
                r"from $0$."),
    (r"\\left\[(?!:)[^\]]*?(?:>|<|=|\\le|\\ge|\\ne)",
     r"$[\,\cdot\,]$ around a relation is $1$ where it holds and $0$ elsewhere."),
    (r"\\right\]_\{", r"$[a_{i,j}]_{i,j}$ is the array with these entries; sums in it are over the "
                      r"whole axis."),
    (r"\\sum", r"An entry outside of an array is $0$."),
    (r"\\delta_", r"$\delta_{i,j}$ is $1$ where $i = j$ and $0$ elsewhere."),
    (r"_\{[^{}]*:[^{}]*\}", r"A subscript $a{:}b$ selects the positions $a, \dots, b - 1$, and "
                            r"$a{:}b{:}c$ every $c$-th of them."),
    (r"\\cdot\]|\\cdot,", r"In $[:, \cdot]$ a dot is an axis along which the array is repeated."),
    (r"conv2d", r"$\operatorname{conv2d}(\mathbf X, \mathbf K)$ is the cross-correlation: "
                r"$\sum_{k,l} K_{k,l} X_{i+k,j+l}$, summed over channels."),
    (r"\\otimes", r"$\otimes$ is the Kronecker product."),
    (r"erf\b|erf\}", r"$\operatorname{erf}$ is the error function."),
    (r"gelu\}", r"$\operatorname{gelu}(x) = x \, \Phi(x)$ with the normal distribution function "
                r"$\Phi$."),
    (r"\\psi", r"$\psi = (\log \Gamma)'$, with $\psi^{(k)}$ its $k$-th derivative."),
)
REPLACED = (("\\", r"\textbackslash "), ("{", r"\{"), ("}", r"\}"), ("_", r"\_"), ("^", r"\^{}"),
            ("&", r"\&"), ("#", r"\#"), ("%", r"\%"), ("$", r"\$"), ("~", r"\~{}"))


def conventions(latex: str) -> str:
    """What is to be said of the notation that occurs in a text."""
    return "\n".join(notation(latex))


def notation(latex: str) -> list[str]:
    """What the notation means that occurs in a text."""
    return [text for pattern, text in CONVENTIONS if re.search(pattern, latex)]


def heading(title: str) -> str:
    """A title given by the user on one line, without what cannot be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in title).split())


def escaped(text: str) -> str:
    """Text that is no LaTeX, for LaTeX."""
    special = dict(REPLACED)
    return "".join(special.get(c, c) for c in text)
