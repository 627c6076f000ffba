// A chosen file goes into the text area, so that it can be looked at before it is imported.
"use strict";
(function () {
  const file = document.getElementById("csv-file");
  if (!file) return;
  file.addEventListener("change", async () => {
    if (file.files.length) document.getElementById("csv").value = await file.files[0].text();
  });
})();
