"use strict";
// The page of a network: one row's program of numbers, run for every row of a batch; four phases an update.

function makeNetwork(D) {
  const count = D.nodes.length, v = new Float64Array(count), g = new Float64Array(count);
  const steps = [];
  D.nodes.forEach((node, id) => {
    if (Array.isArray(node)) steps.push({ id, f: ROWS[node[0]][0], d: ROWS[node[0]][1], i: node.slice(1), x: new Array(node.length - 1) });
    else v[id] = node;
  });
  const weights = []; // every parameter: {name, place, id, trained}
  for (const p of D.parameters) p.ids.forEach((id, k) => weights.push({ array: p.name, k, id, trained: p.trained, first: p.values[k] }));
  const trained = weights.map((w, k) => k).filter((k) => weights[k].trained);
  const start = Float64Array.from(weights, (w) => w.first);

  function forward(theta, x, t) {
    weights.forEach((w, k) => { v[w.id] = theta[k]; });
    D.x.forEach((id, k) => { v[id] = x[k]; });
    D.t.forEach((id, k) => { v[id] = t ? t[k] : 0; });
    for (const s of steps) {
      for (let k = 0; k < s.i.length; k++) s.x[k] = v[s.i[k]];
      v[s.id] = s.f(...s.x);
    }
    return v;
  }

  function backward() {
    g.fill(0);
    g[D.loss] = 1;
    for (let n = steps.length - 1; n >= 0; n--) {
      const s = steps[n];
      if (g[s.id] === 0) continue;
      const d = s.d(v[s.id], ...s.i.map((i) => v[i]));
      for (let k = 0; k < s.i.length; k++) if (d[k] !== 0) g[s.i[k]] += g[s.id] * d[k];
    }
    return g;
  }

  // loss and slopes by every parameter, over rows: a sum, or a mean
  function batch(theta, rows) {
    const total = new Float64Array(weights.length), share = D.sums ? 1 : 1 / rows.length;
    let loss = 0;
    for (const r of rows) {
      forward(theta, D.rows[r], D.targets[r]);
      loss += v[D.loss] * share;
      backward();
      for (const k of trained) total[k] += g[weights[k].id] * share;
    }
    return { loss, gradient: total };
  }

  function loss(theta) {
    let total = 0;
    D.rows.forEach((x, r) => { total += forward(theta, x, D.targets[r])[D.loss]; });
    return D.sums ? total : total / D.rows.length;
  }

  return { weights, trained, start, forward, backward, batch, loss, v, g };
}

// 32 bits of a counter, mixed: the order of batches, the same for every reader
function mixed(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let x = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 4294967296;
  };
}

function makeTraining(D, net) {
  const state = {};

  function rewind() {
    Object.assign(state, { theta: net.start.slice(), kept: net.trained.map(() => OPTIMIZER.kept.slice()), t: 0, epoch: 0, place: 0, order: D.rows.map((_, r) => r), random: mixed(1), losses: [], diverged: "" });
    shuffle();
  }

  function shuffle() {
    if (!D.shuffle || D.batch >= D.rows.length) return;
    for (let k = state.order.length - 1; k > 0; k--) {
      const j = Math.floor(state.random() * (k + 1));
      [state.order[k], state.order[j]] = [state.order[j], state.order[k]];
    }
  }

  const rows = () => state.order.slice(state.place, state.place + D.batch);

  // what an update makes of the parameters, without making it
  function proposed(rate) {
    const { loss, gradient } = net.batch(state.theta, rows());
    const theta = state.theta.slice(), rule = state.t ? OPTIMIZER.later : OPTIMIZER.first;
    const kept = net.trained.map((k, n) => {
      const [p, keep] = rule(rate, state.t + 1, state.theta[k], gradient[k], state.kept[n]);
      theta[k] = p;
      return keep;
    });
    return { loss, gradient, theta, kept };
  }

  function update(rate) {
    const made = proposed(rate);
    if (!made.theta.every(Number.isFinite)) { state.diverged = `update ${state.t + 1} leaves the floats: the training diverges; a smaller rate helps`; return false; }
    state.theta = made.theta;
    state.kept = made.kept;
    state.t++;
    state.place += D.batch;
    if (state.place >= D.rows.length) { state.place = 0; state.epoch++; shuffle(); }
    return true;
  }

  rewind();
  return { state, rewind, update, proposed, rows };
}

function startNetwork(D) {
  const net = makeNetwork(D), training = makeTraining(D, net), s = training.state;
  const num = (x) => rounded(x, D.digits);
  const view = { row: 0, phase: 4, rate: D.rate, chosen: null, mixed: false, quiz: D.quiz, found: {} };
  const weight = (array, k) => net.weights.findIndex((w) => w.array === array && w.k === k);
  const layers = D.layers.map((layer, l) => ({ ...layer, l, w: weight(`${layer.name}.weights`, 0), b: weight(`${layer.name}.bias`, 0) }));
  const before = (l) => (l === 0 ? D.x : layers[l - 1].y);
  const unitName = (l, k) => layers[l].called?.units[k] ?? `${layers[l].name}[${k}]`;
  const place = (i) => (i === undefined ? "" : `[${i}]`);
  const ownName = (l, k, part, i) => layers[l].called?.[part][i === undefined ? k : k * layers[l].inputs + i];
  const numberName = (l, k, part, i) => ownName(l, k, part, i) ?? `${unitName(l, k)}.${part}${place(i)}`;
  const slopeName = (l, k, part, i) => (layers[l].called ? `dE/d${ownName(l, k, part, i)}` : `${unitName(l, k)}: dE/d${part}${place(i)}`);
  const sourceName = (l, i) => (l === 0 ? D.names[i] || `x${i + 1}` : numberName(l - 1, i, "y"));
  const MOST_REPLAYED = 20000; // updates that a link leads to
  const PHASES = ["given", "forward", "loss", "backward", "update"];
  let now, timer = null;

  // the picture: circles in columns, the loss at the right

  const circles = [], lines = [];

  function build() {
    const columns = [D.x.length, ...layers.map((layer) => layer.z.length)], most = Math.max(...columns);
    const R = most <= 6 ? 23 : most <= 12 ? 18 : 10, least = most <= 6 ? 90 : most <= 12 ? 54 : 28;
    const H = Math.max(2, most) * least + 40, step = Math.max(210, 880 / (columns.length - 1)), W = (columns.length - 1) * step + 300;
    const gaps = columns.map((n) => Math.min(100, (H - 40) / n)); // few units stand further apart
    const at = (c, k) => [90 + c * step, H / 2 + (k - (columns[c] - 1) / 2) * gaps[c]];
    const svg = make("svg", { viewBox: `0 0 ${W} ${H}`, role: "group", "aria-label": `The network ${D.title}` });
    layers.forEach((layer, l) => layer.z.forEach((_, k) => before(l).forEach((__, i) => {
      const [x1, y1] = at(l, i), [x2, y2] = at(l + 1, k), id = layer.w + k * layer.inputs + i;
      const line = make("path", { d: `M${x1 + R} ${y1}C${(x1 + x2) / 2} ${y1} ${(x1 + x2) / 2} ${y2} ${x2 - R} ${y2}`, class: "weight", tabindex: most <= 6 ? 0 : -1, role: "button" });
      const pick = () => { view.chosen = { l, k, i, w: id }; draw(); };
      line.addEventListener("click", pick);
      line.addEventListener("mouseenter", () => { if (!view.quiz) pick(); }); // a field that is typed into stays
      line.addEventListener("focus", pick);
      lines.push({ line, w: id, l, k, i });
      svg.append(line);
    })));
    columns.forEach((n, c) => {
      for (let k = 0; k < n; k++) {
        const [x, y] = at(c, k);
        const value = make("text", { x, y: y + 4 }), delta = make("text", { x, y: y + R + 13, class: "name" });
        const title = c === 0 ? sourceName(0, k) : unitName(c - 1, k);
        const named = make("text", { x, y: y - R - 6, class: "name" }, title);
        const pick = () => { view.chosen = c === 0 ? { x: k } : { l: c - 1, k }; draw(); };
        const group = make("g", { class: "unit", tabindex: 0, role: "button", on: { click: pick, focus: pick } }, make("circle", { cx: x, cy: y, r: R }), gaps[c] > 2 * R + 15 ? named : null, " ", R > 15 ? value : null, " ", gaps[c] > 2 * R + 34 ? delta : null);
        circles.push({ group, value, delta, c, k, title });
        svg.append(group);
      }
    });
    const right = W - 80;
    layers[layers.length - 1].z.forEach((_, k) => { const [x, y] = at(columns.length - 1, k); svg.prepend(make("path", { d: `M${x + R} ${y}C${right - 60} ${y} ${x + R + 60} ${H / 2} ${right - 30} ${H / 2}`, class: "weight", stroke: "currentColor", "stroke-opacity": 0.25 })); });
    const loss = make("text", { x: right + 12, y: H / 2 + 16 });
    svg.append(make("g", { class: "unit" }, make("text", { x: right + 12, y: H / 2 - 4, "font-weight": 600 }, "E"), loss));
    circles.loss = loss;
    $("canvas").replaceChildren(svg);
    const scale = Math.max(0.7, Math.min(1.1, $("canvas").clientWidth / W)); // legible
    svg.setAttribute("width", W * scale);
    svg.setAttribute("height", H * scale);
  }

  // numbers of the moment: the chosen row's passes, and the update that is to come

  function compute() {
    const made = training.proposed(view.rate);
    const v = net.forward(s.theta, D.rows[view.row], D.targets[view.row]).slice();
    const g = net.backward().slice();
    now = { v, g, made, all: s.losses.length ? s.losses[s.losses.length - 1] : net.loss(s.theta) };
  }

  const sumText = (terms) => terms.join(" + ");
  const signed = (x) => (num(x)[0] === "-" ? `(${num(x)})` : num(x));

  function unitLines(l, k) {
    const layer = layers[l], { v } = now, bias = layer.b < 0 ? [] : [signed(s.theta[layer.b + k])];
    const terms = before(l).map((id, i) => `${i ? signed(s.theta[layer.w + k * layer.inputs + i]) : num(s.theta[layer.w + k * layer.inputs + i])}*${signed(v[id])}`);
    const shown = terms.length > 8 ? [...terms.slice(0, 6), "...", terms[terms.length - 1]] : terms;
    const found = [`${numberName(l, k, "z")} = ${sumText([...shown, ...bias])} = ${num(v[layer.z[k]])}`];
    if (layer.y[k] !== layer.z[k]) found.push(`${numberName(l, k, "y")} = ${layer.function}(${num(v[layer.z[k]])}) = ${num(v[layer.y[k]])}`);
    return found;
  }

  function phaseLines(phase) {
    const { v, g, made } = now, found = [];
    if (phase === "given") {
      found.push(`x = (${D.rows[view.row].map(num).join(", ")}); target (${D.targets[view.row].map(num).join(", ")})`);
    } else if (phase === "forward") {
      layers.forEach((layer, l) => layer.z.forEach((_, k) => found.push(...unitLines(l, k))));
      if (D.output.some((id, k) => id !== layers[layers.length - 1].y[k])) D.output.forEach((id, k) => found.push(`${numberName(layers.length - 1, k, "p")} = ${D.fused}(z) = ${num(v[id])}`));
    } else if (phase === "loss") {
      found.push(`E = ${num(v[D.loss])}  (${D.lossName} of this row)`);
      if (D.batch > 1) found.push(`E = ${num(made.loss)}  (of the ${training.rows().length} rows of the batch)`);
    } else if (view.quiz) {
      found.push("Point at a line or a circle, and type its slope for this row into its card.");
      for (const [name, x] of Object.entries(view.found)) found.push(`${name} = ${num(x)}`);
    } else if (phase === "backward") {
      for (const layer of [...layers].reverse()) layer.z.forEach((id, k) => found.push(`${slopeName(layer.l, k, "z")} = ${num(g[id])}`));
      layers.forEach((layer, l) => layer.z.forEach((id, k) => before(l).forEach((source, i) => {
        if (net.weights[layer.w + k * layer.inputs + i].trained) found.push(`${slopeName(l, k, "w", i)} = ${num(g[id])}*${signed(v[source])} = ${num(g[net.weights[layer.w + k * layer.inputs + i].id])}`);
      })));
    } else {
      const all = D.batch > 1 ? ` over ${training.rows().length} rows` : "";
      found.push(D.plain ? `new = old - rate*gradient${all}, with rate ${num(view.rate)}` : `${D.optimizer} with rate ${num(view.rate)}, slopes${all}`);
      net.trained.forEach((k) => {
        const name = weightName(k);
        found.push(D.plain ? `${name} = ${num(s.theta[k])} - ${num(view.rate)}*${signed(made.gradient[k])} = ${num(made.theta[k])}` : `${name} = ${num(s.theta[k])} -> ${num(made.theta[k])}  (dE/dw = ${num(made.gradient[k])})`);
      });
    }
    return found;
  }

  function weightName(k) {
    const layer = layers.find((each) => k === Math.min(Math.max(k, each.w), each.w + each.z.length * each.inputs - 1) || (each.b >= 0 && k >= each.b && k < each.b + each.z.length));
    if (layer.b >= 0 && k >= layer.b && k < layer.b + layer.z.length) return numberName(layer.l, k - layer.b, "b");
    return numberName(layer.l, Math.floor((k - layer.w) / layer.inputs), "w", (k - layer.w) % layer.inputs);
  }

  // panes

  function drawPicture() {
    const { v, g } = now, sizes = lines.map(({ w }) => Math.abs(s.theta[w])), most = Math.max(...sizes, 1e-12);
    lines.forEach(({ line, w, l, k, i }, n) => {
      const chosen = view.chosen && view.chosen.w === w;
      line.setAttribute("class", `weight ${s.theta[w] < 0 ? "minus" : "plus"}${chosen ? " chosen" : ""}`);
      line.setAttribute("stroke-width", (0.6 + 6 * (sizes[n] / most)).toFixed(2));
      line.setAttribute("aria-label", `weight from ${sourceName(l, i)} to ${unitName(l, k)}, ${num(s.theta[w])}`);
    });
    for (const { group, value, delta, c, k, title } of circles) {
      const id = c === 0 ? D.x[k] : layers[c - 1].y[k], reached = c === 0 || view.phase >= 1;
      const shown = c === layers.length && view.phase >= 1 ? v[D.output[k]] : v[id];
      value.textContent = reached ? minus(rounded(shown, 2)) : "";
      delta.textContent = c > 0 && view.phase >= 3 && !view.quiz ? minus(`dE/dz ${rounded(g[layers[c - 1].z[k]], 3)}`) : "";
      const texts = value.isConnected ? [title, value, delta] : [title, delta, value]; // first what is seen
      group.setAttribute("aria-label", texts.map((text) => text.textContent ?? text).filter(Boolean).join(" "));
    }
    circles.loss.textContent = view.phase >= 2 ? minus(rounded(v[D.loss], 4)) : "";
  }

  function drawCard() {
    const parts = [], c = view.chosen, { v, g, made } = now;
    const pair = (term, text) => parts.push(make("dt", {}, term), make("dd", { class: "math" }, minus(text)));
    const ask = (name, g, mistakes) => parts.push(make("dt", {}, `${name} of this row`), make("dd", {}, question(name, g, mistakes)));
    if (!c) parts.push(make("dt", {}, "Point at a line or a circle"), make("dd", {}, ""));
    else if (c.x !== undefined) pair(sourceName(0, c.x), num(v[D.x[c.x]]));
    else if (c.w !== undefined) {
      const layer = layers[c.l], input = v[before(c.l)[c.i]], delta = g[layer.z[c.k]];
      pair("weight", `${weightName(c.w)} = ${num(s.theta[c.w])}`);
      pair("its input", `${sourceName(c.l, c.i)} = ${num(input)}`);
      if (view.quiz) ask(`${weightName(c.w)}: dE/dw`, delta * input, [[delta, "that is delta: it is multiplied by the weight's input"], [input, "that is the weight's input: it is multiplied by delta"],
        [g[layer.y[c.k]] * input, "the slope of the activation is missing"], [s.theta[c.w], "that is the weight, not its slope"], [made.gradient[c.w], "that is the slope over the batch: asked is this row's"], [made.theta[c.w], "that is the weight after the update"]]);
      else if (view.phase >= 3) {
        pair("slope of this row: delta * input", `dE/dw = ${num(delta)} * ${signed(input)} = ${num(delta * input)}`);
        if (D.batch > 1 && net.weights[c.w].trained) pair(`slope over the batch of ${training.rows().length}`, num(made.gradient[c.w]));
        pair("after the update", net.weights[c.w].trained ? num(made.theta[c.w]) : "frozen: it stays");
      }
    } else {
      pair("unit", unitName(c.l, c.k));
      if (view.phase >= 1) for (const line of unitLines(c.l, c.k)) pair(line.includes(".z") ? "weighted sum" : "activation", line);
      const layer = layers[c.l], z = layer.z[c.k], y = layer.y[c.k];
      if (view.quiz) ask(`${unitName(c.l, c.k)}: dE/dz`, g[z], [[g[y], "that is dE/dy: it is multiplied by the slope of the activation"], [v[z], "that is the weighted sum, not its slope"], [v[y], "that is what the unit gives, not a slope"]]);
      else if (view.phase >= 3) pair("delta", `dE/dz = ${num(g[layers[c.l].z[c.k]])}`);
    }
    $("card").replaceChildren(...parts);
  }

  // the quiz: a field for one slope, and what a wrong answer comes from

  function question(name, g, mistakes) {
    const said = make("span", { class: "small", role: "status" }, Object.hasOwn(view.found, name) ? " right" : "");
    const box = make("input", { type: "text", inputmode: "decimal", size: 10, autocomplete: "off", "aria-label": name, value: Object.hasOwn(view.found, name) ? num(g) : "", on: { change: () => {
      const x = asNumber(box.value), near = (y) => Number.isFinite(y) && Math.abs(x - y) <= 5e-3 * Math.abs(y) + 1e-12;
      if (!Number.isFinite(x)) { said.textContent = " a number, please"; return; }
      const right = isRight(x, g);
      if (right) view.found[name] = g; else delete view.found[name];
      const mistake = near(-g) ? "the sign is wrong" : (mistakes.find(([y]) => near(y)) || ["", `it is not ${box.value.trim()}`])[1];
      said.textContent = right ? " right" : ` ${minus(mistake)}`;
      drawPhase();
    } } });
    return make("span", {}, box, said);
  }

  function setQuiz(on) {
    view.quiz = on;
    view.found = {};
    if (on) { run(false); view.phase = Math.max(view.phase, 3); }
    draw();
  }

  // the address: rate, updates, row and phase, as long as one rate leads there

  function save() {
    const way = view.mixed ? "" : `rate=${shortest(view.rate)}&update=${s.t}&`;
    try { history.replaceState(null, "", `#${way}row=${view.row + 1}&phase=${PHASES[view.phase]}${view.quiz ? "&quiz" : ""}`); } catch { /* a page within a page has no address */ }
  }

  function load() {
    const asked = new URLSearchParams(location.hash.slice(1)), number = (key) => Number(asked.get(key) ?? NaN);
    const [rate, updates, row] = ["rate", "update", "row"].map(number), phase = PHASES.indexOf(asked.get("phase"));
    if (rate > 0 && rate < Infinity) view.rate = rate;
    if (Number.isInteger(updates) && updates > s.t) steps(Math.min(updates - s.t, MOST_REPLAYED), false);
    if (Number.isInteger(row) && row >= 1 && row <= D.rows.length) view.row = row - 1;
    if (asked.has("quiz")) view.quiz = true;
    if (phase >= 0) view.phase = phase;
    else if (view.quiz) view.phase = 3;
  }

  function drawPhase() {
    save();
    $("quiz").setAttribute("aria-pressed", String(view.quiz));
    const phase = PHASES[view.phase], all = phaseLines(phase);
    const shown = all.length > 60 ? [...all.slice(0, 58), `... and ${all.length - 58} more`] : all;
    $("lines").replaceChildren(...shown.map((text) => make("li", { class: "math" }, minus(text))));
    $("t-lines").textContent = { given: "Given", forward: "Forward pass", loss: "Loss", backward: "Backward pass: deltas and slopes of this row", update: "Update" }[phase];
    PHASES.forEach((name, k) => $(`phase-${name}`).setAttribute("aria-pressed", String(k === view.phase)));
    $("where").textContent = minus(`update ${s.t} · epoch ${s.epoch} · E = ${num(now.all)}`);
    $("value").textContent = minus(`E = ${num(now.all)}`);
    $("trouble").textContent = s.diverged;
    $("said").textContent = `row ${view.row + 1}, ${phase}`;
  }

  function drawRow() {
    const { v } = now, out = D.output.map((id) => v[id]);
    const cell = (tag, text, options) => make(tag, options || {}, minus(text));
    const rows = D.rows[view.row].map((x, k) => make("tr", {}, cell("th", sourceName(0, k), { scope: "row" }), cell("td", num(x))));
    out.forEach((y, k) => {
      const name = D.classes && D.classes.length === out.length ? D.classes[k] : D.targetNames[k] || `output ${k + 1}`;
      rows.push(make("tr", {}, cell("th", `${name}: output`, { scope: "row" }), cell("td", view.phase >= 1 ? num(y) : "")), make("tr", {}, cell("th", `${name}: target`, { scope: "row" }), cell("td", num(D.targets[view.row][k]))));
    });
    $("row-table").replaceChildren(...rows);
    if (document.activeElement !== $("row")) $("row").value = view.row + 1;
  }

  function drawLoss() {
    const W = 340, H = 170, L = 48, all = s.losses, top = Math.max(...all, 1e-12), n = Math.max(1, all.length - 1);
    const X = (k) => L + (k / n) * (W - L - 10), Y = (y) => H - 22 - (y / top) * (H - 34);
    const every = Math.max(1, Math.ceil(all.length / 400));
    const points = all.map((y, k) => [k, y]).filter(([k]) => k % every === 0 || k === all.length - 1);
    $("losses").replaceChildren(make("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": `the loss of all rows over ${all.length - 1} updates, from ${num(all[0])} to ${num(all[all.length - 1])}` },
      make("line", { class: "axis", x1: L, y1: H - 22, x2: W - 10, y2: H - 22 }), make("line", { class: "axis", x1: L, y1: 8, x2: L, y2: H - 22 }),
      make("text", { x: L - 5, y: 18, "text-anchor": "end" }, rounded(top, 2)), make("text", { x: L - 5, y: H - 22, "text-anchor": "end" }, "0"),
      make("text", { x: W - 10, y: H - 6, "text-anchor": "end" }, `${s.t}`), make("text", { x: L, y: H - 6 }, "0"), make("text", { x: (L + W) / 2, y: H - 6, "text-anchor": "middle" }, "updates"),
      make("polyline", { class: "f", points: points.map(([k, y]) => `${X(k).toFixed(1)},${Y(y).toFixed(1)}`).join(" ") })));
  }

  let regionAt = -1;

  function drawRegion() {
    if ($("region-pane").hidden || regionAt === s.t) return;
    regionAt = s.t;
    const canvas = $("region"), size = 64, image = new ImageData(size, size), style = getComputedStyle(document.documentElement);
    const probe = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const color = (role) => { probe.fillStyle = style.getPropertyValue(`--${role}`); probe.fillRect(0, 0, 1, 1); return [...probe.getImageData(0, 0, 1, 1).data]; };
    const roles = ["first", "second", "third", "fourth", "fifth"].map(color), paper = color("paper");
    const ends = [0, 1].map((k) => { const xs = D.rows.map((x) => x[k]), low = Math.min(...xs), high = Math.max(...xs), pad = (high - low) * 0.15 || 1; return [low - pad, high + pad]; });
    const one = D.output.length === 1;
    const [low, high] = D.targets.reduce(([a, b], t) => [Math.min(a, t[0]), Math.max(b, t[0])], [Infinity, -Infinity]);
    for (let r = 0; r < size; r++) for (let c = 0; c < size; c++) {
      const v = net.forward(s.theta, [ends[0][0] + ((c + 0.5) / size) * (ends[0][1] - ends[0][0]), ends[1][1] - ((r + 0.5) / size) * (ends[1][1] - ends[1][0])], null);
      const out = D.output.map((id) => v[id]);
      let mix, strength;
      if (one) { const part = Math.max(0, Math.min(1, (out[0] - low) / (high - low || 1))); mix = part > 0.5 ? roles[1] : roles[0]; strength = Math.abs(part - 0.5) * 0.8; }
      else { const best = out.indexOf(Math.max(...out)); mix = roles[best % 5]; strength = 0.12 + 0.4 * Math.max(0, out[best] - 1 / out.length); }
      for (let k = 0; k < 3; k++) image.data[(r * size + c) * 4 + k] = paper[k] + (mix[k] - paper[k]) * strength;
      image.data[(r * size + c) * 4 + 3] = 255;
    }
    const small = document.createElement("canvas");
    small.width = small.height = size;
    small.getContext("2d").putImageData(image, 0, 0);
    const context = canvas.getContext("2d");
    context.imageSmoothingEnabled = true;
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    D.rows.forEach((x, r) => {
      const px = ((x[0] - ends[0][0]) / (ends[0][1] - ends[0][0])) * canvas.width, py = ((ends[1][1] - x[1]) / (ends[1][1] - ends[1][0])) * canvas.height;
      const kind = one ? Number(D.targets[r][0] > (low + high) / 2) : D.targets[r].indexOf(Math.max(...D.targets[r]));
      context.beginPath();
      if (kind % 2) context.rect(px - 5, py - 5, 10, 10); else context.arc(px, py, 5.5, 0, 7);
      context.fillStyle = `rgb(${roles[kind % 5].slice(0, 3)})`;
      context.strokeStyle = `rgb(${paper.slice(0, 3)})`;
      context.lineWidth = 2;
      context.fill();
      context.stroke();
    });
  }

  function draw() {
    drawPicture();
    drawCard();
    drawPhase();
    drawRow();
  }

  function redraw() {
    compute();
    draw();
    drawLoss();
    drawRegion();
  }

  // actions

  function note() {
    s.losses.push(net.loss(s.theta));
    if (s.losses.length > 20000) s.losses = s.losses.filter((_, k) => k % 2 === 0);
  }

  function moved() {
    view.found = {};
    redraw();
  }

  function steps(count, seen = true) {
    for (let k = 0; k < count; k++) { if (!training.update(view.rate)) break; note(); }
    if (seen) moved();
  }

  function epoch() {
    const from = s.epoch;
    while (s.epoch === from && training.update(view.rate)) note();
    moved();
  }

  function run(on) {
    if (timer) cancelAnimationFrame(timer);
    timer = null;
    icon($("play"), on ? "pause" : "play");
    $("play").setAttribute("aria-label", on ? "Pause" : "Train");
    $("play").setAttribute("aria-pressed", String(on));
    if (!on) return;
    const frame = () => {
      const until = performance.now() + 12;
      let going = true;
      while (going && performance.now() < until) { going = training.update(view.rate); if (going) note(); }
      moved();
      if (going) timer = requestAnimationFrame(frame); else run(false);
    };
    timer = requestAnimationFrame(frame);
  }

  function rewind() {
    run(false);
    training.rewind();
    view.mixed = false;
    note();
    regionAt = -1;
    moved();
  }

  function phase(to) {
    if (to > 4) { steps(1); view.phase = 1; } else view.phase = Math.max(0, to);
    draw();
  }

  function row(to) {
    view.row = (to + D.rows.length) % D.rows.length;
    view.found = {};
    compute();
    draw();
  }

  function yaml() {
    const values = (name) => { const k = weight(name, 0); return k < 0 ? null : net.weights.map((w, j) => (w.array === name ? shortest(s.theta[j]) : null)).filter((x) => x !== null); };
    const text = layers.map((layer) => {
      const w = values(`${layer.name}.weights`), b = values(`${layer.name}.bias`), rows = layer.z.map((_, k) => `[${w.slice(k * layer.inputs, (k + 1) * layer.inputs).join(", ")}]`);
      return `    - type: linear\n      units: ${layer.z.length}\n${layer.function ? `      activation: ${layer.function}\n` : ""}      weights: [${rows.join(", ")}]\n${b ? `      bias: [${b.join(", ")}]\n` : ""}`;
    }).join("");
    $("yaml").value = `model:\n  layers:\n${text}`;
    $("yaml").hidden = false;
    $("yaml").select();
  }

  function check() {
    const made = net.batch(net.start, D.rows.map((_, r) => r));
    const slopes = net.trained.map((k) => made.gradient[k]);
    const near = (a, b, scale) => Math.abs(a - b) <= 1e-9 * Math.max(Math.abs(b), scale);
    const size = Math.max(...D.witness.gradient.map(Math.abs), 1e-300);
    const same = Number(near(made.loss, D.witness.loss, 1e-12)) + slopes.filter((g, k) => near(g, D.witness.gradient[k], 1e-3 * size)).length;
    const all = 1 + slopes.length;
    $("checked").textContent = `checked: loss and slopes, ${same} of ${all} equal to backprop ${D.version}`;
    $("checked").classList.toggle("bad", same < all);
  }

  function onKey(e) {
    if (e.ctrlKey || e.metaKey || e.altKey || $("help").open) return;
    const field = e.target.closest("input, select, textarea");
    if (e.key === "Escape" && field) { field.blur(); return; }
    if (field || (e.key === " " && e.target.closest("button"))) return;
    const acts = {
      ArrowRight: () => phase(view.phase + 1), ArrowLeft: () => phase(view.phase - 1), Home: () => phase(0), End: () => phase(4),
      " ": () => run(!timer), s: () => steps(1), e: epoch, r: rewind, n: () => row(view.row + 1), p: () => row(view.row - 1), q: () => setQuiz(!view.quiz), "?": () => $("help").showModal(),
    };
    const act = acts[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (act) { e.preventDefault(); act(); }
  }

  PHASES.forEach((name, k) => { $(`phase-${name}`).onclick = () => phase(k); });
  $("play").onclick = () => run(!timer);
  $("one").onclick = () => steps(1);
  $("epoch").onclick = epoch;
  $("many").onclick = () => steps(1000);
  $("rewind").onclick = rewind;
  $("rate").onchange = () => { const x = Number($("rate").value); if (Number.isFinite(x) && x > 0) { view.mixed = view.mixed || (s.t > 0 && x !== view.rate); view.rate = x; redraw(); } else $("rate").value = view.rate; };
  $("row").max = D.rows.length;
  $("rows").textContent = `of ${D.rows.length.toLocaleString("en")}`;
  $("row").onchange = () => { const r = Math.round(Number($("row").value)); if (r >= 1 && r <= D.rows.length) row(r - 1); else $("row").value = view.row + 1; };
  $("next-row").onclick = () => row(view.row + 1);
  $("last-row").onclick = () => row(view.row - 1);
  $("export").onclick = yaml;
  $("quiz").onclick = () => setQuiz(!view.quiz);
  $("ask").onclick = () => $("help").showModal();
  $("close").onclick = () => $("help").close();
  $("notes").textContent = D.notes.join("; ");
  $("t-optimizer").textContent = `${D.optimizer}, ${D.lossName}, batch of ${D.batch}`;
  $("region-pane").hidden = D.x.length !== 2 || D.rows.length < 3;
  document.addEventListener("keydown", onKey);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { regionAt = -1; drawRegion(); });
  window.addEventListener("hashchange", () => { training.rewind(); view.mixed = false; note(); load(); regionAt = -1; moved(); });
  run(false);
  build();
  check();
  note();
  load();
  $("rate").value = view.rate;
  redraw();
}

startNetwork(JSON.parse($("data").textContent));
