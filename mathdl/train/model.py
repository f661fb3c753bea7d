"""Models, their verified gradients, and the record of a run."""

from __future__ import annotations

import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import mathdl as md
from mathdl.derivation import Derivation
from mathdl.ir.tensor import Tensor
from mathdl.train.experiment import Refused, Say
from mathdl.train.loop import Epoch, Packed


@dataclass(frozen=True)
class Model:
    """A loss, the quantities that it goes through, and the names of the parameters.

    lines
        For reading, a definition a line.
    expression
        The quantities by name; that which is minimised is called ``loss``.
    residuals
        The name of a vector half of whose squared length is the loss, or its smooth part, where
        there is one.
    smooth, weight
        Where the loss is a smooth quantity plus ``weight*sum(abs(theta))`` over all parameters,
        the names of both.
    outputs, divergence
        The quantities that what is predicted depends on, and from their values at one place and
        at another how far the two predicted distributions are apart; a penalty on parameters
        adds its own distance, that of the Gaussian prior which it stands for.
    """

    lines: tuple[str, ...]
    parameters: tuple[str, ...]
    expression: Callable[[str], Tensor]
    residuals: str = ""
    smooth: str = ""
    weight: str = ""
    outputs: tuple[str, ...] = ()
    divergence: Callable[..., Tensor] | None = None

    def quantity(self, name: str) -> Any:
        """The generated code of one of the quantities, a prediction for instance."""
        return md.compile(self.expression(name))

    def verified(self, seed: int, say: Say, **options: Any) -> tuple[Derivation, Any]:
        """The derivation of the loss and its compiled value and gradients, once verified.

        Raises:
            Refused: finite differences disagree with the gradients.
        """
        began = time.perf_counter()
        derivation = md.derive(self.expression("loss"), wrt=list(self.parameters))
        step = derivation.compile()
        say(
            f"derived    the gradients of {', '.join(self.parameters)} and their NumPy code "
            f"in {time.perf_counter() - began:.2f} s"
        )
        began = time.perf_counter()
        report = derivation.verify(seed=seed, **options)
        verdict = "verified" if report else "refused "
        say(f"{verdict}   against finite differences in {time.perf_counter() - began:.2f} s")
        for line in str(report).splitlines():
            say(" " * 11 + line)
        if not report:
            raise Refused("the gradients failed verification; nothing was trained")
        return derivation, step


def written(
    definitions: tuple[str, ...], value: str, shapes: Mapping[str, str],
    parameters: tuple[str, ...], assume: Mapping[str, str] | None = None, **structure: Any,
) -> Model:
    """A model as text in mathdl's language: definitions, the loss, and the shapes it is over."""

    def expression(name: str) -> Tensor:
        text = "; ".join((*definitions, value if name == "loss" else name))
        return md.parse(text, shapes=shapes, assume=assume or {})

    return Model((*definitions, f"loss = {value}"), parameters, expression, **structure)


def save(
    settings: Any, name: str, model: Model, derivation: Derivation, parameters: Packed,
    history: Sequence[Epoch],
) -> tuple[Path, ...]:
    """Module, derivation, history (JSON and CSV) and parameters, in the folder for results."""
    folder = settings.out
    rows = [epoch.to_dict() for epoch in history]
    record = {
        "experiment": name,
        "settings": asdict(settings),
        "model": model.lines,
        "test_accuracy": history[-1].test_accuracy,
        "epochs": rows,
    }
    texts = {
        "gradients.py": derivation.source,
        "derivation.txt": "\n".join(model.lines) + f"\n\n{derivation.text()}\n",
        "derivation.tex": _document(derivation.latex()),
        "history.json": json.dumps(record, indent=2, default=str) + "\n",
    }
    for file, text in texts.items():
        (folder / file).write_text(text, encoding="utf-8")
    with (folder / "history.csv").open("w", newline="", encoding="utf-8") as file_:
        writer = csv.DictWriter(file_, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    arrays: dict[str, Any] = dict(parameters.views)
    np.savez(folder / "parameters.npz", **arrays)
    return tuple(folder / file for file in (*texts, "history.csv", "parameters.npz"))


def _document(body: str) -> str:
    """A LaTeX fragment as a document that compiles."""
    return (
        "\\documentclass{article}\n\\usepackage{amsmath,amssymb}\n\\begin{document}\n"
        f"{body}\n\\end{{document}}\n"
    )
