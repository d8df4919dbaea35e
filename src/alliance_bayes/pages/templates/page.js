"use strict";
/* The rules of the package's questions on draws: shares of draws, those without a value left out. */
const rules = {
  share(draws, holds) {
    let known = 0, count = 0;
    const n = draws[0].length;
    for (let i = 0; i < n; i++) {
      const values = draws.map((one) => one[i]);
      if (values.some((value) => value === null)) continue;
      const held = holds(...values);
      if (held === null) continue;
      known += 1;
      count += held ? 1 : 0;
    }
    return known < 0.05 * n ? NaN : count / known;
  },
  direction(draws, margin) {
    const events = [
      (a, b) => Math.abs(a) - Math.abs(b) > margin,
      (a, b) => Math.abs(b) - Math.abs(a) > margin,
      (a, b) => Math.abs(a) > margin && Math.abs(b) > margin,
      (a, b) => Math.abs(a) < margin && Math.abs(b) < margin,
    ];
    return events.map((holds) => rules.share(draws, holds));
  },
  positive(draws) { return rules.share([draws], (a) => (a === 0 ? null : a > 0)); },
  beyond(draws, margin) { return rules.share([draws], (a) => Math.abs(a) > margin); },
  words(value, n) {
    if (Number.isNaN(value)) return "undefined";
    const least = n >= 1000 ? 0.001 : 0.01, digits = n >= 1000 ? 3 : 2;
    if (value > 1 - least) return "> " + (1 - least).toFixed(digits);
    return value < least ? "< " + least.toFixed(digits) : value.toFixed(digits);
  },
};
if (typeof module !== "undefined") module.exports = rules;

if (typeof document !== "undefined") {
  const make = (tag, words, given = {}) => {
    const made = document.createElement(tag);
    if (words !== null) made.textContent = words;
    for (const [name, value] of Object.entries(given)) made.setAttribute(name, value);
    return made;
  };
  const fill = (results, heads, rows, certainty) => {
    const table = make("table", null), head = make("tr", null), body = make("tbody", null);
    for (const words of heads) head.append(make("th", words, { scope: "col" }));
    for (const [name, value, ...cells] of rows) {
      const row = make("tr", null);
      row.append(make("th", name, { scope: "row" }));
      for (const words of cells) row.append(make("td", words));
      const track = make("span", null, { class: "track", "aria-hidden": "true" }), level = make("i", null);
      level.style.width = 100 * (value || 0) + "%";
      track.append(level);
      if (certainty) { const mark = make("b", null); mark.style.left = 100 * certainty + "%"; track.append(mark); }
      const cell = make("td", null, { class: "share" });
      cell.append(track);
      row.append(cell);
      body.append(row);
    }
    const top = make("thead", null);
    top.append(head);
    table.append(top, body);
    results.replaceChildren(table);
  };
  for (const box of document.querySelectorAll("[data-moving]")) {
    const data = JSON.parse(document.getElementById(box.dataset.moving).textContent);
    const article = box.closest("article");
    const find = (name) => box.querySelector(name);
    const margin = find("[data-sets=margin]"), lag = find("[data-sets=lag]"), results = find("[data-results]");
    const plots = [...article.querySelectorAll("figure")].filter((one) => one.querySelector("[data-zero]"));
    const place = () => (lag ? Number(lag.value) : 0);
    const asked = () => (data.kind === "direction" ? data.cases[place()].margin : data.margin);
    const show = (name, words) => { const out = find(`[data-shows=${name}]`); if (out) out.textContent = words; };
    const moveBand = (figure, size) => {
      for (const holder of figure.querySelectorAll("[data-zero]")) {
        const zero = Number(holder.dataset.zero), unit = Number(holder.dataset.unit), half = unit * size;
        const band = holder.querySelector(".margin"), name = holder.querySelector(".margin-name");
        const left = Math.max(zero - half, 0), right = Math.min(zero + half, 400);
        band.setAttribute("x", left);
        band.setAttribute("width", right - left);
        name.textContent = `within the margin of ${size}`;
        for (const dot of holder.querySelectorAll(".draw")) dot.classList.toggle("small", Math.abs(Number(dot.dataset.value)) < size);
      }
    };
    const direction = (size) => {
      const chosen = data.cases[place()], n = chosen.draws[0].length, names = Object.keys(chosen.printed);
      const same = size === chosen.margin;
      const shares = rules.direction(chosen.draws, size);
      const rows = names.map((name, i) => [name, same ? chosen.printed[name] : shares[i], same ? chosen.words[name] : rules.words(shares[i], n)]).filter((_, i) => chosen.shown[i]);
      fill(results, ["event", "probability", "from 0 to 1"], rows, data.certainty);
      if (plots.length === data.cases.length) plots.forEach((plot, i) => { plot.hidden = i !== place(); });
      if (plots.length) moveBand(plots[Math.min(place(), plots.length - 1)], size);
      show("lag", chosen.over);
    };
    const byLag = (size) => {
      const at = place(), n = data.draws[0][at].length;
      const rows = data.paths.map((path, i) => {
        const [mean, lower, upper, positive] = data.table[i][at];
        const value = positive === null ? NaN : positive;
        return [path, value, `${mean.toFixed(3)} [${lower.toFixed(3)}, ${upper.toFixed(3)}]`, Number.isNaN(value) ? "fixed" : rules.words(value, data.n), rules.words(rules.beyond(data.draws[i][at], size), n)];
      });
      fill(results, ["effect at this lag", "mean and interval", "P(> 0)", "P(size > margin)", "P(> 0) from 0 to 1"], rows, 0);
      for (const line of article.querySelectorAll(".at-lag")) {
        const x = Number(line.dataset.left) + Number(line.dataset.scale) * data.lags[at];
        for (const end of ["x1", "x2"]) line.setAttribute(end, x);
        line.style.opacity = 1;
      }
      show("lag", data.lags[at]);
    };
    const update = () => {
      const size = Number(margin.value);
      show("margin", size);
      (data.kind === "direction" ? direction : byLag)(size);
    };
    const restart = () => { margin.value = asked(); update(); };
    margin.addEventListener("input", update);
    if (lag) lag.addEventListener("input", data.kind === "direction" ? restart : update);
    find("[data-resets]").addEventListener("click", () => { if (lag) lag.value = data.start; restart(); });
    box.hidden = false;
    if (lag) lag.value = data.start;
    restart();
  }
}
