"""The README is true: its code runs, prints what it says, and its commands are those of CI.

``python tests/test_readme.py`` writes the present outputs into the README, to be reviewed as a
difference.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from mathdl.cli import main

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)

# What these programs print is not checked; that they exist is.
TOOLS = {"python3", "pip", "pytest", ".", "mathdl", "echo"}


@dataclass(frozen=True)
class Block:
    """A fenced block, and where its content is in the README."""

    kind: str
    text: str
    start: int
    end: int


def blocks(readme: str) -> list[Block]:
    return [Block(m[1], m[2], m.start(2), m.end(2)) for m in _FENCE.finditer(readme)]


def marked(readme: str, name: str) -> str:
    """The shell block after ``<!-- command: name -->``."""
    after = readme.partition(f"<!-- command: {name} -->\n```sh\n")[2]
    assert after, f"no command marked {name}"
    return after.partition("\n```")[0]


_SESSION = """
import contextlib, io, json, sys
names, printed = {}, []
for source in json.load(sys.stdin):
    with contextlib.redirect_stdout(io.StringIO()) as out:
        exec(compile(source, "README.md", "exec"), names)
    printed.append(out.getvalue())
print(json.dumps(printed))
"""


def run_python(sources: list[str]) -> list[str]:
    """What each block prints, run one after the other in a fresh interpreter, as a reader does."""
    done = subprocess.run(
        [sys.executable, "-c", _SESSION], input=json.dumps(sources), capture_output=True,
        text=True, check=False, env={**os.environ, "COLUMNS": "80", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr
    return [str(text) for text in json.loads(done.stdout)]


def run_mathdl(arguments: list[str], stdin: str = "") -> str:
    printed, before, status = io.StringIO(), sys.stdin, None
    sys.stdin = io.TextIOWrapper(io.BytesIO(stdin.encode()))
    try:
        with (
            tempfile.TemporaryDirectory() as folder,
            contextlib.chdir(folder),
            contextlib.redirect_stdout(printed),
        ):
            main(arguments, prog_name="mathdl")
    except SystemExit as stopped:
        status = stopped.code
    finally:
        sys.stdin = before
    assert status == 0, arguments
    return printed.getvalue()


def commands(line: str) -> list[list[str]]:
    """The commands of a shell line, split at ``&&`` and ``|``."""
    found: list[list[str]] = [[]]
    for word in shlex.split(line):
        if word in ("&&", "|"):
            found.append([])
        else:
            found[-1].append(word)
    return found


def run_shell(text: str) -> str:
    """What the block's ``mathdl derive`` commands print; installing and training are not run."""
    printed = ""
    for line in text.splitlines():
        fed = ""
        for command in commands(line):
            if command[0] == "echo":
                fed = " ".join(command[1:])
            elif command[1:2] in (["derive"], ["stability"]) or command[1:] == ["train", "--list"]:
                printed += run_mathdl(command[1:], fed)
    return printed


def outputs(readme: str) -> Iterator[tuple[Block, str]]:
    """Each ``text`` block with what the block before it prints when the README is run."""
    session = iter(run_python([b.text for b in blocks(readme) if b.kind == "python"]))
    printed = ""
    for block in blocks(readme):
        if block.kind == "python":
            printed = next(session)
        elif block.kind == "sh":
            printed = run_shell(block.text)
        elif block.kind == "text":
            yield block, printed
            printed = ""
        if block.kind == "python" and printed:
            following = readme[block.end:].removeprefix("```").lstrip()
            assert following.startswith("```text"), f"output not shown of:\n{block.text}"


def comparable(text: str) -> str:
    """Without trailing blanks, and with every measured quantity replaced."""
    text = re.sub(r"\d\.\d+e[-+]\d+|\d+\.\d\d s\b", "#", text)
    return "\n".join(re.sub(r"\s+", " ", line).strip() for line in text.strip().splitlines())


def test_the_code_runs_and_prints_what_the_readme_says() -> None:
    checked = 0
    for block, printed in outputs(README.read_text("utf-8")):
        assert comparable(block.text) == comparable(printed)
        checked += 1
    assert checked >= 6


def test_every_command_exists() -> None:
    for block in blocks(README.read_text("utf-8")):
        if block.kind != "sh":
            continue
        for line in block.text.splitlines():
            for command in commands(line):
                assert command[0] in TOOLS, command
    assert shutil.which("python3")


def test_every_option_shown_is_known() -> None:
    known = {
        "derive": run_mathdl(["derive", "--help"]),
        "book": run_mathdl(["book", "--help"]),
        "stability": run_mathdl(["stability", "--help"]),
        "verify": run_mathdl(["verify", "--help"]),
        "certify": run_mathdl(["certify", "--help"]),
        "catalogue": run_mathdl(["catalogue", "--help"]),
        "train": run_mathdl(["train", "digits", "--help"]) + run_mathdl(["train", "--help"]),
    }
    shown = 0
    for block in blocks(README.read_text("utf-8")):
        for line in block.text.splitlines() if block.kind == "sh" else ():
            for command in commands(line):
                if command[0] == "mathdl":
                    for option in (w for w in command[2:] if w.startswith("--")):
                        assert option.partition("=")[0] in known[command[1]], command
                        shown += 1
    assert shown > 10


def test_ci_runs_the_test_command_of_the_readme() -> None:
    done = subprocess.run(
        ["bash", str(ROOT / ".ci" / "run"), "--show"], capture_output=True, text=True, check=True
    )
    expected = marked(README.read_text("utf-8"), "test")
    assert done.stdout == expected + "\n"
    assert expected.endswith("&& pytest")


def test_the_train_command_installs_the_extra_that_it_needs() -> None:
    command = marked(README.read_text("utf-8"), "train")
    assert command.endswith("&& mathdl train digits")
    assert '".[train]"' in command


def test_every_file_named_exists() -> None:
    readme = README.read_text("utf-8")
    named = set(re.findall(r"`((?:mathdl|tests)/[\w./]+)`", readme))
    assert len(named) >= 4
    assert not [name for name in named if not (ROOT / name).exists()]


def test_the_map_lists_every_package() -> None:
    package = ROOT / "mathdl"
    tree = next(b.text for b in blocks(README.read_text("utf-8")) if b.text.startswith("mathdl/"))
    listed = set(re.findall(r"^  ([\w.]+)/? ", tree, re.MULTILINE))
    here = {
        path.name for path in package.iterdir()
        if not path.name.startswith(("_", ".")) and path.suffix in ("", ".py")
    }
    empty = {name for name in here if (package / name).is_dir()
             and len(list((package / name).glob("*.py"))) <= 1}
    assert listed >= here - empty
    assert listed <= here


def update() -> None:
    """Write what is printed now into the README."""
    readme = README.read_text("utf-8")
    for block, printed in reversed(list(outputs(readme))):
        text = "\n".join(line.rstrip() for line in printed.rstrip().splitlines())
        readme = readme[: block.start] + text + "\n" + readme[block.end :]
    README.write_text(readme, "utf-8")


if __name__ == "__main__":
    update()
