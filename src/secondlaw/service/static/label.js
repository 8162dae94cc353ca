// Keys of the labelling page, the time that a label took, and how the interval went from label to label.
const form = document.getElementById("label-form");
const begun = performance.now();

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  if (event.target.closest?.("input, textarea, select")) return;
  const wanted = event.key === " " && !event.target.closest?.("button, a, summary") ? "?" : event.key;
  const found = [...document.querySelectorAll("[data-key]")].find((one) => one.dataset.key === wanted);
  if (found === undefined) return;
  event.preventDefault();
  found.click();
});

if (form !== null) {
  form.addEventListener("submit", () => {
    form.elements.seconds.value = ((performance.now() - begun) / 1000).toFixed(1);
    form.addEventListener("submit", (again) => again.preventDefault());
  });
}

function remembered(key) {
  try { return JSON.parse(sessionStorage.getItem(key) ?? "[]"); } catch { return []; }
}

function drawn(points) {
  const svg = "http://www.w3.org/2000/svg", step = 26, high = 120;
  const top = Math.max(...points.map((one) => one.high)) || 1;
  const made = (name, values) => {
    const node = document.createElementNS(svg, name);
    for (const [key, value] of Object.entries(values)) node.setAttribute(key, value);
    return node;
  };
  const y = (value) => 8 + (high - 30) * (1 - value / top);
  const picture = made("svg", { width: 44 + step * points.length, height: high, role: "img" });
  picture.setAttribute("aria-label", points.map((one) => `${one.labels} labels: ${one.words}`).join("; "));
  for (const part of [0, 1]) {
    const text = made("text", { x: 0, y: y(part * top) + 4 });
    text.textContent = `${(100 * part * top).toFixed(1)} %`;
    picture.append(text);
  }
  points.forEach((one, place) => {
    const x = 44 + step * place, group = made("g", { class: one.raw ? "raw" : "" });
    group.append(made("rect", { class: "band", x, width: step - 8, y: y(one.high), height: Math.max(1, y(one.low) - y(one.high)) }));
    group.append(made("line", { class: "middle", x1: x, x2: x + step - 8, y1: y(one.value), y2: y(one.value) }));
    const text = made("text", { x: x + (step - 8) / 2, y: high - 4, "text-anchor": "middle" });
    text.textContent = one.labels;
    const title = made("title", {});
    title.textContent = `${one.labels} labels: ${one.words}${one.raw ? ", uncorrected" : ""}`;
    group.append(title, text);
    picture.append(group);
  });
  return picture;
}

async function progress() {
  const place = document.getElementById("progress");
  if (place === null) return;
  let answer;
  try { answer = await fetch(place.dataset.from); } catch { return; }
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("fragment");
  if (fresh === null) return;
  place.replaceChildren(document.adoptNode(fresh));
  const row = place.querySelector("tr.numbers-of[data-low]");
  if (row === null) return;
  const key = `secondlaw:${place.dataset.memory}`;
  const { labels, low, value, high, correction } = row.dataset;
  const points = remembered(key).filter((one) => one.labels !== Number(labels));
  const words = row.children[4].textContent.trim().replace(/\s+/g, " ");
  points.push({ labels: Number(labels), low: Number(low), value: Number(value), high: Number(high), words, raw: correction === "none" });
  const kept = points.slice(-40);
  sessionStorage.setItem(key, JSON.stringify(kept));
  if (kept.length > 1) {
    const shrinking = document.getElementById("shrinking");
    shrinking.hidden = false;
    shrinking.querySelector(".bars").replaceChildren(drawn(kept));
  }
}

progress();
