"""The command line: what it prints, where, and with which exit status."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mathdl
from mathdl.cli import main
from mathdl.derivation import Derivation

SQUARES = ["sum((X @ w - y)**2)/n", "--shape", "X: n d; w: d; y: n", "--wrt", "w"]
CROSS_ENTROPY = [
    "P = softmax(X @ W + b); -sum(Y*log(P))/n",
    "--shape", "X: n d; W: d c", "--shape", "b: c; Y: n c",
    "--assume", "Y: one_hot", "--wrt", "W,b",
]


@dataclass
class Result:
    status: int
    out: str
    err: str


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(*args: str, stdin: str = "") -> Result:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as stopped:
            main(list(args), prog_name="mathdl")
        captured = capsys.readouterr()
        return Result(int(stopped.value.code or 0), captured.out, captured.err)

    return call


# -- help and version ------------------------------------------------------------------------


def test_version(run: Any) -> None:
    result = run("--version")
    assert (result.status, result.out) == (0, f"mathdl, version {mathdl.__version__}\n")


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        ([], "Commands:"),
        (["--help"], "Examples:"),
        (["-h"], "Examples:"),
        (["derive", "--help"], "--order"),
        (["train"], "digits"),
        (["train", "--help"], "digits"),
        (["train", "digits", "--help"], "--learning-rate"),
        (["train", "--list"], "digits"),
    ],
)
def test_help_goes_to_stdout(run: Any, args: list[str], expected: str) -> None:
    result = run(*args)
    assert result.status == 0
    assert expected in result.out
    assert result.err == ""


def test_the_examples_in_the_help_run(run: Any, tmp_path: Path, monkeypatch: Any) -> None:
    import shlex

    monkeypatch.chdir(tmp_path)
    text = run("derive", "--help").out.replace("\\\n", " ")
    examples = [line for line in text.splitlines() if line.strip().startswith("mathdl derive \"")]
    assert len(examples) == 5
    for example in examples:
        result = run(*shlex.split(example)[1:])
        assert (result.status, bool(result.out)) == (0, True), example + result.err
    assert (tmp_path / "grad.py").exists()


# -- derive ----------------------------------------------------------------------------------


def test_derive_prints_the_derivation(run: Any) -> None:
    result = run("derive", *SQUARES)
    assert result.status == 0
    assert "X" in result.out
    assert result.out.startswith("dL/dw = ")
    assert result.err == ""


def test_derive_reads_standard_input(run: Any) -> None:
    assert run("derive", "-", *SQUARES[1:], stdin=SQUARES[0]).out == run("derive", *SQUARES).out


def test_an_expression_may_begin_with_a_minus(run: Any) -> None:
    shape = ["--shape", "x: n; hsv: n", "--wrt", "x"]
    result = run("derive", "-sum(x**2)", *shape)
    assert result.status == 0, result.err
    assert run("derive", *shape, "-sum(x**2)").out == result.out
    assert run("derive", *shape, "--", "-sum(x**2)").out == result.out
    # letters that happen to be options elsewhere are not read as such
    assert run("derive", "-hsv@x", *shape).status == 0


def test_latex(run: Any) -> None:
    result = run("derive", *SQUARES, "--format", "latex", "--verify")
    assert result.status == 0
    assert "\\" in result.out
    assert "\\" not in result.err  # the report is kept apart
    assert result.err.strip()


def test_json(run: Any) -> None:
    result = run("derive", *CROSS_ENTROPY, "--format", "json")
    assert result.status == 0
    data = json.loads(result.out)
    assert data["expression"] == CROSS_ENTROPY[0]
    assert data["wrt"] == ["W", "b"]
    assert data["order"] == 1
    assert data["derivatives"]["W"]["shape"] == ["d", "c"]
    assert data["derivatives"]["b"]["shape"] == ["c"]
    for entry in data["derivatives"].values():
        assert entry["text"]
        assert entry["latex"]
    assert "code" not in data
    assert "verification" not in data


def test_json_with_code_and_verification(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "grad.py"
    result = run("derive", *SQUARES, "--format", "json", "--verify", "--code", str(file))
    assert result.status == 0
    data = json.loads(result.out)
    assert data["code"] == file.read_text("utf-8")
    assert isinstance(data["verification"], dict)


def test_wrt_may_be_repeated(run: Any) -> None:
    start = CROSS_ENTROPY[:-2]
    expected = run("derive", *CROSS_ENTROPY).out
    assert run("derive", *start, "--wrt", "W", "--wrt", "b").out == expected
    assert run("derive", *start, "--wrt", "W, b").out == expected


def test_order_two_is_a_hessian(run: Any) -> None:
    result = run("derive", *SQUARES, "--order", "2", "--format", "json")
    assert json.loads(result.out)["derivatives"]["w"]["shape"] == ["d", "d"]


BIAS = ["sum((X @ w + b - y)**3)", "--shape", "X: n d; w: d; b: ; y: n"]


def test_order_two_of_several_names_is_every_block(run: Any) -> None:
    result = run("derive", *BIAS, "--wrt", "w,b", "--order", "2", "--verify")
    assert result.status == 0
    left = [line.split(" = ")[0] for line in result.out.splitlines() if line.startswith("d2L")]
    assert left == ["d2L/dw2", "d2L/(dw db)", "d2L/db2"]
    assert "Hessian   w,b" in result.out


def test_names_with_a_colon_are_one_mixed_derivative(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "mixed.py"
    result = run("derive", *BIAS, "--wrt", "b:w", "--format", "json", "--verify",
                 "--code", str(file))
    assert result.status == 0, result.err
    data = json.loads(result.out)
    assert data["wrt"] == ["b:w"]
    assert data["order"] == 2
    assert {key: e["shape"] for key, e in data["derivatives"].items()} == {"b,w": ["d"]}
    assert data["verification"]["verified"]
    assert "b,w" in file.read_text("utf-8")
    both = run("derive", *BIAS, "--wrt", "b:w, w:b").out
    assert "d2L/(db dw) = " in both
    assert "\nd2L/(dw db) = " in both


def test_a_symmetric_argument(run: Any) -> None:
    given = ["sum(C*S)", "--shape", "C: n n; S: n n", "--assume", "S: symmetric", "--wrt", "S"]
    assert run("derive", *given).out == "dL/dS = C\n"
    projected = run("derive", *given, "--symmetric", "projected", "--verify")
    assert projected.status == 0
    assert projected.out.startswith("dL/dS = (C + C.T)/2\n")
    assert run("derive", *given, "--symmetric", "vech").out == "dL/dS = C + C.T - C*eye(n)\n"


def test_code_is_a_module_that_works_without_mathdl(run: Any, tmp_path: Path) -> None:
    file = tmp_path / "grad.py"
    result = run("derive", *SQUARES, "--code", str(file))
    assert result.status == 0
    assert "mathdl" not in [line.split()[1] for line in file.read_text("utf-8").splitlines()
                            if line.startswith(("import ", "from "))]
    script = (
        "import sys, runpy\n"
        "sys.modules['mathdl'] = None\n"
        "import numpy as np\n"
        f"module = runpy.run_path({str(file)!r})\n"
        "X, w, y = np.array([[1., 2.], [3., 4.], [5., 6.]]), np.ones(2), np.zeros(3)\n"
        "value, grad = module['value_and_grad'](X=X, w=w, y=y)\n"
        "assert np.isclose(value, ((X @ w - y)**2).mean())\n"
        "assert np.allclose(grad, 2*X.T @ (X @ w - y)/3)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr


def test_code_to_standard_output_is_pure_code(run: Any) -> None:
    result = run("derive", *SQUARES, "--code", "-", "--verify")
    assert result.status == 0
    compile(result.out, "grad.py", "exec")
    assert result.err.strip()


def test_verify_prints_the_report(run: Any) -> None:
    result = run("derive", *SQUARES, "--verify")
    assert result.status == 0
    assert len(result.out) > len(run("derive", *SQUARES).out)


class _Refusal:
    def __bool__(self) -> bool:
        return False

    def __str__(self) -> str:
        return "w: worst error 0.5 above the bound 1e-9"

    def to_json(self) -> str:
        return '{"verified": false}'


def test_failed_verification_is_status_one_and_writes_no_code(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Derivation, "verify", lambda self, **options: _Refusal())
    file = tmp_path / "grad.py"
    result = run("derive", *SQUARES, "--verify", "--code", str(file))
    assert result.status == 1
    assert "worst error 0.5" in result.out
    assert result.err == "error: verification failed; no code was written\n"
    assert not file.exists()
    # nor does it come out by the other ways
    assert "import numpy" not in run("derive", *SQUARES, "--verify", "--code", "-").out


# -- errors: one line, status 2, no traceback ------------------------------------------------

BAD = {
    "no command": (["deriv"], "No such command"),
    "no expression": (["derive", "--shape", "x: n", "--wrt", "x"], "EXPR"),
    "no shape": (["derive", "sum(x)", "--wrt", "x"], "--shape"),
    "no wrt": (["derive", "sum(x)", "--shape", "x: n"], "--wrt"),
    "unknown option": (["derive", *SQUARES, "--ordr", "2"], "--ordr"),
    "two expressions": (["derive", *SQUARES, "sum(w)"], "unexpected extra argument"),
    "order is no integer": (["derive", *SQUARES, "--order", "two"], "two"),
    "order zero": (["derive", *SQUARES, "--order", "0"], "order"),
    "order of a mixed one": (["derive", *SQUARES[:-1], "w:y", "--order", "3"], "order 2, not 3"),
    "mixed with nothing": (["derive", *SQUARES[:-1], "w:"], "wrt"),
    "symmetric": (["derive", *SQUARES, "--symmetric", "half"], "ambient, projected, vech"),
    "nothing symmetric": (["derive", *SQUARES, "--symmetric", "vech"], "assumed symmetric"),
    "format": (["derive", *SQUARES, "--format", "docx"], "docx"),
    "syntax": (["derive", "sum(x", "--shape", "x: n", "--wrt", "x"], ""),
    "empty": (["derive", "", "--shape", "x: n", "--wrt", "x"], ""),
    "empty input": (["derive", "-", "--shape", "x: n", "--wrt", "x"], ""),
    "unknown name": (["derive", "sum(z)", "--shape", "x: n", "--wrt", "x"], "z"),
    "unknown wrt": (["derive", "sum(x)", "--shape", "x: n", "--wrt", "v"], "v"),
    "empty wrt": (["derive", "sum(x)", "--shape", "x: n", "--wrt", ""], "wrt"),
    "bad shape text": (["derive", "sum(x)", "--shape", "x n", "--wrt", "x"], "x n"),
    "shapes": (["derive", "x + y", "--shape", "x: n; y: m", "--wrt", "x"], "shape"),
    "declared twice": (["derive", "sum(x)", "--shape", "x: n", "--shape", "x: m", "--wrt", "x"],
                       "x"),
    "assumption": (["derive", "sum(x)", "--shape", "x: n", "--assume", "x: lucky", "--wrt", "x"],
                   "lucky"),
    "hostile": (["derive", "__import__('os').system('ls')", "--shape", "x: n", "--wrt", "x"], ""),
    "code in no folder": (["derive", *SQUARES, "--code", "/no/such/folder/grad.py"],
                          "No such file"),
    "experiment": (["train", "digit"], "did you mean digits"),
    "setting": (["train", "digits", "--epochs", "many"], "--epochs"),
    "setting too small": (["train", "digits", "--epochs", "0"], "epochs must be at least 1"),
    "setting unknown": (["train", "digits", "--activation", "step"], "relu"),
    "hidden": (["train", "digits", "--hidden", "128,0"], "hidden must be at least 1"),
    "constant": (["train", "digits", "--constants", "beta=0.5"], "it has beta1=0.9, beta2="),
}


@pytest.mark.parametrize(("args", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_line_and_status_two(run: Any, args: list[str], message: str) -> None:
    result = run(*args)
    assert result.status == 2
    assert result.out == ""
    assert result.err.startswith("error: ")
    assert result.err.count("\n") == 1
    assert message in result.err


def test_standard_input_that_is_no_text(run: Any) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mathdl", "derive", "-", *SQUARES[1:]],
        input=b"sum(\xff)", capture_output=True, check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith(b"error: standard input is not UTF-8")


# -- processes -------------------------------------------------------------------------------


def test_python_dash_m_mathdl(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mathdl", "derive", *SQUARES],
        capture_output=True, text=True, check=False, cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("dL/dw = ")


def test_a_closed_pipe_makes_no_noise(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-m", "mathdl", "derive", *SQUARES],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
    )
    assert writer.stdout is not None
    assert writer.stderr is not None
    writer.stdout.close()
    with writer.stderr as stderr:
        assert stderr.read() == b""
    writer.wait()


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys; import mathdl.cli\n"
        "try: mathdl.cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'sklearn', 'matplotlib', 'tqdm', 'scipy', 'opt_einsum'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0, done.stderr


# -- train -----------------------------------------------------------------------------------


def test_options_reach_the_experiment(run: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = run("train", "digits", "--epochs", "2", "--hidden", "16,8", "--activation", "tanh",
                 "--optimizer", "momentum", "--learning-rate", "0.5", "--batch-size", "100",
                 "--constants", "beta=0.5", "--seed", "3", "--out", str(out))
    assert result.status == 0, result.err
    assert json.loads((out / "history.json").read_text())["settings"] == {
        "epochs": 2, "hidden": [16, 8], "activation": "tanh",
        "optimizer": "momentum", "constants": ["beta=0.5"], "learning_rate": 0.5,
        "batch_size": 100, "seed": 3, "out": str(out), "patience": 0,
        "resume": "no",
    }


def test_a_folder_that_cannot_be_made_is_one_line(run: Any, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run("train", "digits", "--hidden", "4", "--out", str(tmp_path / "file"))
    assert result.status == 2
    assert result.err == f"error: {tmp_path / 'file'}: File exists\n"


def test_divergence_is_one_line(run: Any, tmp_path: Path) -> None:
    with np.errstate(all="ignore"):
        result = run("train", "digits", "--hidden", "4", "--learning-rate", "1e200",
                     "--optimizer", "sgd", "--out", str(tmp_path))
    assert result.status == 2
    assert result.err.rstrip().splitlines()[-1].startswith("error: the loss is")


def test_nothing_is_trained_when_verification_refuses(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Derivation, "verify", lambda self, **options: _Refusal())
    result = run("train", "digits", "--out", str(tmp_path / "out"))
    assert result.status == 1
    assert result.err == "error: the gradients failed verification; nothing was trained\n"
    assert "worst error 0.5" in result.out
    assert not (tmp_path / "out").exists()


def test_the_proof_in_print(run: Any) -> None:
    """The steps as text, and as a document."""
    given = ["sum((X @ w - y)**2)/n", "--shape", "X: n d; w: d; y: n", "--wrt", "w"]
    text = run("derive", *given, "--format", "proof")
    assert text.status == 0
    assert "w_bar = X.T @ " in text.out
    assert text.out.rstrip().split("\n")[-1].lstrip().startswith("9. dL/dw = ")
    document = run("derive", *given, "--format", "document").out
    assert document.startswith("\\documentclass")
    assert document.rstrip().endswith("\\end{document}")
