// Sorting, filtering, choosing columns and opening rows: the page can be read without any of it.
// What is shown is kept in the address, so that a link shows the same: #sort=-elbo&beta=4&open=0
"use strict";
(() => {
  const FEW = 8; // as many values of a setting are buttons, and more are a list to choose from
  const MANY = 60; // of more than these there is only the text filter
  const ABSENT = "\u2013";
  const table = document.getElementById("results");
  const head = table.tHead.rows[0];
  const bodies = [...table.tBodies];
  const more = JSON.parse(document.getElementById("more").textContent);
  const packed = [...document.querySelectorAll("#differences > noscript")];
  const byText = new Intl.Collator(undefined, { numeric: true });

  function make(tag, properties, ...children) {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  }
  // To a script, what a noscript element holds is text: markup that Python wrote and escaped.
  function unpack(noscript) {
    return make("template", { innerHTML: noscript.textContent }).content;
  }

  const heads = () => [...head.cells];
  const nameOf = (th) => th.dataset.name;
  const named = (name) => heads().find((th) => nameOf(th) === name || th.dataset.key === name);
  const settings = heads().filter((th) => th.dataset.kind === "setting");
  const chosen = heads().filter((th) => th.dataset.kind === "metric").map(nameOf);
  const indexOf = (body) => Number(body.dataset.i);
  const cellOf = (body, th) => body.rows[0].cells[th.cellIndex];
  const textOf = (body, th) => cellOf(body, th).textContent.trim().replace(ABSENT, "");

  // What is shown, as the address has it.
  const state = {};
  function read() {
    const parameters = new URLSearchParams(location.hash.slice(1));
    const list = (key) => (parameters.get(key) ?? "").split(",").filter(Boolean);
    for (const key of ["sort", "filter", "metric"]) state[key] = parameters.get(key) ?? "";
    state.open = new Set(list("open").map(Number));
    state.columns = parameters.has("columns") ? list("columns") : null;
    const keys = [...new Set(parameters.keys())].filter((key) => settings.includes(named(key)));
    state.values = new Map(keys.map((key) => [nameOf(named(key)), new Set(parameters.getAll(key))]));
  }
  function change(changes) {
    Object.assign(state, changes);
    const parameters = new URLSearchParams();
    for (const key of ["sort", "filter", "metric"]) if (state[key]) parameters.set(key, state[key]);
    for (const [key, values] of state.values) for (const value of values) parameters.append(key, value);
    if (state.columns) parameters.set("columns", state.columns.join(","));
    if (state.open.size) parameters.set("open", [...state.open].join(","));
    const hash = parameters.toString().replaceAll("%2F", "/").replaceAll("%2C", ",");
    history.replaceState(null, "", `#${hash}`);
    show();
  }

  // Sorting: numbers before texts, and missing values last in either direction.
  function valueOf(cell) {
    const value = cell.dataset.v;
    return value === undefined ? cell.textContent.trim() : value === "" ? null : Number(value);
  }
  function compare(a, b, sign) {
    if (a === null || b === null) return (a === null) - (b === null);
    if (typeof a !== typeof b) return typeof a === "number" ? -1 : 1;
    return sign * (typeof a === "number" ? a - b : byText.compare(a, b));
  }
  function arrange(parent, rows, order, heads) {
    const th = heads.find((one) => order.replace(/^-/, "") === nameOf(one));
    const sign = order.startsWith("-") ? -1 : 1;
    const cell = (row) => (row.rows?.[0] ?? row).cells[th.cellIndex];
    const keyed = rows.map((row, i) => ({ row, i, value: th ? valueOf(cell(row)) : null }));
    keyed.sort((a, b) => compare(a.value, b.value, sign) || a.i - b.i);
    parent.append(...keyed.map(({ row }) => row));
    for (const one of heads) {
      const way = sign < 0 ? "descending" : "ascending";
      one.setAttribute("aria-sort", one === th ? way : "none");
    }
  }
  function sortable(th, whenClicked) {
    const button = make("button", { type: "button" }, ...th.childNodes);
    button.addEventListener("click", whenClicked);
    th.append(button);
    th.setAttribute("aria-sort", "none");
  }
  // The first click on a metric puts the largest on top; the third restores the page's order.
  function next(th, order) {
    const name = nameOf(th);
    const ways = [name, `-${name}`];
    if (th.dataset.kind !== "setting" && th.classList.contains("number")) ways.reverse();
    return [...ways, ""][(ways.indexOf(order) + 1) % 3];
  }
  let order = "";
  function showOrder() {
    const th = named(state.sort.replace(/^-/, ""));
    const wanted = th ? (state.sort.startsWith("-") ? "-" : "") + nameOf(th) : "";
    if (wanted !== order) arrange(table, bodies, wanted, heads());
    order = wanted;
  }
  const sortBy = (th) => sortable(th, () => change({ sort: next(th, order) }));

  // Filtering: by values of settings, and by a text: "hfvae", or exactly "beta=4".
  function matches(body, words) {
    const has = ([key, values]) => values.has(textOf(body, named(key)));
    if (![...state.values].every(has)) return false;
    const pairs = words.length ? settings.map((th) => `${nameOf(th)}=${textOf(body, th)}`) : [];
    const fits = (pair, word) => word.includes("=") ? pair === word : pair.includes(word);
    return words.every((word) => pairs.some((pair) => fits(pair.toLowerCase(), word)));
  }
  const visible = () => bodies.filter((body) => !body.hidden && !body.classList.contains("late"));
  let limit = Number(table.dataset.shown); // rows that are laid out: thousands take seconds
  function showMatches() {
    const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
    let [rows, runs] = [0, 0];
    for (const body of table.tBodies) {
      body.hidden = !matches(body, words);
      body.classList.toggle("late", !body.hidden && rows >= limit);
      if (body.hidden) continue;
      rows += 1;
      runs += Number(body.dataset.runs);
    }
    count.value = `${rows} of ${bodies.length} rows, ${runs} ${runs === 1 ? "run" : "runs"}`;
    further.hidden = rows <= limit;
  }

  // Columns: further metrics are added when they are first wanted. Those that are not wanted are
  // hidden by a rule that counts from the right, since the first entry of a run spans all settings.
  const added = [];
  const rule = document.head.appendChild(make("style"));
  const wanted = () => state.columns ?? chosen;
  function fixed(value, decimals) {
    const text = value.toFixed(decimals);
    return text.replace("-", Number(text) === 0 ? "" : "\u2212");
  }
  function numberCell(values, decimals) {
    const found = values.filter((value) => value !== null);
    const td = make("td", { className: "number" });
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    td.dataset.v = found.length ? mean : "";
    td.append(found.length ? fixed(mean, decimals) : ABSENT);
    if (found.length > 1) {
      const squares = found.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      const spread = fixed(Math.sqrt(squares / (found.length - 1)), decimals);
      td.append(make("span", { className: "spread" }, ` \u00b1 ${spread}`));
    }
    return td;
  }
  function addColumn(name) {
    const th = make("th", { scope: "col", className: "number metric" });
    th.append(...more[name].title.split(/(?<=[_/])/).flatMap((part) => [part, make("wbr")]));
    Object.assign(th.dataset, { kind: "metric", name });
    head.append(th);
    sortBy(th);
    const { values, decimals } = more[name];
    for (const body of bodies) body.rows[0].append(numberCell(values[indexOf(body)], decimals));
    bodies.forEach(close); // they open again with all columns
    added.push(name);
  }
  function showColumns() {
    wanted().filter((name) => Object.hasOwn(more, name) && !added.includes(name)).forEach(addColumn);
    const last = heads().length;
    const unwanted = heads()
      .filter((th) => th.dataset.kind === "metric" && !wanted().includes(nameOf(th)))
      .map((th) => `#results tr > :nth-last-child(${last - th.cellIndex})`);
    rule.textContent = unwanted.length ? `${unwanted.join(",")} { display: none }` : "";
  }

  // A row opens to show its runs, in its own columns.
  let groups = null;
  function close(body) {
    while (body.rows.length > 1) body.rows[1].remove();
  }
  function open(body) {
    groups ??= unpack(document.getElementById("every-run")).querySelectorAll("tbody");
    groups[indexOf(body)].querySelectorAll(".run").forEach((run, r) => {
      const further = added.map((name) =>
        numberCell([more[name].values[indexOf(body)][r]], more[name].decimals));
      const row = document.importNode(run, true);
      row.append(...further);
      body.append(row);
    });
  }
  const isOpen = (body) => body.rows.length > 1;
  function showRuns() {
    for (const body of bodies.filter((body) => state.open.has(indexOf(body)) !== isOpen(body))) {
      (isOpen(body) ? close : open)(body);
      body.querySelector(".toggle").setAttribute("aria-expanded", isOpen(body));
    }
  }

  // Differences: one metric at a time.
  const place = make("div", { className: "shown" });
  const metric = make("select");
  function showDifferences() {
    const block = packed.find(({ dataset }) => dataset.metric === state.metric) ?? packed[0];
    if (!block || block.dataset.metric === place.dataset.metric) return;
    metric.value = place.dataset.metric = block.dataset.metric;
    place.replaceChildren(unpack(block));
    for (const { tHead, tBodies } of place.querySelectorAll("table")) {
      const rows = [...tBodies[0].rows];
      const columns = [...tHead.rows[0].cells].filter(nameOf);
      let own = "";
      const by = (th) => arrange(tBodies[0], rows, (own = next(th, own)), columns);
      for (const th of columns) sortable(th, () => by(th));
    }
  }

  // The tools above the table, and what each shows of the state.
  const button = (text) => make("button", { type: "button", className: "plain" }, text);
  const count = make("output");
  const opener = button("Open all");
  const reset = button("Reset");
  const further = button(`${limit} more rows`);
  const search = make("input", { type: "search", placeholder: "Filter: hfvae, beta=4",
    ariaLabel: "Filter the rows by words" });
  const shows = [
    () => { if (search.value !== state.filter) search.value = state.filter; },
    () => { reset.hidden = location.hash.length < 2; },
    () => { opener.textContent = `${visible().every(isOpen) ? "Close" : "Open"} all`; },
  ];
  function picker() {
    const list = make("div");
    const titles = Object.entries(more).map(([name, { title }]) => [name, title]);
    for (const [name, title] of [...chosen.map((name) => [name, named(name).textContent]), ...titles]) {
      const box = make("input", { type: "checkbox" });
      box.addEventListener("change", () => {
        const others = wanted().filter((other) => other !== name);
        change({ columns: box.checked ? [...others, name] : others });
      });
      shows.push(() => { box.checked = wanted().includes(name); });
      list.append(make("label", {}, box, title));
    }
    const summary = make("summary", { className: "plain" }, "Columns");
    const details = make("details", { className: "picker" }, summary, list);
    addEventListener("click", ({ target }) => { if (!details.contains(target)) details.open = false; });
    addEventListener("keydown", ({ key }) => { if (key === "Escape") details.open = false; });
    return details;
  }
  function choose(key, values) {
    const others = [...state.values].filter(([other]) => other !== key);
    change({ values: new Map(values.length ? [...others, [key, new Set(values)]] : others) });
  }
  function chip(key, text) {
    const chip = make("button", { type: "button", className: "chip" }, text || "none");
    const isOn = () => state.values.get(key)?.has(text) ?? false;
    chip.addEventListener("click", () => {
      const others = [...(state.values.get(key) ?? [])].filter((other) => other !== text);
      choose(key, isOn() ? others : [...others, text]);
    });
    shows.push(() => chip.setAttribute("aria-pressed", isOn()));
    return chip;
  }
  function listOf(key, texts) {
    const list = make("select", { ariaLabel: key }, new Option("all", ""));
    list.append(...texts.map((text) => new Option(text || "none", `=${text}`)));
    list.addEventListener("change", () => choose(key, list.value ? [list.value.slice(1)] : []));
    const chosenValues = () => [...(state.values.get(key) ?? [])].map((text) => `=${text}`);
    shows.push(() => { list.value = chosenValues()[0] ?? ""; });
    return list;
  }
  function filterOf(th) {
    const key = nameOf(th);
    const found = bodies.map((body) => [textOf(body, th), valueOf(cellOf(body, th))]);
    const texts = [...new Map(found)].sort((a, b) => compare(a[1], b[1], 1)).map(([text]) => text);
    if (texts.length < 2 || texts.length > MANY) return "";
    const tools = texts.length > FEW ? [listOf(key, texts)] : texts.map((text) => chip(key, text));
    const group = { className: "chips", role: "group", ariaLabel: `Filter by ${key}` };
    return make("div", group, make("span", { className: "name" }, key), ...tools);
  }

  function show() {
    for (const part of [showColumns, showOrder, showMatches, showRuns, showDifferences]) part();
    for (const tool of shows) tool();
  }
  for (const th of heads()) sortBy(th);
  table.parentElement.before(make("div", { className: "tools" },
    make("div", { className: "row" }, search, picker(), opener, reset, count),
    make("div", { className: "filters" }, ...settings.map(filterOf))));
  table.parentElement.after(make("div", { className: "tools" }, further));
  if (packed.length) {
    metric.append(...packed.map(({ dataset }) => new Option(dataset.title, dataset.metric)));
    metric.addEventListener("change", () => change({ metric: metric.value }));
    packed[0].before(make("div", { className: "tools" }, make("label", {}, "Metric ", metric)), place);
  }
  search.addEventListener("input", () => change({ filter: search.value.trimStart() }));
  reset.addEventListener("click", () => { location.hash = ""; });
  further.addEventListener("click", () => { limit += Number(table.dataset.shown); show(); });
  opener.addEventListener("click", () => change({
    open: new Set(opener.textContent === "Open all" ? visible().map(indexOf) : []) }));
  table.addEventListener("click", ({ target }) => {
    const row = target.closest(".configuration");
    if (!row || getSelection().toString()) return;
    const opened = new Set(state.open);
    if (!opened.delete(indexOf(row.parentElement))) opened.add(indexOf(row.parentElement));
    change({ open: opened });
  });
  addEventListener("hashchange", () => { read(); show(); });
  read();
  show();
})();
