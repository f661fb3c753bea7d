
const search = document.getElementById("search");
const found = document.getElementById("found");

// the proof and the report are left out: their words are those of all derivations
function searched(node) {
  return [...node.children].filter((part) => !part.matches("details:not(.input)"))
    .map((part) => part.textContent).join(" ").toLowerCase();
}

const articles = [...document.querySelectorAll("article")].map((node) => ({
  node,
  text: searched(node),
  links: [...document.querySelectorAll(`[data-for="${node.id}"]`)],
}));

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const { node, text, links } of articles) {
    const shown = words.every((word) => text.includes(word));
    node.hidden = !shown;
    for (const link of links) link.hidden = !shown;
    count += shown;
  }
  for (const part of document.querySelectorAll(".chapter")) {
    part.hidden = !part.querySelector("article:not([hidden])");
  }
  found.textContent = words.length ? `${count} of ${articles.length}` : "";
}

search.addEventListener("input", filter);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  } else if (event.key === "Escape") {
    search.value = "";
    filter();
  }
});
