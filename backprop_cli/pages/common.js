"use strict";
// What both pages share: elements, signs, icons.

const $ = (id) => document.getElementById(id);
const SVG = "http://www.w3.org/2000/svg";

function make(tag, options = {}, ...children) {
  const drawn = /^(svg|g|path|rect|text|circle|line|polyline|defs|marker)$/.test(tag);
  const element = drawn ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(options)) {
    if (key === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
    else if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

const minus = (text) => text.replace(/-/g, "\u2212"); // a sign that is seen
const asNumber = (text) => (text.trim() ? Number(text.trim().replace("\u2212", "-").replace(",", ".")) : NaN); // as it is typed
const isRight = (x, g) => Math.abs(x - g) <= 5e-4 * Math.max(Math.abs(g), Math.abs(x)) || (g === 0 && Math.abs(x) < 5e-4); // to three digits
const ICONS = {
  first: "M3 3h2v14H3zM17 3v14L7 10z", back: "M15 3v14L5 10z", play: "M5 3l12 7-12 7z",
  pause: "M5 3h3v14H5zM12 3h3v14h-3z", forward: "M5 3l10 7-10 7z", last: "M15 3h2v14h-2zM3 3l10 7-10 7z",
};

function icon(button, which) {
  button.replaceChildren(make("svg", { viewBox: "0 0 20 20", "aria-hidden": "true" }, make("path", { d: ICONS[which] })));
}
