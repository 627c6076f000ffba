// Before the first paint: dark or light as it was chosen in this browser.
(function () {
  const chosen = localStorage.getItem("theme");
  if (chosen) document.documentElement.dataset.theme = chosen;
})();
