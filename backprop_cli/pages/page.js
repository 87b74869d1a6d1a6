"use strict";
// The page of an expression: panes over one state {inputs, step, chosen}, redrawn as it changes.

function startPage(D) {
  const E = makeEngine(D), N = E.N, num = E.num, said = (x) => minus(num(x));
  const state = { inputs: { ...D.start }, step: 0, chosen: D.output, curve: N[D.inputs[0]].n, quiz: D.quiz, rate: 0.1, trail: [], answers: {} };
  let p, lines, forwards, timer = null;
  const isInput = (id) => D.inputs.includes(id);
  const moving = N.filter((n) => n.v === undefined); // constants are written where they stand

  // state

  function compute() {
    p = E.at(state.inputs);
    lines = [{ pass: "given", text: D.inputs.map((id) => `${N[id].n} = ${num(state.inputs[N[id].n])}`).join(", "), label: "Given", remark: "", values: [], slopes: [] }];
    if (!p.error) {
      lines.push(...E.forwardLines(p));
      forwards = lines.length - 1;
      lines.push(...E.backwardLines(p));
      if (!p.fault && N[D.output].op) {
        const { lines: updates } = E.update(p, -state.rate);
        lines.push({ pass: "update", label: "Update, one step down", text: updates.join("; "), remark: `new = old - rate*slope, with rate ${num(state.rate)}`, values: [], slopes: [] });
      }
    } else forwards = 0;
    state.step = Math.min(state.step, lines.length - 1);
  }

  // what has been reached by a step: values, slopes, and sums not complete
  function reached() {
    const values = new Set(D.inputs), slopes = new Set(), sums = new Map();
    for (let k = 1; k <= state.step; k++) {
      for (const id of lines[k].values) { values.add(id); for (const i of N[id].i) if (N[i].truth) values.add(i); }
      for (const id of lines[k].slopes) slopes.add(id);
      if (lines[k].adds !== null && lines[k].adds !== undefined) sums.set(lines[k].adds, [...(sums.get(lines[k].adds) || []), lines[k].amount]);
    }
    const done = lines[state.step].pass === "update" || state.step === lines.length - 1;
    if (state.step >= forwards && !p.error) for (const n of moving) if (p.needed[n.id] && !values.has(n.id)) values.add(n.id);
    if (done && !p.error && !p.fault) for (const n of moving) slopes.add(n.id);
    return { values, slopes, sums };
  }

  const lastStep = () => lines.length - 1 - (lines[lines.length - 1].pass === "update" ? 1 : 0);

  function save() {
    const inputs = D.inputs.map((id) => `${encodeURIComponent(N[id].n)}=${shortest(state.inputs[N[id].n])}`).join(",");
    const hash = `#${inputs}&step=${state.step}${state.quiz ? "&quiz" : ""}`;
    try { history.replaceState(null, "", hash); } catch { location.hash = hash; }
  }

  function load() {
    const parts = location.hash.slice(1).split("&");
    let step = null;
    for (const part of parts) {
      if (part === "quiz") state.quiz = true;
      else if (part.startsWith("step=")) step = Number(part.slice(5));
      else for (const pair of part.split(",")) {
        const at = pair.lastIndexOf("=");
        let key = "";
        try { key = decodeURIComponent(pair.slice(0, at)); } catch { continue; }
        const x = Number(pair.slice(at + 1));
        if (at > 0 && Object.hasOwn(D.start, key) && pair.slice(at + 1).trim() && Number.isFinite(x)) state.inputs[key] = x;
      }
    }
    compute();
    state.step = step !== null && step >= 0 && Number.isInteger(step) ? Math.min(step, lines.length - 1) : state.quiz ? forwards : lastStep();
  }

  // actions

  function setInput(name, x, keep = false) {
    if (!Number.isFinite(x)) return;
    const atEnd = state.step >= lastStep();
    state.inputs[name] = x;
    if (!keep) { state.trail = []; state.answers = {}; }
    compute();
    if (atEnd && !state.quiz) state.step = lastStep();
    draw();
  }

  function go(step) {
    state.step = Math.max(0, Math.min(lines.length - 1, step));
    const line = lines[state.step];
    if (line.node !== undefined) state.chosen = line.pass === "backward" && line.uses.length ? line.uses[0] : line.node;
    draw();
    reveal(state.chosen);
  }

  function play(on) {
    if (timer) clearInterval(timer);
    timer = null;
    if (on) {
      if (state.step >= lines.length - 1) state.step = 0;
      timer = setInterval(() => (state.step >= lastStep() ? play(false) : go(state.step + 1)), 1400);
    }
    icon($("play"), on ? "pause" : "play");
    $("play").setAttribute("aria-label", on ? "Pause" : "Play");
    $("play").setAttribute("aria-pressed", String(on));
  }

  function reset() {
    state.inputs = { ...D.start };
    state.trail = []; state.answers = {};
    compute();
    state.step = state.quiz ? forwards : lastStep();
    draw();
  }

  function choose(id, focus = false) {
    state.chosen = id;
    if (isInput(id)) state.curve = N[id].n;
    draw();
    if (focus) boxes.get(id).group.focus();
  }

  // the graph

  const boxes = new Map(), arrows = [];

  function buildGraph() {
    const P = D.picture;
    const svg = make("svg", { viewBox: `0 0 ${P.width} ${P.height}`, role: "group", "aria-label": `The computation graph of ${D.name}` });
    svg.append(make("defs", {}, make("marker", { id: "head", viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 9, markerHeight: 9, orient: "auto", markerUnits: "userSpaceOnUse" }, make("path", { d: "M0 0L10 5L0 10z" }))));
    for (const a of P.arrows) {
      const text = a.at && make("text", { x: a.at[0], y: a.at[1] - 6 });
      const group = make("g", { class: "arrow", "aria-hidden": "true" }, make("path", { d: a.d, "marker-end": "url(#head)" }), text);
      arrows.push({ ...a, group, text });
      svg.append(group);
    }
    for (const b of P.boxes) {
      const rows = b.rows.map((key, k) => {
        const y = b.y + b.h / 2 - 14 + k * 19 + 19 + 4;
        const value = make("text", { class: "value", x: b.x + b.w - 11, y });
        return [make("text", { class: "key", x: b.x + 11, y }, key), value];
      });
      const group = make("g", {
        class: `node ${b.kind}`, tabindex: 0, role: "button",
        on: { click: () => choose(b.id), focus: () => { if (state.chosen !== b.id) choose(b.id); }, keydown: (e) => { if (e.key === "Enter") choose(b.id); } },
      }, make("rect", { x: b.x, y: b.y, width: b.w, height: b.h, rx: 8 }), make("text", { class: "title", x: b.x + 11, y: b.y + b.h / 2 - 15 }, b.title), ...rows.flat().flatMap((text) => [" ", text]));
      boxes.set(b.id, { ...b, group, value: rows[0][1], slope: rows[1][1] });
    }
    for (const b of [...boxes.values()].sort((x, y) => x.id - y.id)) svg.append(b.group); // the order of focus
    $("canvas").replaceChildren(svg);
    const fit = Math.max(0.65, Math.min(1.15, ($("canvas").clientWidth || P.width) / P.width)); // legible
    let zoom = fit;
    const size = () => { svg.setAttribute("width", P.width * zoom); svg.setAttribute("height", P.height * zoom); };
    size();
    $("larger").onclick = () => { zoom = Math.min(3, zoom * 1.25); size(); };
    $("smaller").onclick = () => { zoom = Math.max(0.2, zoom / 1.25); size(); };
    $("fit").onclick = () => { zoom = Math.min(1.15, $("canvas").clientWidth / P.width); size(); };
  }

  // Scroll the graph alone, so that a node is seen.
  function reveal(id) {
    const b = boxes.get(id), canvas = $("canvas"), svg = canvas.firstChild;
    if (!b) return;
    const scale = svg.getBoundingClientRect().width / D.picture.width;
    const [x, y] = [(b.x + b.w / 2) * scale, (b.y + b.h / 2) * scale];
    if (x < canvas.scrollLeft + 60 || x > canvas.scrollLeft + canvas.clientWidth - 60) canvas.scrollLeft = x - canvas.clientWidth / 2;
    if (y < canvas.scrollTop + 30 || y > canvas.scrollTop + canvas.clientHeight - 30) canvas.scrollTop = y - canvas.clientHeight / 2;
  }

  function setNumber(element, x, absent = "") {
    const text = x === null ? absent : num(x);
    element.textContent = minus(text);
    element.setAttribute("class", `value${x === null || x === 0 ? "" : x < 0 ? " minus" : " plus"}`);
  }

  function drawGraph(r) {
    const line = lines[state.step];
    for (const [id, b] of boxes) {
      const n = N[id], idle = !p.error && n.op && !p.needed[id];
      const value = p.error ? Number.isFinite(p.v[id]) && isInput(id) ? p.v[id] : null : r.values.has(id) && !idle ? p.v[id] : null;
      setNumber(b.value, value, idle && state.step >= forwards ? "not needed" : "");
      const hidden = state.quiz && !state.answers[id]?.right && id !== D.output;
      const slope = !p.error && !p.fault && r.slopes.has(id) && !hidden ? p.g[id] : null;
      const partial = r.sums.get(id);
      setNumber(b.slope, slope, partial && !r.slopes.has(id) && !hidden ? `${num(partial.reduce((x, y) => x + y, 0))} + …` : "");
      const kind = line.node === id && line.pass === "forward" ? " here" : line.pass === "backward" && (line.uses[0] === id || (!line.uses.length && line.node === id)) ? " back" : "";
      b.group.setAttribute("class", `node ${b.kind}${idle ? " idle" : ""}${kind}${state.chosen === id ? " chosen" : ""}`);
      b.group.setAttribute("aria-label", `${b.title}, value ${b.value.textContent}, ${b.rows[1]} ${b.slope.textContent}`.trim());
      b.group.setAttribute("aria-pressed", String(state.chosen === id));
    }
    for (const a of arrows) {
      const n = N[a.t], idle = !p.error && (!p.needed[a.t] || (n.chosen && !n.i.some((i, k) => i === a.s && (k === 0 || k === (p.v[n.i[0]] ? 1 : 2)))));
      const on = line.pass === "forward" && line.node === a.t && !idle ? " forward" : line.pass === "backward" && line.node === a.t && line.edge && line.edge.source === a.s ? " backward" : "";
      a.group.setAttribute("class", `arrow${idle ? " idle" : ""}${on}`);
      if (!a.text) continue;
      let text = a.label;
      if (!p.error && !idle && r.values.has(a.t) && !n.truth) {
        const locals = E.partials(n, p.v);
        const local = n.i.reduce((sum, i, k) => (i === a.s ? sum + locals[k] : sum), 0);
        if (Number.isFinite(local)) text = !a.label || a.label === num(local) ? num(local) : `${a.label} = ${num(local)}`;
      }
      a.text.textContent = minus(text);
    }
  }

  // the step

  function drawStep(r) {
    const line = lines[state.step], box = $("sentence");
    box.className = `sentence ${p.error || (p.fault && state.step >= forwards) ? "fault" : line.pass}`;
    const parts = [];
    if (line.label) parts.push(make("div", { class: "label" }, line.label + (line.label === "Given" || line.pass === "update" ? "" : ":")));
    const quizzed = state.quiz && line.pass === "backward" && [...line.slopes, line.adds].some((id) => id !== null && id !== undefined && id !== D.output && !state.answers[id]?.right);
    if (quizzed) parts.push(make("div", { class: "math" }, `${line.slopes.map((id) => E.total(id)).join(", ") || `a part of ${E.total(line.adds)}`} = ?`));
    else {
      for (const piece of line.text.split("; ")) parts.push(make("div", { class: "math" }, minus(piece)));
      if (line.remark) parts.push(make("div", { class: "remark" }, `(${minus(line.remark)})`));
      if (line.adds !== null && line.adds !== undefined && r.sums.has(line.adds))
        parts.push(make("div", { class: "sofar" }, minus(`so far ${E.total(line.adds)} = ${E.sum(r.sums.get(line.adds))}${r.slopes.has(line.adds) ? "" : " + …"}`)));
    }
    const trouble = p.error || (state.step >= forwards && p.fault);
    if (trouble) {
      parts.push(make("div", { class: "error" }, minus(trouble.text)));
      if (trouble.hint) parts.push(make("div", { class: "remark" }, `hint: ${trouble.hint}`));
      if (trouble.aside) parts.push(make("div", { class: "remark" }, "backprop grad looks beside the point, where a slope may stand"));
    }
    box.replaceChildren(...parts);
    $("where").textContent = `step ${state.step} of ${lines.length - 1} · ${{ given: "inputs", update: "update" }[line.pass] || `${line.pass} pass`}`;
    const slider = $("progress");
    slider.max = lines.length - 1;
    slider.value = state.step;
    slider.setAttribute("aria-valuetext", $("where").textContent);
    $("first").disabled = $("back").disabled = state.step === 0;
    $("forward").disabled = $("last").disabled = state.step === lines.length - 1;
  }

  // inputs

  const controls = new Map();

  function buildInputs() {
    $("inputs").replaceChildren(...D.inputs.map((id, k) => {
      const name = N[id].n, [low, high] = D.ranges[name];
      const slider = make("input", { type: "range", min: low, max: high, step: "any", id: `slider${k}`, "aria-label": `${name}, slider`, on: { input: () => setInput(name, Number(Number(slider.value).toPrecision(4))) } });
      const box = make("input", { type: "number", step: "any", id: `number${k}`, on: { change: () => { if (box.value.trim() !== "") setInput(name, Number(box.value)); else box.value = shortest(state.inputs[name]); } } });
      const back = make("button", { type: "button", "aria-label": `reset ${name}`, title: `back to ${num(D.start[name])}`, on: { click: () => setInput(name, D.start[name]) } }, "reset");
      controls.set(name, { slider, box, back });
      return make("div", { class: "input" }, make("label", { for: `number${k}`, class: "math" }, name), box, back, slider,
        make("div", { class: "ends number", "aria-hidden": "true" }, make("span", {}, said(low)), make("span", {}, said(high))));
    }));
  }

  function drawInputs() {
    for (const [name, { slider, box, back }] of controls) {
      const x = state.inputs[name];
      if (document.activeElement !== slider || Number(slider.value) !== x) slider.value = x;
      if (document.activeElement !== box || Number(box.value) !== x) box.value = shortest(x);
      back.disabled = x === D.start[name];
    }
  }

  // the node

  function drawNode(r) {
    const n = N[state.chosen], id = n.id, parts = [];
    const pair = (term, ...content) => parts.push(make("dt", {}, term), make("dd", { class: "math" }, ...content));
    $("node-title").textContent = n.op ? `${n.n} = ${n.symbols}` : n.n;
    if (p.error) {
      pair("value", minus(isInput(id) ? num(p.v[id]) : "none at this point"));
      $("node").replaceChildren(...parts);
      return;
    }
    const known = r.values.has(id);
    const row = lines.find((line) => line.pass === "forward" && line.node === id);
    if (n.op && !p.needed[id]) pair("value", "not needed here: its branch is not taken");
    else pair("value", known ? minus(row ? row.text : `${n.n} = ${num(p.v[id])}`) : "not reached yet");
    if (n.op && known && p.needed[id]) {
      const locals = E.edges(n, p);
      const partials = locals.length ? E.partials(n, p.v) : [];
      if (locals.length) pair("local derivatives", make("ul", {}, ...locals.map((e) => {
        const d = n.local[e.position], text = [E.slope(n.n, N[e.source].n), d && d.symbols, num(partials[e.position])];
        return make("li", {}, minus(E.equal(...text)));
      })));
    }
    const hidden = state.quiz && !state.answers[id]?.right && id !== D.output;
    if (p.fault) pair(`gradient ${E.total(id)}`, "none at this point");
    else if (!r.slopes.has(id)) pair(`gradient ${E.total(id)}`, "not reached yet");
    else if (hidden) pair(`gradient ${E.total(id)}`, "yours to find: type it into the table");
    else {
      const uses = lines.filter((line) => line.edge && line.edge.source === id);
      const terms = uses.map((line) => ({ text: line.node === D.output ? num(line.local) : `${num(p.g[line.node])} * ${E.signed(line.local)}`, line }));
      const symbols = uses.map((line) => (line.node === D.output ? E.slope(N[line.node].n, n.n) : `${E.total(line.node)} * ${E.slope(N[line.node].n, n.n)}`));
      if (uses.length)
        pair(uses.length > 1 ? "gradient: the sum over its uses, upstream * local" : "gradient: upstream * local",
          make("div", {}, `${E.total(id)} = ${symbols.join(" + ")}`), make("div", {}, minus(`= ${E.equal(terms.map((t) => t.text).join(" + "), num(p.g[id]))}`)));
      else pair("gradient", minus(`${E.total(id)} = ${num(p.g[id])}`));
      const found = E.paths(id, p, 20);
      if (id !== D.output && found.count) {
        const title = found.count === 1 ? "one path to the output" : `${found.count.toLocaleString("en")} paths to the output${found.count > 20 ? ", the first 20" : ""}: their products add up`;
        pair(title, make("ul", {}, ...found.paths.map((path) => {
          const way = path.nodes.map((i) => N[i].n).join(" → ");
          const item = make("li", { tabindex: 0 }, minus(`${way}: ${E.equal(path.slopes.slice().reverse().map(num).join(" * "), num(path.product))}`));
          const mark = (on) => () => { for (const a of arrows) { const k = path.nodes.indexOf(a.s); a.group.classList.toggle("path", on && k >= 0 && path.nodes[k + 1] === a.t); } };
          for (const [event, on] of [["mouseenter", true], ["focus", true], ["mouseleave", false], ["blur", false]]) item.addEventListener(event, mark(on));
          return item;
        })));
      }
    }
    $("node").replaceChildren(...parts);
  }

  // the table

  const rows = new Map();

  function buildTable() {
    const out = D.name;
    $("slope-head").textContent = `d${out}/d…`;
    $("rows").replaceChildren(...moving.map((n) => {
      const value = make("td"), slope = make("td");
      const box = make("input", { type: "text", inputmode: "decimal", size: 8, autocomplete: "off", "aria-label": `your ${E.total(n.id)}`, on: { change: () => answer(n.id, box.value) } });
      const row = make("tr", { on: { click: (e) => { if (e.target !== box) choose(n.id); } } },
        make("th", { scope: "row" }, n.n), make("td", { class: "operation", title: n.symbols || "" }, n.symbols || "input"), value, slope);
      rows.set(n.id, { row, value, slope, box });
      return row;
    }));
  }

  function drawTable(r) {
    const line = lines[state.step];
    for (const [id, { row, value, slope, box }] of rows) {
      const n = N[id], idle = n.op && !p.error && !p.needed[id];
      value.textContent = p.error ? (isInput(id) ? said(p.v[id]) : "") : idle && state.step >= forwards ? "–" : r.values.has(id) ? said(p.v[id]) : "";
      const asked = state.quiz && id !== D.output && !n.truth && !p.error && !p.fault;
      if (asked) {
        if (slope.firstChild !== box) slope.replaceChildren(box);
        const given = state.answers[id];
        box.className = given ? (given.right ? "right" : "wrong") : "";
        if (!given) box.value = "";
      } else slope.textContent = !p.error && !p.fault && r.slopes.has(id) ? said(p.g[id]) : "";
      row.className = `${state.chosen === id ? "chosen" : ""}${line.pass === "forward" && line.node === id ? " here" : ""}${line.pass === "backward" && line.uses && line.uses[0] === id ? " back" : ""}`;
    }
  }

  // the quiz

  // Name what a wrong slope comes from, "" where it is none of the usual ones.
  function mistake(id, x) {
    const near = (y) => Number.isFinite(y) && Math.abs(x - y) <= 5e-3 * Math.abs(y) + 1e-12;
    const g = p.g[id], uses = lines.filter((line) => line.edge && line.edge.source === id);
    const paths = E.paths(id, p, 200).paths;
    if (near(-g)) return "the sign is wrong";
    if (uses.length > 1 && uses.some((line) => near(line.amount))) return `one use only: ${N[id].n} is used ${uses.length} times, and what the uses bring adds up`;
    if (paths.length > 1 && paths.some((path) => near(path.product))) return "one path only: the products of all paths add up";
    if (uses.some((line) => near(line.local))) return "that is the local derivative: by the chain rule it is multiplied by what comes from above";
    if (uses.some((line) => near(p.g[line.node]))) return "the inner derivative is missing: what comes from above is multiplied by the local derivative";
    if (near(p.v[id])) return "that is the value, not the slope";
    if (near(p.v[D.output])) return "that is the value of the output, not a slope";
    return "";
  }

  function answer(id, text) {
    const x = asNumber(text);
    if (!Number.isFinite(x)) { delete state.answers[id]; draw(); $("quiz-said").textContent = text.trim() ? "a number, please" : ""; return; }
    const g = p.g[id], right = isRight(x, g);
    state.answers[id] = { right };
    if (right) state.step = Math.max(state.step, lastStep());
    draw();
    const why = right ? "" : mistake(id, x);
    const left = moving.filter((n) => n.id !== D.output && !n.truth && !state.answers[n.id]?.right).length;
    $("quiz-said").textContent = right ? `${E.total(id)} = ${said(g)}: right${left ? `, ${left} to go` : ": all found"}` : `${E.total(id)} is not ${minus(text.trim())}${why ? `: ${why}` : ""}`;
  }

  function setQuiz(on) {
    state.quiz = on;
    state.answers = {};
    state.step = on ? forwards : lastStep();
    ask();
    draw();
  }

  const ask = () => { $("quiz-said").textContent = state.quiz ? `Find the slope of ${D.name} in every row, and type it into the table.` : ""; };

  // the curve

  const W = 340, H = 220, L = 44, B = 22;
  let cache = { key: "", points: [] };

  // what is drawn stays while the inputs move that it is drawn over
  function kept(names, make) {
    const key = JSON.stringify([names, D.inputs.map((id) => (names.includes(N[id].n) ? 0 : state.inputs[N[id].n])), names.map(view)]);
    if (cache.key !== key) cache = { key, points: make(names.map(view), { ...state.inputs }) };
    return cache.points;
  }

  const gradientIn = (name) => (p.error || p.fault ? NaN : p.g[D.inputs.find((id) => N[id].n === name)]);
  const quizzedIn = (name) => state.quiz && !state.answers[D.inputs.find((id) => N[id].n === name)]?.right;
  const line = (cls, a, b, c, e) => make("line", { class: cls, x1: a, y1: b, x2: c, y2: e });
  const steps = ([low, high], count) => Array.from({ length: count + 1 }, (_, k) => low + ((high - low) * k) / count);

  // where a slider goes, or further, where its input, or the trail, is further out
  function view(name) {
    const xs = [...D.ranges[name], state.inputs[name], ...(state.other ? state.trail.map((t) => t.inputs[name]) : [])];
    return [Math.min(...xs), Math.max(...xs)];
  }

  function axes([low, high], [bottom, top], name, side) {
    const X = (a) => L + ((a - low) / (high - low || 1)) * (W - L - 8), Y = (b) => H - B - ((b - bottom) / (top - bottom)) * (H - B - 10);
    const text = (x, y, anchor, content) => make("text", { x, y, "text-anchor": anchor }, minus(content));
    const parts = [line("axis", L, H - B, W - 8, H - B), line("axis", L, 10, L, H - B)];
    if (bottom < 0 && top > 0) parts.push(line("zero", L, Y(0), W - 8, Y(0)));
    if (low < 0 && high > 0) parts.push(line("zero", X(0), 10, X(0), H - B));
    parts.push(text(L, H - 6, "start", num(low)), text(W - 8, H - 6, "end", num(high)), text((L + W) / 2, H - 6, "middle", name));
    parts.push(text(L - 5, 18, "end", rounded(top, 2)), text(L - 5, H - B, "end", rounded(bottom, 2)), text(L - 5, (H - B + 18) / 2, "end", side));
    return { X, Y, parts };
  }

  function trail(X, Y) {
    const seen = state.trail.filter((t) => Number.isFinite(t.y)).map((t) => [X(t), Y(t)]);
    return seen.length < 2 ? [] : [make("polyline", { class: "trail", points: seen.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ") }), ...seen.slice(-60).map(([cx, cy]) => make("circle", { class: "trail-dot", r: 2.5, cx, cy }))];
  }

  function show(parts, inner, what, legend) {
    const box = make("svg", { x: L, y: 6, width: W - L - 8, height: H - B - 6, viewBox: `${L} 6 ${W - L - 8} ${H - B - 6}` }, ...inner);
    $("curve").replaceChildren(make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": what }, ...parts, box));
    $("legend").replaceChildren(...legend.map(([cls, text]) => make("span", {}, make("i", { class: cls }), text)));
    $("secant").hidden = Boolean(state.other);
  }

  const contour = D.inputs.length > 1 ? makeContour(D, E, state, { kept, view, steps, axes, trail, show, line, gradientIn, quizzedIn }) : null;

  function drawCurve() {
    $("axis").value = state.curve;
    if (contour && contour.drawn()) contour.draw(p, moving.length > 150 ? 20 : 40); else drawLine();
  }

  function drawLine() {
    const name = state.curve, x = state.inputs[name], g = gradientIn(name);
    const points = kept([name], ([ends], inputs) => steps(ends, moving.length > 150 ? 60 : 120).map((a) => [a, E.output({ ...inputs, [name]: a })]));
    const y = p.error ? NaN : p.v[D.output], [low, high] = view(name);
    const h = 10 ** Number($("width").value) * Math.max(1, Math.abs(x));
    const finite = (E.output({ ...state.inputs, [name]: x + h }) - y) / (x + h - x);
    const ys = points.map((q) => q[1]).filter(Number.isFinite).sort((a, b) => a - b);
    let [bottom, top] = ys.length ? [ys[Math.floor(ys.length * 0.02)], ys[Math.ceil(ys.length * 0.98) - 1]] : [-1, 1];
    if (Number.isFinite(y)) { bottom = Math.min(bottom, y); top = Math.max(top, y); }
    const pad = (top - bottom) * 0.1 || Math.abs(top) * 0.1 || 1;
    const { X, Y, parts } = axes([low, high], [bottom - pad, top + pad], name, "");
    const clamp = (b) => Math.max(-4000, Math.min(4000, Y(b)));
    let d = "", pen = false;
    for (const [a, b] of points) {
      if (Number.isFinite(b)) d += `${pen ? "L" : "M"}${X(a).toFixed(1)} ${clamp(b).toFixed(1)}`;
      pen = Number.isFinite(b);
    }
    const inner = [make("path", { class: "f", d })];
    const straight = (cls, slope) => {
      const reach = (high - low) * 2, far = (k) => Math.max(-1e5, Math.min(1e5, Y(y + k * slope * reach)));
      if (Number.isFinite(slope) && Number.isFinite(y)) inner.push(line(cls, X(x - reach), far(-1), X(x + reach), far(1)));
    };
    straight("secant", finite);
    straight("tangent", g);
    inner.push(...trail((t) => X(t.inputs[name]), (t) => clamp(t.y)));
    if (Number.isFinite(y)) inner.push(make("circle", { class: "point", r: 5.5, cx: X(x), cy: Y(y) }));
    const what = `${D.name} against ${name}, from ${num(low)} to ${num(high)}${Number.isFinite(y) ? `; ${num(y)} at ${num(x)}` : ""}`;
    const slope = (z) => (quizzedIn(name) ? "?" : said(z)), legend = [["c-first", D.name]];
    if (Number.isFinite(g)) legend.push(["c-mark", `tangent, slope ${slope(g)}`]);
    if (Number.isFinite(finite)) legend.push(["c-second dashed", `secant, h = ${rounded(h, 2)}: ${slope(finite)}`]);
    show(parts, inner, what, legend);
  }

  // descent

  function descend(count) {
    if (p.error || p.fault) return;
    if (!state.trail.length) state.trail = [{ inputs: { ...state.inputs }, y: p.v[D.output] }];
    const ids = D.inputs;
    if (ids.length === 2 && state.other === undefined) contour.choose(ids);
    let verdict = "";
    for (let k = 0; k < count; k++) {
      const steepest = Math.max(...ids.map((id) => Math.abs(p.g[id])));
      if (steepest <= 1e-8) { verdict = `converged: every slope is at most 1e-8 after ${state.trail.length - 1} updates`; break; }
      const to = E.update(p, -state.rate).inputs;
      if (!Object.values(to).every((x) => Number.isFinite(x) && Math.abs(x) < 1e150)) { verdict = `diverging: the inputs leave the floats after ${state.trail.length - 1} updates; a smaller rate helps`; break; }
      state.inputs = to;
      p = E.at(to);
      if (p.error) { verdict = `no value at the new point: ${p.error.text}`; break; }
      state.trail.push({ inputs: { ...to }, y: p.v[D.output] });
      if (p.fault) { verdict = p.fault.text; break; }
    }
    const [from, to] = [state.trail[0].y, state.trail[state.trail.length - 1].y];
    const way = to < from ? "fell" : to > from ? "rose" : "did not move";
    if (state.trail.length > 4000) state.trail.splice(0, state.trail.length - 4000);
    compute();
    state.step = lastStep();
    state.answers = {};
    draw();
    $("descent").textContent = minus(`after ${state.trail.length - 1} update${state.trail.length === 2 ? "" : "s"} ${D.name} ${way} from ${num(from)} to ${num(to)}${verdict ? `; ${verdict}` : ""}`);
  }

  // all lines

  let listTimer = null;

  function drawLines() {
    const titles = { forward: "Forward pass", backward: "Backward pass, last step first", update: "Update" };
    const items = [];
    let pass = "given", label = "";
    lines.forEach((line, k) => {
      if (k === 0) return;
      if (line.pass !== pass) { pass = line.pass; items.push(make("li", { class: "title" }, titles[pass])); }
      const hidden = k > state.step || (state.quiz && line.pass !== "forward");
      const said = line.label && line.label !== label && line.pass === "backward" ? `${line.label}: ` : "";
      label = line.label;
      const text = hidden ? said || (line.pass === "forward" ? `${N[line.node].n} = ${N[line.node].symbols} =` : "") || "…" : said + minus(line.text);
      items.push(make("li", { class: `math${hidden ? " later" : ""}${k === state.step ? ` now-${line.pass === "forward" ? "forward" : "backward"}` : ""}`, on: { click: () => go(k) } },
        text, !hidden && line.remark ? make("span", { class: "remark" }, `  (${minus(line.remark)})`) : null));
    });
    $("lines").replaceChildren(...items);
  }

  function draw() {
    const r = reached();
    drawStep(r);
    drawGraph(r);
    drawInputs();
    drawNode(r);
    drawTable(r);
    drawCurve();
    $("value").textContent = p.error ? "no value" : minus(`${D.name} = ${r.values.has(D.output) ? num(p.v[D.output]) : "…"}`);
    $("value").className = p.error ? "result error" : "result math";
    $("quiz").setAttribute("aria-pressed", String(state.quiz));
    if (listTimer) clearTimeout(listTimer);
    listTimer = setTimeout(() => { drawLines(); save(); }, 60);
  }

  function check() {
    const q = E.at(D.start);
    let same = 0;
    const near = (x, y, wide) => wide === null || Math.abs(x - y) <= wide + 1e-300;
    for (const [id, value, wide, slope, reach] of D.witness)
      if (!q.error && near(q.v[id], value, wide) && (slope === undefined || (!q.fault && near(q.g[id], slope, reach)))) same++;
    const all = D.witness.length;
    $("checked").textContent = `checked: ${same} of ${all} rows equal to backprop ${D.version}`;
    $("checked").classList.toggle("bad", same < all);
  }

  // keys

  function onKey(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
    const field = e.target.closest("input, select, textarea");
    if (e.key === "Escape" && field) { field.blur(); return; }
    if (field || (e.key === " " && e.target.closest("button"))) return;
    const next = (by) => { const k = moving.findIndex((n) => n.id === state.chosen); choose(moving[(k + by + moving.length) % moving.length].id, true); };
    const acts = {
      ArrowRight: () => go(state.step + 1), ArrowLeft: () => go(state.step - 1), Home: () => go(0), End: () => go(lines.length - 1),
      " ": () => play(!timer), f: () => go(Math.min(1, lines.length - 1)), b: () => go(Math.min(forwards + 1, lines.length - 1)), r: reset,
      n: () => next(1), p: () => next(-1), t: () => $("table").focus(), c: () => $("width").focus(), q: () => setQuiz(!state.quiz), "?": () => $("help").showModal(),
    };
    const act = acts[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (act) { e.preventDefault(); act(); }
  }

  for (const id of ["first", "back", "play", "forward", "last"]) icon($(id), id);
  $("first").onclick = () => go(0);
  $("back").onclick = () => go(state.step - 1);
  $("play").onclick = () => play(!timer);
  $("forward").onclick = () => go(state.step + 1);
  $("last").onclick = () => go(lines.length - 1);
  $("progress").oninput = () => go(Number($("progress").value));
  $("reset").onclick = reset;
  $("quiz").onclick = () => setQuiz(!state.quiz);
  $("ask").onclick = () => $("help").showModal();
  $("close").onclick = () => $("help").close();
  $("width").oninput = drawCurve;
  $("rate").onchange = () => { const x = Number($("rate").value); if (Number.isFinite(x) && x > 0) { state.rate = x; compute(); draw(); } else $("rate").value = state.rate; };
  $("one").onclick = () => descend(1);
  $("many").onclick = () => descend(100);
  $("rewind").onclick = () => { if (state.trail.length) { state.inputs = { ...state.trail[0].inputs }; state.trail = []; compute(); state.step = lastStep(); draw(); $("descent").textContent = ""; } };
  for (const axis of ["axis", "other"]) $(axis).append(...D.inputs.map((id) => make("option", { value: N[id].n }, N[id].n)));
  $("axis").onchange = () => { state.curve = $("axis").value; draw(); };
  $("other").onchange = () => { state.other = $("other").value; draw(); };
  $("plane").hidden = !contour;
  document.addEventListener("keydown", onKey);
  window.addEventListener("hashchange", () => { load(); draw(); });
  load();
  buildInputs();
  buildTable();
  buildGraph();
  check();
  draw();
  ask();
}

startPage(JSON.parse($("data").textContent));
