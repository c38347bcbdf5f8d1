"use strict";
(() => {
  const root = document.documentElement;
  const status = document.querySelector("#page-status");
  const say = (text) => { status.textContent = text; };

  // Theme: the system's, until the reader chooses.
  const button = document.querySelector("#page-theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  const showTheme = () => button.setAttribute("aria-pressed", String(isDark()));
  button.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* kept for this page only */ }
    showTheme();
  });
  system.addEventListener("change", showTheme);
  showTheme();

  // Copying: links to claims, and commands.
  const copy = async (text, what) => {
    try {
      await navigator.clipboard.writeText(text);
      say(`${what} copied`);
    } catch {
      say(`${what} could not be copied`);
    }
  };
  for (const link of document.querySelectorAll("a.anchor")) {
    link.addEventListener("click", () => copy(link.href, "Link"));
  }
  for (const block of document.querySelectorAll("pre.command")) {
    const copier = document.createElement("button");
    copier.type = "button";
    copier.className = "copy";
    copier.textContent = "Copy";
    copier.setAttribute("aria-label", "Copy the command");
    copier.addEventListener("click", () => copy(block.textContent.trim(), "Command"));
    block.after(copier);
  }

  // Details: all at once, and open on paper.
  const details = [...document.querySelectorAll("details")];
  const openAll = document.querySelector("#page-open");
  openAll?.addEventListener("click", () => {
    const open = openAll.getAttribute("aria-pressed") !== "true";
    openAll.setAttribute("aria-pressed", String(open));
    for (const each of details) each.open = open;
  });
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = details.filter((each) => !each.open);
    for (const each of closed) each.open = true;
  });
  addEventListener("afterprint", () => { for (const each of closed) each.open = false; });

  // Filters: within a facet any of the chosen values, between facets all of them. The address holds the state.
  const form = document.querySelector("#page-filter");
  const items = [...document.querySelectorAll("[data-item]")];
  const groups = [...document.querySelectorAll("[data-group]")];
  const count = document.querySelector("#page-count");
  const facets = ["verdict", "strength", "tag", "paper"];
  const words = new Map();
  const wordsOf = (item) => {
    if (!words.has(item)) words.set(item, `${item.dataset.search} ${item.textContent}`.toLowerCase());
    return words.get(item);
  };
  const valuesOf = (item, facet) => (item.dataset[facet] ?? "").split("\n");

  const apply = () => {
    const chosen = new FormData(form);
    const sought = (chosen.get("q") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    let visible = 0;
    for (const item of items) {
      const fits = facets.every((facet) => {
        const wanted = chosen.getAll(facet);
        return wanted.length === 0 || valuesOf(item, facet).some((value) => wanted.includes(value));
      });
      item.hidden = !(fits && sought.every((word) => wordsOf(item).includes(word)));
      if (!item.hidden) visible += 1;
    }
    for (const group of groups) group.hidden = !group.querySelector("[data-item]:not([hidden])");
    count.textContent = visible === items.length
      ? `${items.length} claims`
      : `${visible} of ${items.length} claims`;
  };
  const remember = () => {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value)).toString();
    try {
      history.replaceState(null, "", `${location.pathname}${query ? `?${query}` : ""}${location.hash}`);
    } catch {
      // Some browsers forbid it for files; the filter works all the same.
    }
  };
  const recall = () => {
    const query = new URLSearchParams(location.search);
    form.elements.q.value = query.get("q") ?? "";
    for (const box of form.querySelectorAll("input[type=checkbox]")) {
      box.checked = query.getAll(box.name).includes(box.value);
      if (box.checked) box.closest("details")?.setAttribute("open", "");
    }
  };
  if (form) {
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("input", () => { apply(); remember(); });
    form.addEventListener("reset", () => setTimeout(() => { apply(); remember(); }));
    recall();
    apply();
  }

  // A link to a claim shows it, whatever the filter says, with its evidence open.
  const reveal = () => {
    let target = null;
    try { target = document.getElementById(decodeURIComponent(location.hash.slice(1))); } catch { return; }
    if (!target) return;
    if (target.hidden && form) form.reset();
    for (let each = target; each; each = each.parentElement) {
      each.hidden = false;
      if (each.tagName === "DETAILS") each.open = true;
    }
    for (const each of target.querySelectorAll(":scope > details")) each.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  if (location.hash) reveal();
})();
