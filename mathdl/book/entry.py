"""The files of the book: ``derivations/<chapter>/<name>.toml``, found by looking there.

A file has these keys, and no others:

title, statement, motivation
    Text with LaTeX between dollars.  The statement is one sentence, the motivation two.
position
    Where in its chapter it stands: a number, 1000 unless said; equal ones go by the file's name.
references
    A list of ``{source, place}``: who, title; equation or section.
expr, shapes, assume
    What :func:`mathdl.parse` takes; ``assume`` may be absent.
wrt, order, symmetric
    What :func:`mathdl.derive` takes; ``order`` is 1 and ``symmetric`` ambient unless said.
textbook
    By key of the derivative (``W``, or ``"W,b"``), its form in a textbook, as text of mathdl's
    language.  The names that ``expr`` defines may be used, and more may be defined.  It is the
    reference: it comes from a book, never from mathdl.

``derivations/chapters.toml`` lists the chapters in the order of the book.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from mathdl.errors import InputError, NamingError

NAME = re.compile(r"[a-z][a-z0-9_]*")
LAST = 1000
REQUIRED = ("title", "statement", "motivation", "references", "expr", "shapes", "wrt", "textbook")
OPTIONAL = ("position", "assume", "order", "symmetric")


@dataclass(frozen=True)
class Reference:
    """Where a result stands: the source, and the equation or section in it."""

    source: str
    place: str


@dataclass(frozen=True)
class Chapter:
    """A folder of derivations."""

    name: str
    title: str
    summary: str


@dataclass(frozen=True)
class Entry:
    """One derivation of the book, as its file states it."""

    name: str
    chapter: str
    title: str
    statement: str
    motivation: str
    references: tuple[Reference, ...]
    expr: str
    shapes: str
    wrt: tuple[str, ...]
    textbook: Mapping[str, str]
    assume: str = ""
    order: int = 1
    symmetric: str = "ambient"
    position: int = LAST
    path: Path = field(default=Path(), compare=False)


def book_folder() -> Path:
    """Where the derivations are: in the installed package, or beside it in a checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "derivations", package.parent / "derivations"):
        if (folder / "chapters.toml").is_file():
            return folder
    raise InputError("the derivations are not installed: there is no derivations/chapters.toml")


def chapters(folder: Path | None = None) -> tuple[Chapter, ...]:
    """The chapters in the order of the book.

    Raises:
        InputError: the list is not of the form ``[[chapter]] name, title, summary``.
    """
    path = (folder or book_folder()) / "chapters.toml"
    items = _table(path).get("chapter")
    keys = {"name", "title", "summary"}
    if not isinstance(items, list) or not all(
        isinstance(i, dict) and set(i) == keys and all(map(_is_text, i.values())) for i in items
    ):
        raise InputError(f"{path.name}: each [[chapter]] has a name, a title and a summary")
    return tuple(Chapter(**item) for item in items)


def load_book(folder: Path | None = None) -> tuple[Entry, ...]:
    """All derivations, in the order of the chapters and of their positions in them.

    Raises:
        InputError: a file is not as it must be; the message names it and what is wrong.
        NamingError: two files have the same name, or a folder is no chapter.
    """
    folder = folder or book_folder()
    order = [chapter.name for chapter in chapters(folder)]
    entries: dict[str, Entry] = {}
    for path in sorted(folder.glob("*/*.toml")):
        if path.parent.name not in order:
            raise NamingError(
                f"{_shown(path)}: no chapter {path.parent.name!r}; there are: {', '.join(order)}"
            )
        entry = read_entry(path)
        if entry.name in entries:
            other = entries[entry.name].path
            raise NamingError(f"{_shown(path)}: the name is taken by {_shown(other)}")
        entries[entry.name] = entry
    return tuple(sorted(
        entries.values(), key=lambda e: (order.index(e.chapter), e.position, e.name)
    ))


def chosen(entries: Iterable[Entry], name: str) -> Entry:
    """The entry of that name.

    Raises:
        NamingError: there is none; the message suggests near names.
    """
    known = {entry.name: entry for entry in entries}
    if name not in known:
        near = get_close_matches(name, known, 3)
        hint = f"; did you mean {', '.join(near)}" if near else "; mathdl book --list shows all"
        raise NamingError(f"no derivation {name!r} in the book{hint}")
    return known[name]


def read_entry(path: Path) -> Entry:
    """The entry that a file states, its keys and their types checked.

    Raises:
        InputError: the file is not TOML, lacks a key, has another, or one of the wrong kind.
    """
    table = _table(path)
    fail = _Failure(path)
    for key in REQUIRED:
        if key not in table:
            raise fail(f"the key {key!r} is missing")
    for key in table:
        if key not in (*REQUIRED, *OPTIONAL):
            known = get_close_matches(key, (*REQUIRED, *OPTIONAL), 1)
            hint = f"; did you mean {known[0]!r}" if known else ""
            raise fail(f"unknown key {key!r}{hint}")
    if not NAME.fullmatch(path.stem):
        raise fail("a file is named in lower case, digits and underscores")
    for key in ("title", "statement", "motivation", "expr", "shapes", "assume", "symmetric"):
        if key in table and not _is_text(table[key]):
            raise fail(f"{key} is a text that is not empty, not {table[key]!r}")
    for key in ("title", "statement", "motivation"):
        if table[key].count("$") % 2:
            raise fail(f"{key} has a dollar without its partner")
    order, position, wrt = table.get("order", 1), table.get("position", LAST), table["wrt"]
    for key, number in (("order", order), ("position", position)):
        if type(number) is not int or number < 1:
            raise fail(f"{key} is a positive integer, not {number!r}")
    if not isinstance(wrt, list) or not wrt or not all(map(_is_text, wrt)):
        raise fail('wrt is a list of names, such as ["W", "b"]')
    if len(set(wrt)) < len(wrt):
        raise fail("a name stands twice in wrt")
    textbook = table["textbook"]
    if not isinstance(textbook, dict) or not textbook or not all(map(_is_text, textbook.values())):
        raise fail('textbook has a text for each derivative, such as W = "X.T @ (P - Y)/n"')
    return Entry(
        name=path.stem, chapter=path.parent.name, title=table["title"].strip(),
        statement=_joined(table["statement"]), motivation=_joined(table["motivation"]),
        references=_references(table["references"], fail), expr=table["expr"].strip(),
        shapes=table["shapes"], wrt=tuple(wrt),
        textbook={key: text.strip() for key, text in textbook.items()},
        assume=table.get("assume", ""), order=order,
        symmetric=table.get("symmetric", "ambient"), position=position,
        path=path,
    )


class _Failure:
    """Makes the errors of one file."""

    def __init__(self, path: Path) -> None:
        self.where = _shown(path)

    def __call__(self, message: str) -> InputError:
        return InputError(f"{self.where}: {message}")


def _references(items: Any, fail: _Failure) -> tuple[Reference, ...]:
    if not isinstance(items, list) or not items:
        raise fail("references is a list with at least one {source, place}")
    for item in items:
        known = isinstance(item, dict) and set(item) == {"source", "place"}
        if not known or not all(map(_is_text, item.values())):
            raise fail(f"a reference is {{source, place}} of two texts, not {item!r}")
    return tuple(Reference(**item) for item in items)


def _table(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{_shown(path)}: not TOML: {error}") from None
    except UnicodeDecodeError as error:
        raise InputError(f"{_shown(path)}: not UTF-8 text: {error.reason}") from None


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _joined(text: str) -> str:
    return " ".join(text.split())
