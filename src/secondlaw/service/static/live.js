// Keeps a page up to date: told that something changed, it asks for itself again and takes over what is new.
const ATLEAST = 5000;
const source = document.body.dataset.live;
const state = document.getElementById("live-state");
let last = 0, waiting = null, version = null;

function show(words, away) {
  state.hidden = false;
  state.textContent = words;
  state.classList.toggle("away", away);
}

async function refresh() {
  waiting = null;
  if (document.hidden) { waiting = "hidden"; return; }
  last = Date.now();
  let answer;
  try {
    answer = await fetch(window.location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
  } catch { return; }
  if (answer.type === "opaqueredirect") { window.location.reload(); return; }
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("live"), old = document.getElementById("live");
  if (fresh === null || old === null) return;
  const open = new Set([...old.querySelectorAll("details[open]")].map((one) => one.id).filter(Boolean));
  for (const id of open) fresh.querySelector(`#${CSS.escape(id)}`)?.setAttribute("open", "");
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const said = fresh.dataset.said !== old.dataset.said;
  const scroll = [window.scrollX, window.scrollY];
  old.replaceWith(document.adoptNode(fresh));
  document.title = page.title;
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  window.scrollTo(...scroll);
  if (said) document.getElementById("said").textContent = fresh.dataset.said;
  document.body.dataset.updated = String(Number(document.body.dataset.updated ?? 0) + 1);
  document.dispatchEvent(new Event("secondlaw:fresh"));
}

function later() {
  if (waiting !== null) return;
  waiting = setTimeout(refresh, Math.max(0, last + ATLEAST - Date.now()));
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && waiting === "hidden") refresh();
});

if (source) {
  const events = new EventSource(source);
  events.addEventListener("hello", (event) => {
    const told = JSON.parse(event.data).version;
    if (version !== null && told !== version) later();
    version = told;
    show("live", false);
  });
  events.addEventListener("changed", (event) => { version = JSON.parse(event.data).version; later(); });
  events.addEventListener("error", () => {
    show(events.readyState === EventSource.CLOSED ? "not live, reload the page" : "not live, trying again", true);
  });
  window.addEventListener("pagehide", () => events.close());
}
