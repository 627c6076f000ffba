// The editor of rules: a plain text area with a gutter, checks while typing, and completions. All words come from the server.
"use strict";
(function () {
  const $ = (id) => document.getElementById(id);
  const area = $("rule-text");
  if (!area) return;
  const words = $("editor").dataset;
  const token = document.querySelector('meta[name="csrf-token"]').content;
  const CHECK_AFTER_MS = 350, MOST_SHOWN = 12, LINES_DRAWN = 20000;

  // Lines, and what is told of them.
  let problems = [];
  let lineCount = 0;
  function drawGutter() {
    const count = Math.min(area.value.split("\n").length, LINES_DRAWN);
    const gutter = $("gutter");
    if (count !== lineCount) {
      const lines = document.createDocumentFragment();
      for (let number = 1; number <= count; number += 1) {
        const line = document.createElement("span");
        line.textContent = String(number);
        lines.append(line);
      }
      gutter.replaceChildren(lines);
      lineCount = count;
    }
    for (const marked of gutter.querySelectorAll("[class]")) marked.removeAttribute("class");
    for (const problem of problems) {
      const line = gutter.children[problem.line - 1];
      if (line && line.className !== "has-error") line.className = `has-${problem.severity}`;
    }
    gutter.scrollTop = area.scrollTop;
  }
  const indexOf = (line, column) => {
    let at = 0;
    for (let number = 1; number < line; number += 1) {
      const end = area.value.indexOf("\n", at);
      if (end < 0) break;
      at = end + 1;
    }
    // Columns are counted in characters, places in the text in UTF-16 units.
    const end = area.value.indexOf("\n", at);
    const text = area.value.slice(at, end < 0 ? undefined : end);
    return at + Array.from(text).slice(0, column - 1).join("").length;
  };
  function goTo(problem) {
    const start = indexOf(problem.line, problem.column);
    const end = Math.max(start, indexOf(problem.end_line, problem.end_column));
    area.focus();
    area.setSelectionRange(start, end);
    const height = lineHeight();
    if (problem.line * height < area.scrollTop + height || problem.line * height > area.scrollTop + area.clientHeight) {
      area.scrollTop = Math.max(0, (problem.line - 4) * height);
    }
  }
  function goToNext(by) {
    if (!problems.length) return;
    const ordered = [...problems].sort((one, other) => one.line - other.line || one.column - other.column);
    const places = ordered.map((one) => indexOf(one.line, one.column));
    const here = area.selectionStart;
    let next = by > 0 ? places.findIndex((place) => place > here) : places.findLastIndex((place) => place < here);
    if (next < 0) next = by > 0 ? 0 : places.length - 1;
    goTo(ordered[next]);
  }

  // Checks while typing: one request at a time, the newest text counts.
  let waiting = 0;
  let running = null;
  function send(address) {
    return fetch(address, {
      method: "POST", body: new URLSearchParams({ rules: area.value }), signal: running.signal,
      headers: { "X-CSRF-Token": token, "X-Requested-With": "console" },
    });
  }
  async function check() {
    if (running) running.abort();
    const mine = running = new AbortController();
    try {
      const answer = await send("/rules-check");
      if (!answer.ok) throw new Error(await answer.text());
      const found = await answer.json();
      if (mine !== running) return;
      show(found);
      const told = await send("/rules-changes");
      if (!told.ok || mine !== running) return;
      const fresh = new DOMParser().parseFromString(await told.text(), "text/html").getElementById("changes");
      if (fresh) $("changes").replaceWith(document.adoptNode(fresh));
    } catch (error) {
      if (error.name !== "AbortError") $("check-state").textContent = words.failed;
    }
  }
  function checkSoon() {
    clearTimeout(waiting);
    waiting = setTimeout(check, CHECK_AFTER_MS);
  }
  function show(found) {
    problems = found.problems;
    const state = $("check-state");
    state.textContent = !problems.length ? words.valid : found.count === 1 ? words.one : words.count.replace("{count}", found.count);
    $("editor").dataset.state = found.valid ? "valid" : "invalid";
    area.setAttribute("aria-invalid", String(!found.valid));
    const list = problems.map((problem) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      button.className = `problem-line is-${problem.severity}`;
      const severity = problem.severity === "error" ? words.error : words.warning;
      const place = words.line.replace("{line}", problem.line).replace("{column}", problem.column);
      const rule = problem.rule ? `${problem.rule}: ` : "";
      const hint = problem.hint ? ` (${problem.hint})` : "";
      const where = document.createElement("span");
      where.className = "dim";
      where.textContent = `${place} · ${severity} `;
      button.append(where, `${rule}${problem.message}${hint}`);
      button.addEventListener("click", () => goTo(problem));
      item.append(button);
      return item;
    });
    $("problems").replaceChildren(...list);
    drawGutter();
  }

  // Completions.
  let known = null;
  let choices = [];
  let chosen = 0;
  let start = 0;
  async function learn() {
    const answer = await fetch("/rules-completions", { headers: { "X-Requested-With": "console" } });
    if (answer.ok) known = await answer.json();
  }
  const isOpen = () => !$("completions").hidden;
  function keyOfLine(before) {
    // The field that the place is in: of this line, or of a text block that began above.
    const lines = before.split("\n");
    const field = /^\s*(?:- +)?([a-z_]+):(?: |$)/;
    const own = lines[lines.length - 1].match(field);
    if (own) return own[1];
    if (/^\s*(?:- +)?[a-z_]*$/.test(lines[lines.length - 1])) {
      const above = lines.slice(0, -1).reverse().find((line) => line.trim());
      const block = above && above.match(/^\s*(?:- +)?([a-z_]+): *[|>]/);
      return block ? block[1] : "";
    }
    for (const line of lines.slice(0, -1).reverse()) {
      const found = line.match(field);
      if (found) return found[1];
    }
    return "";
  }
  function offered(before) {
    const key = keyOfLine(before);
    const line = before.slice(before.lastIndexOf("\n") + 1);
    if (key === "") return known.fields.map((one) => ({ text: one.name, insert: `${one.name}: `, about: one.meaning }));
    const field = known.fields.find((one) => one.name === key);
    if (key === "when") {
      const quoted = line.match(/(\w+)\s*(?:[=!]=|(?:not )?in\s*\[[^\]]*)\s*(["'])[^"']*$/);
      const codes = quoted && (known.names.find((one) => one.name === quoted[1]) || {}).codes;
      if (codes) return codes.map((code) => ({ text: code, insert: code, about: quoted[1] }));
      return [
        ...known.names.map(ofName),
        ...known.functions.map((one) => ({ text: one.form, word: one.name, insert: `${one.name}(`, about: `${one.gives} · ${one.meaning}` })),
        ...known.lists.map((one) => ({ text: one.name, insert: one.name, about: `${one.type} · ${one.meaning}` })),
        ...known.keywords.map((one) => ({ text: one, insert: one, about: "" })),
      ];
    }
    if (key === "reason") return /\{[^}]*$/.test(line) ? known.names.map(ofName) : [];
    return field ? field.values.map((one) => ({ text: one, insert: one, about: field.meaning })) : [];
  }
  const ofName = (one) => ({ text: one.name, insert: one.name, about: [one.type, one.unit].filter(Boolean).join(", ") + ` · ${one.meaning}` });
  function suggest(isAsked) {
    if (!known || area.selectionStart !== area.selectionEnd) return close();
    const before = area.value.slice(0, area.selectionStart);
    const typed = before.match(/[@\w]*$/)[0];
    if (!isAsked && typed.length < 2) return close();
    const low = typed.toLowerCase();
    const fitting = offered(before).map((one) => {
      const word = (one.word || one.text).toLowerCase();
      return { ...one, rank: word.startsWith(low) ? 0 : word.includes(low) ? 1 : 2 };
    }).filter((one) => one.rank < 2 && !(one.insert === typed && !isAsked));
    fitting.sort((one, other) => one.rank - other.rank);
    if (!fitting.length) return close();
    choices = fitting.slice(0, MOST_SHOWN);
    start = area.selectionStart - typed.length;
    choose(0);
    place(before);
    $("suggested").textContent = words.suggestions.replace("{count}", fitting.length);
  }
  function choose(index) {
    chosen = (index + choices.length) % choices.length;
    const list = $("completions");
    list.replaceChildren(...choices.map((one, number) => {
      const option = document.createElement("li");
      option.id = `completion-${number}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", String(number === chosen));
      const name = document.createElement("b");
      name.textContent = one.text;
      const about = document.createElement("span");
      about.className = "dim";
      about.textContent = one.about;
      option.append(name, " ", about);
      option.addEventListener("mousedown", (event) => { event.preventDefault(); chosen = number; accept(); });
      return option;
    }));
    list.hidden = false;
    area.setAttribute("aria-controls", "completions");
    area.setAttribute("aria-activedescendant", `completion-${chosen}`);
    list.children[chosen].scrollIntoView({ block: "nearest" });
  }
  function close() {
    $("completions").hidden = true;
    area.removeAttribute("aria-activedescendant");
    area.removeAttribute("aria-controls");
  }
  function accept() {
    const text = choices[chosen].insert;
    close();
    area.focus();
    area.setSelectionRange(start, area.selectionStart);
    // Keeps the browser's undo; setRangeText does not.
    if (!document.execCommand("insertText", false, text)) area.setRangeText(text, start, area.selectionEnd, "end");
    changed();
    close();
  }
  let measured = 0;
  function lineHeight() {
    return parseFloat(getComputedStyle(area).lineHeight);
  }
  function characterWidth() {
    if (!measured) {
      const canvas = document.createElement("canvas").getContext("2d");
      canvas.font = getComputedStyle(area).font;
      measured = canvas.measureText("0".repeat(100)).width / 100;
    }
    return measured;
  }
  function place(before) {
    const list = $("completions");
    const line = before.split("\n").length, column = start - (before.lastIndexOf("\n") + 1);
    const top = area.offsetTop + line * lineHeight() - area.scrollTop + 8;
    const left = area.offsetLeft + column * characterWidth() - area.scrollLeft + 8;
    list.style.top = `${Math.min(top, area.offsetTop + area.clientHeight - 20)}px`;
    list.style.left = `${Math.max(0, Math.min(left, $("editor").clientWidth - list.offsetWidth - 4))}px`;
  }

  function changed() {
    drawGutter();
    const backtest = $("preview-backtest");
    if (backtest) {  // it is of other rules now
      const told = document.createElement("p");
      told.className = "notice";
      told.textContent = words.stale;
      $("preview").prepend(told);
      backtest.remove();
    }
    checkSoon();
  }
  area.addEventListener("input", (event) => {
    changed();
    if (event.inputType === "insertText" || (isOpen() && event.inputType === "deleteContentBackward")) suggest(false);
    else close();
  });
  area.addEventListener("scroll", () => { $("gutter").scrollTop = area.scrollTop; close(); });
  area.addEventListener("blur", close);
  area.addEventListener("click", close);
  area.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      suggest(true);
    } else if (event.key === "F8") {
      event.preventDefault();
      goToNext(event.shiftKey ? -1 : 1);
    } else if (isOpen()) {
      const keys = {
        ArrowDown: () => choose(chosen + 1), ArrowUp: () => choose(chosen - 1), Enter: accept, Tab: accept, Escape: close,
      };
      if (keys[event.key] && !event.ctrlKey && !event.altKey && !event.metaKey && !event.shiftKey) {
        event.preventDefault();
        event.stopPropagation();
        keys[event.key]();
      } else if (["ArrowLeft", "ArrowRight", "Home", "End", "PageUp", "PageDown"].includes(event.key)) close();
    }
  });
  document.addEventListener("DOMContentLoaded", () => { learn(); drawGutter(); check(); });
})();
