"""Time to import, derive and compile.

    python tests/benchmarks/bench_compile.py [--part import|layers|cases] [--layers N] [--repeat R]

Processor time, so that other programs on the machine do not count.  Cold figures: each is the
fastest of a few fresh processes, the import apart.  The network is an ``L``-layer tanh perceptron
whose every width is a dim of its own; the gradients are wrt all weights and biases.  JAX traces
and compiles the same network, of width 64, when it is installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
from pathlib import Path
from time import process_time
from typing import Any

HERE = Path(__file__).resolve().parent
CASES = HERE.parent / "cases" / "gradients.jsonl"
PARTS = ("import", "layers", "cases")

IMPORT = """
import sys, time
import sympy, numpy
start = time.process_time()
import mathdl
print(time.process_time() - start)
"""

LAYERS = """
import json, sys, time
sys.path.insert(0, {here!r})
import mathdl as md
from expressions import tanh_network
text, shapes = tanh_network({layers}, wide=True)
wrt = [name for name in shapes if name[0] in "Wb"]
times = [time.process_time()]
loss = md.parse(text, shapes=shapes)
times.append(time.process_time())
derivation = md.derive(loss, wrt=wrt)
times.append(time.process_time())
compiled = derivation.compile()
times.append(time.process_time())
print(json.dumps([b - a for a, b in zip(times, times[1:])] + [len(compiled.source)]))
"""

JAX = """
import time
import jax, jax.numpy as jnp
def loss(parameters, X, T):
    H = X
    for W, b in parameters:
        H = jnp.tanh(H @ W + b)
    return jnp.sum((H - T)**2)/X.shape[0]
shape = jax.ShapeDtypeStruct
matrix, vector = shape((64, 64), jnp.float32), shape((64,), jnp.float32)
jax.jit(lambda x: x + 1).lower(vector).compile()
start = time.process_time()
jax.jit(jax.value_and_grad(loss)).lower([(matrix, vector)]*{layers}, matrix, matrix).compile()
print(time.process_time() - start)
"""


def fresh(code: str) -> Any:
    """What a program prints, run in a new process."""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(ran.stderr.strip().splitlines()[-1])
    return json.loads(ran.stdout)


def bench_import(repeat: int) -> None:
    found = [fresh(IMPORT) for _ in range(max(repeat, 5))]
    print(f"import mathdl after sympy and numpy: {min(found):.3f} s, "
          f"median {statistics.median(found):.3f} (aim: 0.2)")


def bench_layers(most: int, repeat: int) -> None:
    with_jax = importlib.util.find_spec("jax") is not None
    head = "layers     parse    derive   compile     total  a further layer"
    print(head + "       jax" * with_jax)
    before, layers, further = (0, 0.0), 1, []
    while layers <= most:
        runs = [fresh(LAYERS.format(here=str(HERE), layers=layers)) for _ in range(repeat)]
        parse, derive, compiled, _ = min(runs, key=lambda r: sum(r[:3]))
        total = parse + derive + compiled
        line = f"{layers:6d} {parse:7.3f} s {derive:7.3f} s {compiled:7.3f} s {total:7.3f} s"
        further.append((total - before[1]) / (layers - before[0]))
        line += f" {further[-1] * 1e3:12.1f} ms"
        if with_jax:
            line += f" {min(fresh(JAX.format(layers=layers)) for _ in range(repeat)):7.3f} s"
        print(line, flush=True)
        before = (layers, total)
        layers *= 2
    print(f"{before[0]} layers in {before[1]:.2f} s (aim: 64 in 2 s); a further layer costs "
          f"{further[-1] / further[-2]:.2f} times what it did at half of them (aim: 1)"
          if len(further) > 2 else "too few layers to see how it grows")
    if not with_jax:
        print("JAX is not installed: no comparison")


def bench_cases(path: Path) -> None:
    """Every worked example derived and compiled, one after another in this process."""
    if not path.exists():
        print("no list of cases: give one with --cases")
        return
    import mathdl as md

    md.derive(md.parse("sum(x**2)", shapes="x: n"), wrt="x").compile()
    found: list[tuple[float, str]] = []
    refused: list[str] = []
    for line in path.read_text().splitlines():
        case = json.loads(line)
        start = process_time()
        try:
            loss = md.parse(case["expr"], shapes=case["shapes"], assume=case["constraints"])
            md.derive(loss, wrt=case["wrt"], order=case["order"]).compile()
        except md.MathDLError as error:
            refused.append(f"{case['id']}: {str(error).splitlines()[0]}")
        found.append((process_time() - start, case["id"]))
    times = [t for t, _ in found]
    slowest = sorted(found, reverse=True)[:5]
    print(f"{len(times)} cases: median {statistics.median(times):.3f} s (aim: 0.3), "
          f"slowest {max(times):.2f} s (aim: 5)")
    print("slowest: " + ", ".join(f"{name} {t:.2f} s" for t, name in slowest))
    if refused:
        print(f"{len(refused)} refused:", *refused, sep="\n  ")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=PARTS, action="append")
    parser.add_argument("--layers", type=int, default=64, help="the most layers")
    parser.add_argument("--repeat", type=int, default=3, help="fresh processes for each figure")
    parser.add_argument("--cases", type=Path, default=CASES, help="worked examples, JSON lines")
    options = parser.parse_args()
    parts = options.part or PARTS
    if "import" in parts:
        bench_import(options.repeat)
    if "layers" in parts:
        bench_layers(options.layers, options.repeat)
    if "cases" in parts:
        bench_cases(options.cases)
    return 0


if __name__ == "__main__":
    sys.exit(main())
