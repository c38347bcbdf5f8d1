"use strict";
// In the head, so that the first paint has the chosen theme, and shows what the address asks for and nothing before.
document.documentElement.classList.add("scripted");
if (location.hash || location.search) {
  document.documentElement.classList.add("settling");
  addEventListener("DOMContentLoaded", () => document.documentElement.classList.remove("settling"));
}
try {
  const chosen = localStorage.getItem("theme");
  if (chosen === "dark" || chosen === "light") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be forbidden; the system's theme stays.
}
