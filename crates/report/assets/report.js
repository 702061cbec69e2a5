"use strict";
// Filters, order, search, permalinks and the viewer. Everything that is shown is in the page already;
// this script only chooses, and writes no text from outside as markup.

const root = document.documentElement;

// Colours: as the system, light, dark. A page opened from disk may have no storage.
const themes = ["auto", "light", "dark"];
const stored = (() => { try { return localStorage.getItem("404-report-theme"); } catch { return null; } })();
let theme = themes.includes(stored) ? stored : "auto";
root.dataset.theme = theme;

addEventListener("DOMContentLoaded", () => {
  const find = (id) => document.getElementById(id);
  const list = find("list");
  const form = find("filters");
  const search = find("search");
  const sort = find("sort");
  const viewer = find("viewer");
  const stage = find("stage");
  const duels = [...list.children];
  const byStem = new Map(duels.map((duel) => [duel.dataset.stem, duel]));
  const order = new Map(duels.map((duel, index) => [duel, index]));

  // ---- colours
  const themeButton = find("theme");
  const showTheme = () => {
    root.dataset.theme = theme;
    const name = { auto: "Auto", light: "Light", dark: "Dark" }[theme];
    themeButton.querySelector("span").textContent = name;
    themeButton.setAttribute("aria-label", `Colours: ${theme === "auto" ? "as the system" : theme}`);
  };
  themeButton.addEventListener("click", () => {
    theme = themes[(themes.indexOf(theme) + 1) % themes.length];
    try { localStorage.setItem("404-report-theme", theme); } catch { /* kept until the page is left */ }
    showTheme();
  });
  showTheme();

  // ---- filters, search, order
  const checked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.value);
  const comparisons = {
    prompt: (a, b) => order.get(a) - order.get(b),
    closest: (a, b) => a.dataset.gap - b.dataset.gap || order.get(a) - order.get(b),
    clearest: (a, b) => b.dataset.gap - a.dataset.gap || order.get(a) - order.get(b),
    stem: (a, b) => (a.dataset.stem < b.dataset.stem ? -1 : 1),
  };
  let shown = duels;
  const apply = () => {
    const [winners, stages, flags] = ["winner", "stage", "flag"].map(checked);
    const text = search.value.trim().toLowerCase();
    const fits = ({ dataset }) =>
      (!winners.length || winners.includes(dataset.winner)) &&
      (!stages.length || stages.includes(dataset.stage)) &&
      (!flags.length || dataset.flag.split(" ").some((flag) => flags.includes(flag))) &&
      dataset.stem.toLowerCase().includes(text);
    const sorted = [...duels].sort(comparisons[sort.value]);
    shown = sorted.filter(fits);
    const chosen = new Set(shown);
    for (const duel of sorted) duel.hidden = !chosen.has(duel);
    list.append(...sorted);
    const all = shown.length === duels.length;
    find("found").textContent = all ? `${duels.length} duels` : `${shown.length} of ${duels.length} duels`;
    find("nothing").hidden = shown.length > 0;
    find("reset").hidden = all && sort.value === "prompt";
  };
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(apply));
  if (search.value || sort.value !== "prompt" || form.querySelector("input:checked")) apply();

  // ---- the viewer
  let current = null;
  let view = null;
  let flipping = false;

  const showView = (key) => {
    const pairs = [...stage.querySelectorAll(".pair")];
    if (!pairs.length) return;
    view = pairs.some((pair) => pair.dataset.view === key) ? key : pairs[0].dataset.view;
    for (const pair of pairs) pair.hidden = pair.dataset.view !== view;
    for (const button of stage.querySelectorAll("button[data-view]")) {
      button.setAttribute("aria-pressed", String(button.dataset.view === view));
    }
    stage.querySelector(".views [aria-pressed=true]").scrollIntoView({ block: "nearest", inline: "nearest" });
  };
  const stepView = (by) => {
    const keys = [...stage.querySelectorAll(".pair")].map((pair) => pair.dataset.view);
    if (keys.length) showView(keys[(keys.indexOf(view) + by + keys.length) % keys.length]);
  };
  const showFlip = (side) => {
    stage.dataset.flip = flipping ? side : "";
    find("flip").setAttribute("aria-pressed", String(flipping));
  };
  const flip = () => { flipping = !flipping; showFlip("left"); };
  const turn = () => showFlip(stage.dataset.flip === "left" ? "right" : "left");

  const show = (duel) => {
    current = duel;
    stage.replaceChildren(duel.querySelector("template").content.cloneNode(true));
    if (view === null) {
      const first = stage.querySelector('.views [data-view="white-front"], .views [data-view="white-front_left"]');
      view = first ? first.dataset.view : null;
    }
    showView(view);
    showFlip("left");
    const place = shown.indexOf(duel);
    find("place").textContent = place < 0 ? duel.dataset.stem : `${place + 1} of ${shown.length}`;
    find("previous").disabled = find("next").disabled = shown.length < 2;
    viewer.setAttribute("aria-label", `Duel ${duel.dataset.stem}`);
    document.title = document.title.replace(/^(.* — )?/, `${duel.dataset.stem} — `);
    if (!viewer.open) viewer.showModal();
    viewer.scrollTop = 0;
  };
  const follow = () => {
    let stem = location.hash.slice(1);
    try { stem = decodeURIComponent(stem); } catch { /* not one of ours */ }
    const duel = byStem.get(stem);
    if (duel) show(duel);
    else if (viewer.open) viewer.close();
  };
  const step = (by) => {
    if (!shown.length) return;
    const place = shown.indexOf(current);
    const next = shown[(place < 0 ? 0 : place + by + shown.length) % shown.length];
    history.replaceState(null, "", `#${next.dataset.stem}`);
    show(next);
  };
  viewer.addEventListener("close", () => {
    document.title = document.title.replace(/^.* — /, "");
    stage.replaceChildren();
    if (location.hash) history.replaceState(null, "", location.href.split("#")[0]);
    if (current && !current.hidden) {
      const link = current.querySelector("a");
      link.scrollIntoView({ block: "nearest" });
      link.focus({ preventScroll: true });
    }
  });
  addEventListener("hashchange", follow);
  list.addEventListener("click", (event) => {
    // the same address again changes no hash
    const card = event.target.closest("a.card");
    if (card && card.hash === location.hash && !event.ctrlKey && !event.metaKey) follow();
  });
  stage.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-view]");
    if (button) {
      showView(button.dataset.view);
      if (!button.closest(".views")) stage.querySelector(".pictures").scrollIntoView({ block: "nearest" });
    }
  });
  find("close").addEventListener("click", () => viewer.close());
  find("previous").addEventListener("click", () => step(-1));
  find("next").addEventListener("click", () => step(1));
  find("flip").addEventListener("click", (event) => {
    flip();
    // after a click of the mouse the space bar turns to the other side instead of pressing the button again
    if (event.detail) stage.focus();
  });

  // ---- keys
  const viewerKeys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    ArrowUp: () => stepView(-1),
    ArrowDown: () => stepView(1),
    f: flip,
  };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (viewer.open) {
      const onControl = event.target.closest("button, a, summary");
      const action = event.key === " " && flipping && !onControl ? turn : viewerKeys[event.key];
      if (action) {
        event.preventDefault();
        action();
      }
    } else if (event.key === "/" && event.target !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search) {
      search.value = "";
      apply();
    }
  });

  follow();
});
