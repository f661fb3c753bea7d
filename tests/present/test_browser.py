"""Pages in a real browser: scripts run, nothing is fetched, nothing leaves the viewport."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from printed import derivation

from mathdl.book import chapters, chosen, load_book, write_book
from mathdl.book.checking import Outcome, derivation_of
from mathdl.present.theorem import written_proof

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
BROWSER = next(filter(None, map(shutil.which, BROWSERS)), None)
pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"needs a browser, one of {', '.join(BROWSERS)}"
)

# a page may fetch nothing: what it tries is refused, and counted
POLICY = (
    '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; '
    "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
    "<script>window.refused = []; document.addEventListener('securitypolicyviolation', "
    "(event) => window.refused.push(event.blockedURI));"
    "window.errors = []; window.addEventListener('error', "
    "(event) => window.errors.push(event.message));</script>"
)

# the page in a frame of the width, as windows have a least one
FRAME = """<!DOCTYPE html><body><iframe style="width: WIDTHpx; height: 900px; border: 0"></iframe>
<script>
const frame = document.querySelector("iframe");
frame.onload = () => {
  const page = frame.contentDocument, root = page.documentElement;
  const button = page.getElementById("theme"), paper = () =>
    frame.contentWindow.getComputedStyle(page.body).backgroundColor;
  const report = {
    width: frame.contentWindow.innerWidth, refused: frame.contentWindow.refused,
    errors: frame.contentWindow.errors, closed: root.scrollWidth, shown: !button.hidden,
    scripts: page.scripts.length, before: paper(),
  };
  for (const details of page.querySelectorAll("details")) details.open = true;
  report.open = root.scrollWidth;
  button.click();
  report.after = paper();
  report.math = page.querySelectorAll("math").length;
  report.empty = [...page.querySelectorAll(".equation math")]
    .filter((math) => !math.getBoundingClientRect().width).length;
  const search = page.getElementById("search");
  if (search) {
    search.value = "softmax";
    search.dispatchEvent(new Event("input"));
    report.found = page.querySelectorAll("article:not([hidden])").length;
    report.rows = page.querySelectorAll(".status tr[data-for]:not([hidden])").length;
  }
  document.body.dataset.report = JSON.stringify(report);
};
frame.srcdoc = PAGE;
</script>"""


def seen(text: str, width: int, folder: Path) -> dict[str, Any]:
    """What a browser makes of a page in a viewport of that width."""
    guarded = text.replace("<head>", f"<head>{POLICY}", 1)
    source = json.dumps(guarded).replace("</", "<\\/")
    file = folder / "frame.html"
    file.write_text(FRAME.replace("WIDTH", str(width)).replace("PAGE", source), "utf-8")
    done = subprocess.run(
        [str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000",
         f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=10000", "--dump-dom",
         file.as_uri()],
        capture_output=True, text=True, check=False, timeout=120,
    )
    found = re.search(r'data-report="([^"]*)"', done.stdout)
    assert found, done.stderr[-2000:]
    report: dict[str, Any] = json.loads(html.unescape(found[1]))
    return report


def sound(report: dict[str, Any], width: int) -> bool:
    assert report["width"] == width
    assert report["closed"] <= width, "the page scrolls sideways"
    assert report["open"] <= width, "the page scrolls sideways when unfolded"
    assert report["refused"] == report["errors"] == []
    assert report["shown"], "no script ran"
    assert report["before"] != report["after"], "the colours did not change"
    assert report["math"] > 0
    assert report["empty"] == 0
    return True


@pytest.mark.parametrize("width", [400, 1200])
@pytest.mark.parametrize(("name", "detail"), [
    ("softmax", "lecture"), ("layer norm", "full"), ("recurrence", "lecture"),
    ("convolution", "full"), ("Hessian", "lecture"),
])
def test_a_page(name: str, detail: str, width: int, tmp_path: Path) -> None:
    text = derivation(name).html(detail, "Averylongtitlewithoutanyplacetobreakit" * 3)
    assert sound(seen(text, width, tmp_path), width)


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A few derivations of the book; nothing is verified here."""
    names = ("softmax_cross_entropy", "attention", "lstm_sequence", "least_squares")
    entries = [chosen(load_book(), name) for name in names]
    outcomes = {}
    for entry in entries:
        derived = derivation_of(entry)
        outcomes[entry.name] = Outcome(
            entry.name, latex=derived.latex(), written=written_proof(derived.proof, "lecture"))
    path, problems = write_book(tmp_path_factory.mktemp("book"), chapters(), entries, outcomes)
    assert not problems
    return path.read_text("utf-8")


@pytest.mark.parametrize("width", [400, 1200])
def test_the_book(book: str, width: int, tmp_path: Path) -> None:
    report = seen(book, width, tmp_path)
    assert sound(report, width)
    assert report["found"] == report["rows"] == 2


@pytest.mark.parametrize(("old", "new", "complaint"), [
    ("</h1>", "</h1><img src='http://example.invalid/a.png'>", r"assert \['http"),
    ("</h1>", "</h1><div style='min-width: 500px'>wide</div>", "scrolls sideways"),
    ("theme.hidden = false", "nothing.hidden = false", "nothing is not defined"),
    ("display: block; overflow-x: auto; overflow-y: hidden;", "display: block;", "sideways"),
])
def test_a_page_that_is_not_sound_is_seen(
    old: str, new: str, complaint: str, tmp_path: Path
) -> None:
    text = derivation("layer norm").html()
    assert old in text
    with pytest.raises(AssertionError, match=complaint):
        sound(seen(text.replace(old, new), 400, tmp_path), 400)
