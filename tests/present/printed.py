"""Derivations whose pages, Markdown and notebook views are tested, and a reader of HTML."""

from __future__ import annotations

from functools import cache
from html.parser import HTMLParser

import mathdl as md

CASES = {
    "softmax": ("P = softmax(X @ W + b); -sum(Y*log(P))/n", "X: n d; W: d c; b: c; Y: n c",
                "Y: one_hot", ["W", "b"], 1),
    "gaussian": ("-logdet(S)/2 - (x - mu) @ inv(S) @ (x - mu)/2", "x: d; mu: d; S: d d",
                 "S: positive_definite", ["mu", "S"], 1),
    "layer norm": ("s = sqrt(var(X, axis=1, keepdims=True) + eps); x_hat = (X - mean(X, axis=1, "
                   "keepdims=True))/s; sum(G*x_hat)", "X: n d; G: n d; eps:", "eps: positive",
                   ["X"], 1),
    "recurrence": ("h[-1] = zeros(m); h[t<T] = tanh(W @ h[t - 1] + X[t]); sum(h**2)",
                   "W: m m; X: T m", "", ["W", "X"], 1),
    "Hessian": ("sum((T - U @ V.T)**2)", "T: n m; U: n k; V: m k", "", ["U", "V"], 2),
    "Jacobian": ("softmax(z)", "z: k", "", ["z"], 1),
    "names": ("hid_den = where(a_b < in_put, a_b, in_put**2); sum(log_softmax(hid_den))",
              "a_b: n_rows; in_put: n_rows", "", ["a_b"], 1),
    "conditions": ("sum(log(x)/y)", "x: n; y: n", "", ["y"], 1),
    "convolution": ("sum(G*conv2d(x, k))", "x: 6 7; k: 3 2; G: 4 6", "", ["x", "k"], 1),
}


@cache
def derivation(name: str) -> md.Derivation:
    text, shapes, assume, wrt, order = CASES[name]
    return md.derive(md.parse(text, shapes, assume), wrt, order)


VOID = {"meta", "br", "input", "img", "link", "hr"}


class Page(HTMLParser):
    """The ids, links, fetched addresses and ``pre`` texts of a page; tags must match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.pre: list[str] = []
        self.said = ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        if tag == "pre":
            self.pre.append("")
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if tag == "a" and name == "href":
                self.links.append(value or "")
            if name in ("src", "srcset", "data", "action") or (tag == "link" and name == "href"):
                self.fetched.append(f"{tag} {value}")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "pre":
            self.pre[-1] += data
        if not {"style", "script"} & set(self.open):
            self.said += data
