"use strict";
// The engine: a flat list of nodes run forward and swept back by ROWS, and the lines that explain it.

function makeEngine(D) {
  const N = D.nodes, OUT = D.output;
  const known = new Map(); // a number is written many times a move

  function num(x) {
    let text = known.get(x);
    if (text === undefined) {
      if (known.size > 5000) known.clear();
      known.set(x, (text = rounded(x, D.digits)));
    }
    return text;
  }

  const signed = (x) => (num(x)[0] === "-" ? `(${num(x)})` : num(x)); // behind an operator
  const name = (id) => N[id].n;
  const slope = (of, by) => `d${of}/d${by}`;
  const total = (id) => slope(D.name, name(id));

  // passes

  function forward(inputs) {
    const v = new Array(N.length);
    for (const n of N) {
      if (n.v !== undefined) v[n.id] = n.v;
      else if (!n.op) v[n.id] = inputs[n.n];
      else v[n.id] = ROWS[n.op][0](...n.i.map((i) => v[i]));
    }
    return v;
  }

  const taken = (n, v) => (n.chosen ? [0, v[n.i[0]] ? 1 : 2] : null);

  function neededBy(v) {
    const needed = new Array(N.length).fill(false);
    needed[OUT] = true;
    for (let k = OUT; k >= 0; k--) {
      const n = N[k];
      if (needed[k] && n.i) for (const p of taken(n, v) || n.i.keys()) needed[n.i[p]] = true;
    }
    return needed;
  }

  const operandsAt = (n, v) => n.at.map(([text, id]) => `${text} = ${shortest(v[id])}`).join(", ");

  function noValue(n, v) {
    if (!n.op) return { text: `${n.n} is no number`, node: n.id };
    const op = D.ops[n.op], defined = ROWS[n.op][2], at = operandsAt(n, v);
    const where = at ? ` at ${at}` : "";
    if (defined && !defined(...n.i.map((i) => v[i])))
      return { text: `${n.text} has no value${where}: ${op.signature} is defined where ${op.defined}`, hint: op.hint, node: n.id };
    return { text: `${n.text} overflows${where}: a float64 ends at 1.8e308`, hint: at ? op.overflow : "", node: n.id };
  }

  const partials = (n, v) => ROWS[n.op][1](v[n.id], ...n.i.map((i) => v[i]));

  function isSteep(n, v) {
    return n.op && partials(n, v).some((p, k) => N[n.i[k]].v === undefined && !Number.isFinite(p));
  }

  // whether an infinite slope is a number too large for the floats
  function isTooLarge(n, v, k) {
    const x = n.i.map((i) => v[i]);
    for (const nudge of [1e-8, -1e-8]) {
      const y = x.map((a, j) => (j === k ? a + nudge * (Math.abs(a) || 1) : a));
      const p = ROWS[n.op][1](ROWS[n.op][0](...y), ...y)[k];
      if (Number.isFinite(p) && Math.abs(p) < 1e100) return false;
    }
    return !Number.isNaN(ROWS[n.op][1](v[n.id], ...x)[k]);
  }

  function backward(v) {
    const g = new Array(N.length).fill(0);
    g[OUT] = 1;
    let fault = null;
    for (let k = OUT; k >= 0; k--) {
      const n = N[k];
      if (!n.op || n.v !== undefined) continue;
      if (!g[k]) {
        if (fault || !v.needed[k]) continue;
        if ((n.op === "equal" || n.op === "not_equal") && v[n.i[0]] === v[n.i[1]])
          fault = { text: `${n.text} changes at this point alone, and a branch says nothing of the slope`, node: k, aside: true };
        else if (!n.truth && isSteep(n, v))
          fault = { text: `the chain rule multiplies 0 by the infinite slope of ${n.text}`, node: k, aside: true };
        continue;
      }
      partials(n, v).forEach((p, j) => {
        const i = n.i[j];
        if (N[i].v !== undefined) return;
        g[i] += g[k] * p;
        if (!Number.isFinite(g[i]) && !fault) {
          const what = Number.isFinite(p) || isTooLarge(n, v, j) ? "overflows" : "does not exist";
          const at = operandsAt(n, v);
          fault = { text: `the slope of ${n.text} in ${N[i].text || N[i].n} ${what} at ${at}`, hint: D.ops[n.op].slope, node: k, aside: what !== "overflows" };
        }
      });
      if (fault) break;
    }
    return { g, fault };
  }

  // The program at a point: {v, g, needed, error, fault}. An error leaves no numbers, a fault no slopes.
  function at(inputs) {
    const v = forward(inputs);
    v.needed = neededBy(v);
    const bad = N.find((n) => v.needed[n.id] && !Number.isFinite(v[n.id]));
    if (bad) return { inputs, v, needed: v.needed, error: noValue(bad, v) };
    const { g, fault } = backward(v);
    return { inputs, v, g, needed: v.needed, fault };
  }

  // The output alone, NaN where it has no value.
  function output(inputs) {
    const v = forward(inputs);
    if (Number.isFinite(v[OUT])) {
      v.needed = neededBy(v);
      return N.some((n) => v.needed[n.id] && !Number.isFinite(v[n.id])) ? NaN : v[OUT];
    }
    return NaN;
  }

  // kinks, told by the floats beside the operands

  const bits = new Float64Array(1), whole = new BigInt64Array(bits.buffer);

  function next(x, up) {
    if (x === 0) return up ? Number.MIN_VALUE : -Number.MIN_VALUE;
    bits[0] = x;
    whole[0] += x > 0 === up ? 1n : -1n;
    return bits[0];
  }

  function kink(user, source, v) {
    const n = N[user], piece = n.op && ROWS[n.op][3];
    if (!piece) return null;
    const moved = [...n.i.keys()].filter((k) => n.i[k] === source);
    const beside = [false, true].map((up) => n.i.map((i, k) => (moved.includes(k) ? next(v[i], up) : v[i])));
    if (piece(...beside[0]) === piece(...beside[1])) return null;
    const ends = beside.map((x) => {
      const y = ROWS[n.op][0](...x);
      const p = ROWS[n.op][1](y, ...x);
      return [y, moved.reduce((sum, k) => sum + p[k], 0)];
    });
    const [[low, left], [high, right]] = ends;
    const width = Math.max(...moved.map((k) => beside[1][k] - beside[0][k]));
    const size = Math.max(Math.abs(low), Math.abs(high));
    const ulp = next(size, true) - size;
    const bends = Math.abs(right - left) > 1e-9 * Math.max(Math.abs(right), Math.abs(left));
    const jump = Math.abs(high - low) > Math.max(Math.abs(left), Math.abs(right)) * width + 4 * ulp;
    return bends || jump ? { left, right, jump, convention: D.ops[n.op].convention } : null;
  }

  // lines, as explain writes them

  const fill = (template, v) =>
    template.map((part) => {
      if (typeof part === "string") return part;
      const id = Array.isArray(part) ? part[0] : part, text = num(v[id]);
      return Array.isArray(part) && text[0] === "-" ? `(${text})` : text;
    }).join("");

  const equal = (...forms) => forms.filter((text, k) => text && text !== forms.slice(0, k).filter(Boolean).pop()).join(" = ");

  function sum(amounts) {
    let texts = amounts.map((x, k) => (k ? signed(x) : num(x)));
    if (texts.length > 16) texts = [...texts.slice(0, 8), "...", ...texts.slice(-2)];
    return texts.join(" + ");
  }

  const isWritten = (n, p) => n.op && n.v === undefined && p.needed[n.id] && !(n.truth && !n.named);

  function edges(n, p) {
    if (!n.op || n.v !== undefined || !p.needed[n.id]) return [];
    const through = taken(n, p.v);
    return n.i.map((source, k) => ({ user: n.id, position: k, source }))
      .filter(({ source, position }) => N[source].v === undefined && !N[source].truth && (!through || through.includes(position)));
  }

  const ordinal = (k) => k + (k % 100 >= 10 && k % 100 <= 20 ? "th" : { 1: "st", 2: "nd", 3: "rd" }[k % 10] || "th");

  const listed = (words) => {
    const shown = words.slice(0, 12);
    if (words.length > 12) return `${shown.join(", ")} and ${words.length - 12} more`;
    return shown.length === 1 ? shown[0] : `${shown.slice(0, -1).join(", ")} and ${shown[shown.length - 1]}`;
  };

  function forwardLines(p) {
    return N.filter((n) => isWritten(n, p)).map((n) => {
      const line = { pass: "forward", node: n.id, label: "", remark: "", value: num(p.v[n.id]), values: [n.id], slopes: [] };
      if (n.chosen) {
        const first = N[n.i[0]], branch = n.i[p.v[n.i[0]] ? 1 : 2];
        line.text = equal(n.n, n.symbols, n.branches[p.v[n.i[0]] ? 0 : 1], line.value);
        line.remark = `${fill(n.condition, p.v)} is ${p.v[n.i[0]] ? "true" : "false"}`;
        if (first.i && first.i.some((i) => kink(first.id, i, p.v))) line.remark += ", just at its edge: the slope is that of the branch taken";
        line.uses = [branch];
      } else line.text = equal(n.n, n.symbols, fill(n.numbers, p.v), line.value);
      return line;
    });
  }

  function backwardLines(p) {
    const lines = [], v = p.v, g = p.g;
    if (!N[OUT].op || p.fault) return lines;
    const ids = N.filter((n) => isWritten(n, p)).map((n) => n.id);
    const uses = new Map(ids.map((id) => [id, edges(N[id], p)])), expected = new Map(), amounts = new Map();
    for (const id of ids) for (const e of uses.get(id)) if (g[id]) expected.set(e.source, (expected.get(e.source) || 0) + 1);
    const waiting = new Map(expected);
    for (const id of ids.reverse()) {
      const n = N[id], used = uses.get(id);
      if (!used.length) continue;
      const label = `${n.n} = ${n.symbols}`;
      if (!g[id]) {
        const sources = [...new Set(used.map((e) => e.source))];
        if (expected.has(id)) lines.push({
          pass: "backward", node: id, label, text: `${total(id)} = 0`, values: [], uses: sources, stop: true,
          slopes: [id, ...sources.filter((i) => !expected.has(i))],
          remark: `nothing goes back through ${n.n} to ${listed(sources.map(name))}`,
        });
        continue;
      }
      const locals = partials(n, v), several = new Map(), seen = new Map();
      for (const e of used) several.set(e.source, (several.get(e.source) || 0) + 1);
      for (const e of used) {
        const by = e.source;
        seen.set(by, (seen.get(by) || 0) + 1);
        const amount = g[id] * locals[e.position];
        const twin = several.get(by) > 1 ? seen.get(by) : 0;
        const line = useLine(n, e, locals[e.position], amount, expected.get(by) > 1, twin, p);
        const bend = seen.get(by) === 1 ? kink(id, by, v) : null;
        if (!bend) line.remark = [line.remark, line.why].filter(Boolean).join("; ");
        else {
          const [left, right] = [num(bend.left), num(bend.right)];
          const sides = left !== right ? `slope ${left} to the left, ${right} to the right; ` : "";
          const here = `${n.n} ${bend.jump ? "jumps" : "has a kink"} here: ${sides}by convention ${bend.convention}`;
          line.remark = line.remark ? `${line.remark}; ${here}` : here;
        }
        lines.push({ ...line, pass: "backward", node: id, label, values: [], uses: [by], edge: e, amount, local: locals[e.position], slopes: expected.get(by) > 1 ? [] : [by], adds: expected.get(by) > 1 ? by : null });
        if (!amounts.has(by)) amounts.set(by, []);
        amounts.get(by).push(amount);
      }
      for (const source of [...several.keys()].sort((a, b) => b - a)) {
        waiting.set(source, waiting.get(source) - several.get(source));
        if (waiting.get(source) === 0 && expected.get(source) > 1) {
          const terms = amounts.get(source);
          const times = { 2: "twice", 3: "three times" }[terms.length] || `${terms.length} times`;
          lines.push({ pass: "backward", node: source, label: `${name(source)} is used ${times}`, text: equal(total(source), sum(terms), num(g[source])), remark: "", values: [], uses: [], slopes: [source], terms });
        }
      }
    }
    if (lines.length) lines.unshift({ pass: "backward", node: OUT, label: "", text: `${total(OUT)} = 1`, remark: "", values: [], slopes: [OUT], uses: [] });
    return lines;
  }

  function useLine(n, e, local, amount, shared, twin, p) {
    const by = name(e.source), d = n.local[e.position], s = num(local);
    const here = d && (d.cases.length > 1 ? chosen(d, n, p.v, by, local, num) : d.cases[0]);
    const symbols = here && here.symbols, numbers = here && here.numbers && fill(here.numbers, p.v);
    const reason = (here && here.why) || "";
    const which = twin ? `by the ${ordinal(twin)} ${by} in it` : "";
    if (n.id === OUT)
      return shared
        ? { text: `adds ${equal(symbols, numbers, s)} to ${total(e.source)}`, remark: which, why: reason }
        : { text: equal(total(e.source), symbols, numbers, s), remark: "", why: reason };
    let factor = slope(n.n, by), first = equal(factor, symbols, numbers, s);
    if (twin) {
      first = `${which}: ${equal(symbols, numbers, s)}`;
      factor = symbols && (here.bare && symbols[0] !== "-" ? symbols : `(${symbols})`);
    }
    const product = factor && `${total(n.id)} * ${factor}`, values = `${num(p.g[n.id])} * ${signed(local)}`;
    const second = shared
      ? `adds ${equal(product, values, num(amount))} to ${total(e.source)}`
      : equal(total(e.source), product, values, num(amount));
    return { text: `${first}; ${second}`, remark: "", why: reason };
  }

  // Paths from a node to the output, most of them listed: {count, paths: [{nodes, slopes, product}]}.
  function paths(from, p, most) {
    const users = N.map(() => []);
    for (const n of N) if (n.op && p.needed[n.id]) {
      const locals = edges(n, p).length ? partials(n, p.v) : null;
      for (const e of edges(n, p)) users[e.source].push([n.id, locals[e.position]]);
    }
    const counts = new Array(N.length).fill(0);
    counts[OUT] = 1;
    for (let k = OUT - 1; k >= 0; k--) for (const [user] of users[k]) counts[k] += counts[user];
    const found = [];
    const walk = (id, nodes, slopes) => {
      if (found.length >= most) return;
      if (id === OUT) { found.push({ nodes, slopes, product: slopes.reduceRight((a, b) => a * b, 1) }); return; }
      for (const [user, local] of users[id]) if (counts[user]) walk(user, [...nodes, user], [...slopes, local]);
    };
    if (counts[from]) walk(from, [from], []);
    return { count: counts[from], paths: found };
  }

  // One update of every input against the gradient, as explain writes it.
  function update(p, rate) {
    const inputs = { ...p.inputs }, lines = [];
    const [sign, size] = rate > 0 ? ["+", rate] : ["-", -rate];
    let expected = 0;
    for (const id of D.inputs) {
      const old = p.v[id], g = p.g[id], to = old + rate * g;
      inputs[name(id)] = to;
      expected += rate * g * g;
      lines.push(equal(`new ${name(id)}`, `${name(id)} ${sign} ${num(size)} * ${total(id)}`, `${num(old)} ${sign} ${num(size)} * ${signed(g)}`, num(to)));
    }
    return { inputs, lines, expected };
  }

  return { N, num, signed, total, slope, at, output, edges, partials, forwardLines, backwardLines, paths, update, sum, equal };
}
