"use strict";
// Local derivatives that comparisons decide: the case that holds, in symbols and numbers, and why.

const HOLDS = { "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b, "==": (a, b) => a === b, "!=": (a, b) => a !== b };

function chosen(d, n, v, by, local, num) {
  const side = (x) => (Array.isArray(x) ? v[x[0]] : x), compared = [];
  const found = d.cases.find((each) => {
    if (!each.if) return true;
    const [sign, a, b] = [each.if[0], side(each.if[1]), side(each.if[2])];
    if (!each.quiet) compared.push([a, b]);
    return HOLDS[sign](a, b);
  });
  const ties = d.most && found.if ? n.i.filter((i) => v[i] === v[n.id]).length : 1; // they share the slope
  const shared = ties > 1 ? { symbols: `1/${ties}`, numbers: [`1/${ties}`], bare: false } : found;
  const relation = ([a, b]) => (num(a) === num(b) ? "" : `${num(a)} ${a < b ? "<" : ">"} ${num(b)}`);
  const said = d.most ? [`${num(v[n.id])} is the ${d.most}`] : [...new Set(compared.map(relation))];
  const end = local === 0 ? `: no slope goes to ${by}` : local === 1 ? `: the slope goes to ${by}${d.wins ? " alone" : ""}` : "";
  return { ...shared, why: !said.length || said.includes("") ? "" : said.join(" and ") + end };
}
