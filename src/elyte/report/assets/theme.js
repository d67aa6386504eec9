// Light or dark by hand; without a choice the page follows the system.
"use strict";
(() => {
  const button = document.getElementById("theme"), root = document.documentElement;
  const system = window.matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : system.matches);
  const name = () => (button.textContent = dark() ? "Light" : "Dark");
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    name();
    window.dispatchEvent(new Event("themechange"));
  });
  system.addEventListener("change", name);
  name();
})();
