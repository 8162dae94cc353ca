// Draws the charts of a page: the specification stands beside each, and nothing of it is evaluated as code.
const dark = window.matchMedia("(prefers-color-scheme: dark)");
let drawn = [];

function parsed(id) {
  const node = document.getElementById(id);
  return node === null ? null : JSON.parse(node.textContent);
}

export async function draw() {
  for (const view of drawn) view.finalize();
  drawn = [];
  const themes = parsed("themes");
  if (themes === null || window.vegaEmbed === undefined) return;
  const theme = dark.matches ? "dark" : "light";
  for (const place of document.querySelectorAll(".vega[data-spec]")) {
    const spec = { ...parsed(place.dataset.spec), config: themes[theme] };
    try {
      drawn.push(await window.vegaEmbed(place, spec, {
        ast: true, actions: false, renderer: "svg", tooltip: { theme },
      }));
      place.dataset.drawn = theme;
    } catch (error) {
      place.textContent = "This chart could not be drawn; the table below has its numbers.";
      console.error(error);
    }
  }
}

dark.addEventListener("change", draw);
document.addEventListener("secondlaw:fresh", draw);
draw();
