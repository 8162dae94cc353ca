// Draws the charts of a page: the specification stands beside each, and nothing of it is evaluated as code.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
const views = new Map();
let turn = Promise.resolve();

function parsed(id) {
  const node = document.getElementById(id);
  return node === null ? null : JSON.parse(node.textContent);
}

async function drawOne(place, themes, theme) {
  views.get(place)?.finalize();
  views.delete(place);
  try {
    const spec = { ...parsed(place.dataset.spec), config: themes[theme] };
    const made = await window.vegaEmbed(place, spec, { ast: true, actions: false, renderer: "svg", tooltip: { theme } });
    views.set(place, made);
    place.dataset.drawn = theme;
  } catch (error) {
    place.textContent = "This chart could not be drawn; the table below has its numbers.";
    console.error(error);
  }
}

async function drawAll() {
  for (const [place, view] of views) {
    if (place.isConnected) continue;
    view.finalize();
    views.delete(place);
  }
  const themes = parsed("themes");
  if (themes === null || window.vegaEmbed === undefined) return;
  const theme = dark.matches ? "dark" : "light";
  for (const place of document.querySelectorAll(".vega[data-spec]")) {
    if (place.dataset.drawn !== theme) await drawOne(place, themes, theme);
  }
}

export function draw() { turn = turn.then(drawAll); } // one after the other: a theme may change while charts are drawn

dark.addEventListener("change", draw);
document.addEventListener("secondlaw:fresh", draw);
draw();
