"use strict";
// The plane of two inputs: lines of equal output, the way down, the trail of a descent.

function makeContour(D, E, state, { kept, view, steps, axes, trail, show, line, gradientIn, quizzedIn }) {
  const N = D.nodes, num = E.num;

  const drawn = () => Boolean(state.other) && state.other !== state.curve;

  function choose(ids) {
    [state.curve, state.other] = ids.map((id) => N[id].n);
    $("other").value = state.other;
  }

  // the lines of one height, a cell of the grid at a time (marching squares)
  function level(z, grid, place) {
    let d = "";
    for (let r = 0; r + 1 < grid.length; r++) for (let c = 0; c + 1 < grid.length; c++) {
      const corners = [[r, c], [r, c + 1], [r + 1, c + 1], [r + 1, c]], at = corners.map(([i, j]) => grid[i][j]);
      if (!at.every(Number.isFinite)) continue;
      const cuts = [];
      corners.forEach(([i, j], n) => {
        const [k, l] = corners[(n + 1) % 4], [a, b] = [at[n], at[(n + 1) % 4]];
        if (a < z === b < z) return;
        const part = (z - a) / (b - a);
        cuts.push(place(j + part * (l - j), i + part * (k - i)));
      });
      for (let n = 0; n + 1 < cuts.length; n += 2) d += `M${cuts[n]}L${cuts[n + 1]}`;
    }
    return d;
  }

  function draw(p, count) {
    const names = [state.curve, state.other], [x, y] = names.map((name) => state.inputs[name]), ends = names.map(view);
    const { X, Y, parts } = axes(...ends, ...names);
    const lines = kept(names, (over, inputs) => {
      const [xs, ys] = over.map((end) => steps(end, count));
      const grid = ys.map((b) => xs.map((a) => E.output({ ...inputs, [names[0]]: a, [names[1]]: b })));
      const place = (i, j) => [X, Y].map((scale, k) => scale(over[k][0] + ((over[k][1] - over[k][0]) * [i, j][k]) / count).toFixed(1)).join(" ");
      // an equal share of the plane lies between two lines, so that none of it is left bare
      const all = grid.flat().filter(Number.isFinite).sort((a, b) => a - b);
      const heights = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9].map((k) => all[Math.floor((all.length * k) / 10)]));
      return [...heights].filter((z) => z > all[0]).map((z) => ({ z, d: level(z, grid, place) }));
    });
    const inner = lines.map(({ d }, k) => make("path", { class: "f level", d, "stroke-opacity": (0.35 + (0.65 * k) / lines.length).toFixed(2) }));
    inner.push(...trail((t) => X(t.inputs[names[0]]), (t) => Y(t.inputs[names[1]])));
    const legend = [["c-first", lines.length ? `${D.name} = ${minus(lines.map(({ z }) => rounded(z, 2)).join(", "))}` : `${D.name} is the same all over`]];
    const [gx, gy] = names.map(gradientIn), way = [-gx * (X(1) - X(0)), -gy * (Y(1) - Y(0))], size = Math.hypot(...way);
    if (size > 0 && !names.some(quizzedIn)) {
      inner.push(line("tangent", X(x), Y(y), X(x) + (way[0] / size) * 30, Y(y) + (way[1] / size) * 30));
      legend.push(["c-mark", "the way down"]);
    }
    inner.push(make("circle", { class: "point", r: 5.5, cx: X(x), cy: Y(y) }));
    const value = p.error ? "no value" : num(p.v[D.output]);
    show(parts, inner, `lines of equal ${D.name} over ${names.join(" and ")}; ${value} at ${num(x)}, ${num(y)}`, legend);
  }

  return { drawn, choose, draw };
}
