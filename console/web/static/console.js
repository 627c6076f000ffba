// Keyboard, selection, outcomes and live rows. All words come from the server.
"use strict";
(function () {
  const body = document.body;
  const page = body.dataset.page;
  const works = body.dataset.works === "yes";
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const $ = (selector, inside) => (inside || document).querySelector(selector);
  const $$ = (selector, inside) => Array.from((inside || document).querySelectorAll(selector));

  // Selected cases: kept while rows come and go, and while the page is loaded again in this tab.
  const remembered = new Set(page === "queue" ? JSON.parse(sessionStorage.getItem("selection") || "[]") : []);
  document.addEventListener("alpine:init", () => {
    Alpine.store("selection", { count: remembered.size, any: remembered.size > 0, hidden: 0 });
  });
  function tellSelection() {
    if (page === "queue") sessionStorage.setItem("selection", JSON.stringify([...remembered]));
    const store = window.Alpine && Alpine.store("selection");
    if (store) {
      store.count = remembered.size;
      store.any = remembered.size > 0;
      store.hidden = remembered.size - rows().filter((row) => remembered.has(row.dataset.case)).length;
    }
    for (const row of rows()) {
      const isSelected = remembered.has(row.dataset.case);
      row.classList.toggle("is-selected", isSelected);
      $('[data-do="select"]', row).checked = isSelected;
    }
  }
  function select(row, isSelected) {
    if (isSelected) remembered.add(row.dataset.case);
    else remembered.delete(row.dataset.case);
    tellSelection();
  }

  // Rows and the marked one, which has the focus.
  const rows = () => $$("#rows .row");
  const marked = () => document.activeElement && document.activeElement.closest && document.activeElement.closest("#rows .row");
  let place = 0;
  function mark(index) {
    const all = rows();
    if (!all.length) return;
    place = Math.max(0, Math.min(index, all.length - 1));
    $(".row-link", all[place]).focus({ preventScroll: true });
    all[place].scrollIntoView({ block: "nearest" });
  }
  function move(by) {
    const row = marked();
    mark(row ? rows().indexOf(row) + by : place);
  }
  document.addEventListener("focusin", () => {
    const row = marked();
    if (row) place = rows().indexOf(row);
  });

  // What changes cases.
  async function post(address, fields, options) {
    const form = new URLSearchParams();
    for (const [name, value] of Object.entries(fields)) for (const one of [].concat(value)) form.append(name, one);
    const answer = await fetch(address, {
      method: "POST", body: form, headers: { "X-CSRF-Token": token, "X-Requested-With": "console" }, ...options,
    }).catch(() => { throw new Error($("#live").dataset.off); });
    if (answer.status === 401) location.assign("/sign-in?next=" + encodeURIComponent(location.pathname + location.search));
    if (!answer.ok) throw new Error(await answer.text());
    return answer.json();
  }
  function affected() {
    if (page === "alert") return [$("#alert").dataset.case];
    if (remembered.size) return [...remembered];
    const row = marked();
    return row ? [row.dataset.case] : [];
  }
  async function change(address, fields, told, outcome) {
    const cases = affected();
    if (!works || !cases.length) return null;
    try {
      const result = await post(address, { case: cases, ...fields });
      const refused = Object.values(result.refused);
      if (outcome && result.done.length) sessionStorage.setItem("undo", JSON.stringify({ cases: result.done, outcome }));
      const words = [result.done.length ? `${told} (${result.done.length})` : "", ...new Set(refused)].filter(Boolean).join(" · ");
      return { ...result, words, isProblem: !result.done.length };
    } catch (error) {
      toast(error.message, true);
      return null;
    }
  }
  const wait = (milliseconds) => new Promise((done) => { setTimeout(done, milliseconds); });

  // One outcome at a time, also where a key is pressed twice: the second one would be for the next alert.
  let deciding = false;
  async function decide(outcome, words) {
    if (deciding) return;
    deciding = true;
    try {
      const result = await change("/cases/outcome", { outcome }, words, outcome);
      if (!result) return;
      for (const one of [...result.done, ...Object.keys(result.refused)]) remembered.delete(String(one));
      if (page === "alert" && result.done.length) {
        sessionStorage.setItem("flash", result.words);
        const next = $("#alert").dataset.next;
        location.assign(next ? next : $("#alert").dataset.queue);
        return await leaving();
      }
      await refresh();
      toast(result.words, result.isProblem, result.done.length > 0);
    } finally {
      deciding = false;
    }
  }
  // Until the next page is there, or does not come.
  const leaving = () => wait(10000);
  const undoWords = () => $('[data-do="undo"]', $("#toast")).firstChild.textContent.trim();
  async function undo() {
    const last = JSON.parse(sessionStorage.getItem("undo") || "null");
    if (last && last.cases) await reopen(last.cases, last.outcome, undoWords());
  }
  // `outcome`: the one that is taken back; of another one that somebody gave since, nothing is taken back.
  async function reopen(cases, outcome, words) {
    if (!works) return;
    try {
      const result = await post("/cases/undo", { case: cases, outcome }, { keepalive: true });
      sessionStorage.removeItem("undo");
      const told = [result.done.length ? `${words} (${result.done.length})` : "", ...Object.values(result.refused)].filter(Boolean).join(" · ");
      if (page === "alert" && result.done.includes(Number($("#alert").dataset.case))) {
        sessionStorage.setItem("said", told);
        location.reload();
        return;
      }
      if (page === "queue") await refresh();
      toast(told, !result.done.length);
    } catch (error) {
      toast(error.message, true);
    }
  }
  async function alter(address, fields, told) {
    const result = await change(address, fields, told, null);
    if (!result) return;
    if (page === "alert") location.reload();
    else {
      await refresh();
      toast(result.words, result.isProblem);
    }
  }
  async function takeNext() {
    if (!works) return;
    const query = page === "queue" ? location.search.slice(1) : ($("#alert") ? $("#alert").dataset.query : "");
    try {
      const taken = await post("/queue/next", { query });
      if (taken.alert) location.assign(`/alerts/${taken.alert}${query ? "?" + query : ""}`);
      else toast(body.dataset.noneFree, true);
    } catch (error) {
      toast(error.message, true);
    }
  }
  const OUTCOME_KEYS = { f: "fraud", n: "not_fraud", i: "insufficient_data", c: "closed" };
  function wordsOf(outcome) {
    const button = $(`[data-outcome="${outcome}"]`);
    return button ? button.firstChild.textContent.trim() : outcome;
  }

  // A file is sent as it is, and the panel comes back.
  async function upload(field) {
    const file = field.files[0];
    if (!file) return;
    $("#uploading").hidden = false;
    try {
      const answer = await fetch(`${field.dataset.upload}?name=${encodeURIComponent(file.name)}`, {
        method: "POST", body: file,
        headers: { "Content-Type": "application/octet-stream", "X-CSRF-Token": token, "X-Requested-With": "console" },
      });
      if (!answer.ok) throw new Error(await answer.text());
      $("#files").outerHTML = await answer.text();
      htmx.process($("#files"));
      zones();
    } catch (error) {
      toast(error.message, true);
      field.value = "";
      $("#uploading").hidden = true;
    }
  }

  // A line that tells what happened.
  let toastTimer = 0;
  function toast(words, isProblem, isUndoable) {
    const line = $("#toast");
    $(".toast-text", line).textContent = words;
    line.classList.toggle("is-problem", Boolean(isProblem));
    $('[data-do="undo"]', line).hidden = !isUndoable;
    line.hidden = false;
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => { line.hidden = true; }, isUndoable ? 10000 : 5000);
  }

  // Rows are asked for one request at a time: of two answers that overtake each other, the older would stay.
  let turn = Promise.resolve();
  function inTurn(work) {
    const result = turn.then(work);
    turn = result.catch(() => {});
    return result;
  }

  // The table again, in place: selection and marked row stay.
  const refresh = () => inTurn(refreshNow);
  async function refreshNow() {
    if (!$("#rows")) return;
    const had = marked() !== null && marked() !== undefined;
    $("#new-alerts").hidden = true;
    await htmx.ajax("GET", "/queue/rows" + location.search, { target: "#rows", swap: "outerHTML" });
    arrived = 0;
    tellSelection();
    zones();
    if (had) mark(place);
  }
  const replaceRows = (cases) => inTurn(() => replaceRowsNow(cases));
  async function replaceRowsNow(cases) {
    const shown = () => rows().filter((row) => cases === null || cases.includes(Number(row.dataset.case)));
    if (!shown().length) return;
    const query = new URLSearchParams(location.search);
    for (const row of shown()) query.append("case", row.dataset.case);
    const ask = () => fetch("/queue/rows?" + query, { headers: { "X-Requested-With": "console" } }).catch(() => null);
    let answer = await ask();
    if (!answer || !answer.ok) {
      await wait(2000);
      answer = await ask();
    }
    if (!answer || !answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    $("#count").textContent = $("#count", fresh).textContent;
    for (const old of shown()) {
      const row = fresh.getElementById(old.id);
      if (!row) {
        old.classList.add("is-gone");
        continue;
      }
      const isMarked = old === marked();
      old.replaceWith(document.adoptNode(row));
      if (isMarked) $(".row-link", row).focus({ preventScroll: true });
    }
    tellSelection();
  }

  // Rows that were loaded just now may be told of as new a moment later.
  const shownThrough = () => ($("#rows") ? Number($("#rows").dataset.newest.split("-")[0]) : 0);

  // One stream a tab.
  let arrived = 0;
  let seen = "";
  let stream = null;
  function listen() {
    const status = $("#live");
    if (!status || !window.EventSource || stream) return;
    const since = seen || ($("#rows") ? $("#rows").dataset.newest : "");
    stream = new EventSource("/live" + (since ? "?since=" + since : ""));
    const tell = (isOn) => {
      status.textContent = isOn ? status.dataset.on : status.dataset.off;
      status.classList.toggle("is-on", isOn);
      status.classList.toggle("is-off", !isOn);
    };
    stream.onopen = () => { tell(true); heardAt = Date.now(); claimAgain(); };
    stream.onerror = () => {
      tell(false);
      if (stream && stream.readyState === EventSource.CLOSED) setTimeout(again, 3000);
    };
    stream.addEventListener("beat", () => { heardAt = Date.now(); });
    stream.addEventListener("change", (event) => {
      heardAt = Date.now();
      const change = JSON.parse(event.data);
      seen = event.lastEventId;
      $("#open-count").textContent = change.open.toLocaleString("en");
      if (page === "queue") {
        arrived += Math.max(0, Math.min(change.new, change.newest - shownThrough()));
        const pill = $("#new-alerts");
        if (arrived > 0) {
          pill.textContent = pill.dataset.text.replace("{count}", arrived);
          pill.hidden = false;
        }
        if (change.cases === null || change.cases.length) replaceRows(change.cases);
      }
      if (page === "alert" && change.cases && change.cases.includes(Number($("#alert").dataset.case))) {
        htmx.ajax("GET", location.pathname + "/journal", { target: "#journal", swap: "outerHTML" }).then(zones, () => {});
      }
    });
  }
  function hangUp() {
    if (stream) stream.close();
    stream = null;
  }
  // A stream that is refused does not say why: a sign-in that has ended is told, and asked for.
  async function again() {
    const answer = await fetch("/signed-in", { headers: { "X-Requested-With": "console" } }).catch(() => null);
    if (answer && answer.status === 401) {
      const status = $("#live"), link = document.createElement("a");
      link.href = "/sign-in?next=" + encodeURIComponent(location.pathname + location.search);
      link.textContent = status.dataset.out;
      status.replaceChildren(link);
      return;
    }
    hangUp();
    listen();
  }
  // A connection that has gone without a word sends no beat.
  let heardAt = 0;
  setInterval(() => { if (stream && stream.readyState === EventSource.OPEN && Date.now() - heardAt > 45000) again(); }, 5000);
  // A hidden tab gives up its connection, of which a browser has few, and catches up when it is looked at.
  let hidden = 0;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hidden);
    if (document.hidden) hidden = setTimeout(hangUp, 30000);
    else listen();
  });
  window.addEventListener("pagehide", hangUp);
  window.addEventListener("pageshow", (event) => {
    for (const field of $$("#filters :disabled")) field.disabled = false;
    if (event.persisted) listen();
  });

  // An alert that is open is claimed while it is looked at.
  let claimAgain = () => {};
  function keepClaim() {
    const alert = $("#alert");
    if (page !== "alert" || !works || alert.dataset.state !== "open") return;
    const claim = () => post("/cases/claim", { case: alert.dataset.case }).then(
      () => { $("#held").hidden = true; },
      (error) => { $("#held").textContent = error.message; $("#held").hidden = false; },
    );
    claim();
    claimAgain = claim;
    setTimeout(claim, 2000);  // the page before, of this alert, too, may give up its claim only now
    setInterval(claim, 60000);
    window.addEventListener("pagehide", () => {
      fetch("/cases/release", {
        method: "POST", keepalive: true, body: new URLSearchParams({ case: alert.dataset.case }),
        headers: { "X-CSRF-Token": token, "X-Requested-With": "console" },
      }).catch(() => {});
    });
  }

  // A note that is being written stays while the page is left or loaded again.
  function keepNote() {
    const note = $("#note");
    if (!note) return;
    const name = "note-" + $("#alert").dataset.case;
    note.value = note.value || sessionStorage.getItem(name) || "";
    note.addEventListener("input", () => sessionStorage.setItem(name, note.value));
    note.form.addEventListener("htmx:afterRequest", (event) => {
      if (!event.detail.successful) return;
      sessionStorage.removeItem(name);
      note.value = "";
    });
  }

  // Times in UTC or in this browser's zone.
  const isLocal = () => localStorage.getItem("zone") === "local";
  function zones() {
    for (const time of $$("time[data-ms]")) {
      if (!time.dataset.utc) time.dataset.utc = time.textContent;
      time.textContent = isLocal()
        ? new Date(Number(time.dataset.ms)).toLocaleString("sv-SE", { timeZoneName: "short" }) : time.dataset.utc;
    }
    const button = $('[data-do="zone"]');
    if (button) button.textContent = isLocal() ? Intl.DateTimeFormat().resolvedOptions().timeZone.split("/").pop() : "UTC";
  }
  function switchTheme() {
    const root = document.documentElement;
    const isDark = root.dataset.theme === "dark" || (root.dataset.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
    charts();
  }

  const assign = (assignee, button) => button && alter("/cases/assign", { assignee }, button.firstChild.textContent.trim());
  // While a year is typed, a date field already has days of the first centuries.
  const isDay = (value) => value === "" || value >= "2000-01-01";

  const DO = {
    help: () => $("#help").showModal(),
    theme: switchTheme,
    zone: () => { localStorage.setItem("zone", isLocal() ? "utc" : "local"); zones(); charts(); },
    undo, refresh,
    "next-unassigned": takeNext,
    "assign-me": () => assign("me", $('[data-do="assign-me"]')),
    unassign: () => assign("-", $('[data-do="unassign"]')),
    reopen: () => reopen([$("#alert").dataset.case], $('[data-do="reopen"]').dataset.had, $('[data-do="reopen"]').textContent.trim()),
    unselect: () => { remembered.clear(); tellSelection(); },
  };
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button && DO[button.dataset.do]) {
      event.preventDefault();
      DO[button.dataset.do]();
      return;
    }
    const outcome = event.target.closest("button[data-outcome]");
    if (outcome) {
      event.preventDefault();
      decide(outcome.dataset.outcome, wordsOf(outcome.dataset.outcome));
      return;
    }
    const row = event.target.closest("#rows .row");
    if (row && !event.target.closest("a, input, button")) {
      if (event.target.closest(".c-select")) select(row, !remembered.has(row.dataset.case));
      else $(".row-link", row).click();
    }
  });
  document.addEventListener("change", (event) => {
    const what = event.target.dataset.do;
    if (what === "select") select(event.target.closest(".row"), event.target.checked);
    else if (what === "select-all") for (const row of rows()) select(row, event.target.checked);
    else if (event.target.dataset.upload) upload(event.target);
    else if (event.target.id === "bulk-due" || event.target.id === "due") {
      if (isDay(event.target.value)) alter("/cases/due", { due: event.target.value }, event.target.value);
    } else if (event.target.dataset.assign !== undefined && event.target.value) {
      alter("/cases/assign", { assignee: event.target.value }, `${event.target.dataset.assign} ${event.target.value}`);
      event.target.value = "";
    }
    else if (event.target.closest("#filters") && event.target.matches("select, [type=checkbox]")) $("#filters").requestSubmit();
  });
  document.addEventListener("submit", (event) => {
    if (event.target.id === "filters") for (const field of $$("input, select", event.target)) field.disabled = field.value === "";
  });
  document.addEventListener("htmx:afterSettle", zones);
  document.addEventListener("htmx:responseError", (event) => toast(event.detail.xhr.responseText.slice(0, 300), true));
  document.addEventListener("htmx:sendError", () => toast($("#live").dataset.off, true));

  // Keys.
  let went = 0;
  const GO = { q: "/", r: "/rules", m: "/models", s: "/system" };
  function goTo(link) {
    if (link) location.assign(link);
  }
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.repeat && event.key !== "j" && event.key !== "k") return;
    if (event.target.closest("dialog")) return;
    const isField = event.target.closest("input:not([type=checkbox]), select, textarea");
    if (event.key === "Escape") {
      if (isField) event.target.blur();
      else if (remembered.size && page === "queue") DO.unselect();
      else if (page === "alert") goTo($("#alert").dataset.queue);
      return;
    }
    if (isField) return;
    if (Date.now() - went < 1500 && GO[event.key]) {
      went = 0;
      goTo(GO[event.key]);
      return;
    }
    const alert = page === "alert" ? $("#alert").dataset : null;
    const keys = {
      "?": DO.help, g: () => { went = Date.now(); },
      "/": () => { if ($("#search")) $("#search").focus(); },
      j: () => (alert ? goTo(alert.next) : move(1)), k: () => (alert ? goTo(alert.previous) : move(-1)),
      "]": () => alert && goTo(alert.next), "[": () => alert && goTo(alert.previous),
      e: () => { if (marked()) $(".row-link", marked()).click(); },
      x: () => { if (marked()) select(marked(), !remembered.has(marked().dataset.case)); },
    };
    if (page === "queue" || page === "alert") Object.assign(keys, { z: undo, u: takeNext, a: DO["assign-me"] });
    if (OUTCOME_KEYS[event.key] && (page === "queue" || page === "alert")) {
      event.preventDefault();
      decide(OUTCOME_KEYS[event.key], wordsOf(OUTCOME_KEYS[event.key]));
    } else if (keys[event.key]) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // Charts from the tables beside them. Times as in the tables: ISO 8601, 24 hours, in the zone of the page.
  const IN_TIME = [
    [31536000, "{YYYY}", null, null, null, null, null, null, 1],
    [2419200, "{YYYY}-{MM}", null, null, null, null, null, null, 1],
    [86400, "{MM}-{DD}", "\n{YYYY}", null, null, null, null, null, 1],
    [60, "{HH}:{mm}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
    [1, "{HH}:{mm}:{ss}", "\n{YYYY}-{MM}-{DD}", null, "\n{MM}-{DD}", null, null, null, 1],
  ];
  function charts() {
    if (!window.uPlot) return;
    const inZone = (seconds) => (isLocal() ? new Date(seconds * 1000) : uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"));
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    for (const chart of $$("[data-chart]")) {
      const data = JSON.parse(chart.dataset.chart);
      chart.replaceChildren();
      const axis = { stroke: color("--dim"), grid: { stroke: color("--line"), width: 1 }, ticks: { stroke: color("--line") } };
      new uPlot({
        width: Math.max(260, chart.clientWidth), height: 170, legend: { show: false }, cursor: { y: false },
        axes: [{ ...axis, values: IN_TIME }, { ...axis, size: 44 }], tzDate: inZone, scales: { y: { range: (_, low, high) => [0, Math.max(1, high)] } },
        series: [{}, { label: data.label, stroke: color("--accent"), fill: color("--marked"), width: 2, paths: uPlot.paths.stepped({ align: 1 }) }],
      }, [data.times, data.values], chart);
    }
  }

  window.addEventListener("DOMContentLoaded", () => {
    for (const gone of [...remembered]) if (page !== "queue") remembered.delete(gone);
    tellSelection();
    zones();
    charts();
    listen();
    keepClaim();
    keepNote();
    const said = sessionStorage.getItem("said");
    if (said) {
      sessionStorage.removeItem("said");
      toast(said, false);
    }
    const flash = sessionStorage.getItem("flash");
    if (flash) {
      sessionStorage.removeItem("flash");
      toast(flash, false, true);
    }
    if (page === "queue" && rows().length && (document.activeElement === body || document.activeElement === null)) mark(0);
  });
})();
