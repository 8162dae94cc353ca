// Keeps a page up to date: told that something changed, it asks for itself again and takes over what is new.
const ATLEAST = 5000;
const MINUTE = 60000; // so long at most the words "2 min ago" stand
const FOCUSABLE = "a[href], button, summary, input, textarea, [tabindex]";
const source = document.body.dataset.live;
const state = document.getElementById("live-state");
let last = Date.now(), waiting = null, events = null, again = null, heard = false;

function show(words, away) {
  state.hidden = false;
  state.textContent = words;
  state.classList.toggle("away", away);
}

// Where the focus is, so that it is found again: rows move when streams change places.
function focusIn(root) {
  const node = document.activeElement;
  if (node === null || !root.contains(node)) return null;
  const home = node.closest("[id]");
  return { home: home.id, place: home === node ? -1 : [...home.querySelectorAll(FOCUSABLE)].indexOf(node) };
}

function focusAgain({ home, place }) {
  const found = document.getElementById(home);
  const node = place < 0 ? found : found?.querySelectorAll(FOCUSABLE)[place];
  node?.focus({ preventScroll: true });
}

// A chart whose specification is the same stays as it is drawn; another keeps its room until it is drawn anew.
function keepCharts(old, fresh) {
  for (const place of fresh.querySelectorAll(".vega[data-spec]")) {
    const spec = `#${CSS.escape(place.dataset.spec)}`;
    const before = old.querySelector(`.vega[data-spec="${CSS.escape(place.dataset.spec)}"]`);
    if (before === null) continue;
    place.style.minHeight = `${before.offsetHeight}px`;
    const same = old.querySelector(spec)?.textContent === fresh.querySelector(spec)?.textContent;
    if (same && before.dataset.drawn !== undefined) place.replaceWith(before);
  }
}

function take(page, fresh, old) {
  for (const one of old.querySelectorAll("details[open][id]")) {
    fresh.querySelector(`#${CSS.escape(one.id)}`)?.setAttribute("open", "");
  }
  const focus = focusIn(old), said = fresh.dataset.said !== old.dataset.said;
  const scroll = [window.scrollX, window.scrollY], aside = [...old.querySelectorAll(".scroll")].map((one) => one.scrollLeft);
  document.adoptNode(fresh);
  keepCharts(old, fresh);
  old.replaceWith(fresh);
  document.title = page.title;
  fresh.querySelectorAll(".scroll").forEach((one, place) => { one.scrollLeft = aside[place] ?? 0; });
  if (focus !== null) focusAgain(focus);
  window.scrollTo(...scroll);
  if (said) document.getElementById("said").textContent = fresh.dataset.said;
  document.body.dataset.updated = String(Number(document.body.dataset.updated ?? 0) + 1);
  document.dispatchEvent(new Event("secondlaw:fresh"));
}

async function refresh() {
  waiting = null;
  if (document.hidden) { waiting = "hidden"; return; }
  last = Date.now();
  try {
    const answer = await fetch(window.location.href, { headers: { Accept: "text/html" }, redirect: "manual" });
    if (answer.type === "opaqueredirect") { window.location.reload(); return; }
    if (!answer.ok) throw new Error(`answered ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("live"), old = document.getElementById("live");
    if (fresh !== null && old !== null) take(page, fresh, old);
  } catch { // the service is away for now: what was told of must not be forgotten
    later();
  }
}

function later() {
  if (waiting !== null) return;
  waiting = setTimeout(refresh, Math.max(0, last + ATLEAST - Date.now()));
}

function listen() {
  clearTimeout(again);
  events?.close();
  events = new EventSource(source);
  events.addEventListener("hello", () => {
    if (heard) later(); // something may have happened while the connection was lost
    heard = true;
    show("live", false);
  });
  events.addEventListener("changed", later);
  events.addEventListener("error", () => {
    show("not live, trying again", true);
    if (events.readyState !== EventSource.CLOSED) return; // the browser tries again by itself, but not after such an
    later(); // answer as a proxy's 502, or 401: the page is asked for, which leads to the sign-in where that is needed
    again = setTimeout(listen, ATLEAST);
  });
}

if (source) {
  last -= ATLEAST;
  listen();
  setInterval(() => { if (Date.now() - last >= MINUTE) later(); }, ATLEAST);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && waiting === "hidden") refresh();
  });
  window.addEventListener("pagehide", () => {
    clearTimeout(again);
    events.close();
  });
  window.addEventListener("pageshow", (shown) => { if (shown.persisted) listen(); }); // back from the browser's memory
}
