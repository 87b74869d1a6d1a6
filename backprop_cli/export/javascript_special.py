"""Special functions in JavaScript, which has none of them: the error function and the gamma family.

Forms and coefficients are those of `ops.error_function` and `ops.special`, which explain them; the gamma
function is Lanczos's sum as CPython computes it.

Source:
    CPython, Modules/mathmodule.c: ``lanczos_sum``, ``m_tgamma``, ``m_lgamma``.
    Abramowitz and Stegun 6.3 and 6.4, on digamma and polygamma.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..ops.error_terms import CENTRE, FAR, FARTHER, MIDDLE, NEAR, SHARE
from ..ops.special import BERNOULLI, EULER_GAMMA, ROOT, lgamma_series, root_series

_LANCZOS = (
    (
        23531376880.410759688572007674451636754734846804940,
        42919803642.649098768957899047001988850926355848959,
        35711959237.355668049440185451547166705960488635843,
        17921034426.037209699919755754458931112671403265390,
        6039542586.3520280050642916443072979210699388420708,
        1439720407.3117216736632230727949123939715485786372,
        248874557.86205415651146038641322942321632125127801,
        31426415.585400194380614231628318205362874684987640,
        2876370.6289353724412254090516208496135991145378768,
        186056.26539522349504029498971604569928220784236328,
        8071.6720023658162106380029022722506138218516325024,
        210.82427775157934587250973392071336271166969580291,
        2.5066282746310002701649081771338373386264310793408,
    ),
    (0.0, 39916800.0, 120543840.0, 150917976.0, 105258076.0, 45995730.0, 13339535.0, 2637558.0, 357423.0,
     32670.0, 1925.0, 66.0, 1.0),
)  # fmt: skip
"""Numerator and denominator, from the constant up."""


def _array(numbers: Sequence[float]) -> str:
    """Write numbers as an array, in lines."""
    lines, line = [], ""
    for x in numbers:
        text = json.dumps(x).removesuffix(".0")
        if len(line) + len(text) > 100:
            lines.append(line.rstrip())
            line = ""
        line += text + ", "
    return "[\n    " + "\n    ".join([*lines, line.rstrip(", ")]) + "]"


def _ratio(ratio: Sequence[Sequence[float]]) -> str:
    return f"[{', '.join(map(_array, ratio))}]"


SPECIAL: Mapping[str, str] = {
    "polynomial": """// coefficients from the constant up
function polynomial(coefficients, x) {
  return coefficients.reduceRight((total, c) => total * x + c);
}""",
    "erfc_tail": f"""// log(x*erfc(x)) + x^2 + 0.6875 (+ 0.5625 beyond 1/0.35) over 1/x^2
const FAR = {_ratio(FAR)};
const FARTHER = {_ratio(FARTHER)};
// erfc from 1.25 on: 2^k exp(rest)/x, where one exponential of a small number rounds once
function erfc_tail(x) {{
  const ratio = x < 1 / 0.35 ? FAR : FARTHER;
  x = Math.min(x, 28); // nothing is left from there on
  const coarse = new Float64Array([x]);
  new Uint32Array(coarse.buffer)[0] = 0; // the square of a number with its low bits off is exact
  const c = coarse[0], power = -c * c - (ratio === FAR ? 0.6875 : 0.5625), s = 1 / (x * x);
  const k = Math.round(power / Math.LN2);
  const rest = (c - x) * (c + x) - k * 1.90821492927058770002e-10
    + polynomial(ratio[0], s) / polynomial(ratio[1], s) + (power - k * 6.93147180369123816490e-01);
  const half = Math.floor(k / 2); // in two steps: 2^k itself may be too small
  return Math.exp(rest) / x * Math.pow(2, half) * Math.pow(2, k - half);
}}""",
    "erf_near": f"""// erf(x)/x - 1 over x^2, near 0, and (SHARE - erfc(x))/(x - CENTRE), up to 1.25
const NEAR = {_ratio(NEAR)};
const MIDDLE = {_array(MIDDLE)};
const CENTRE = {CENTRE!r}, SHARE = {SHARE!r};
function erf_near(x) {{
  return x * (polynomial(NEAR[0], x * x) / polynomial(NEAR[1], x * x));
}}
function erf_middle(x) {{
  return (x - CENTRE) * polynomial(MIDDLE, x - CENTRE);
}}""",
    "erf": """function erf(x) {
  const size = Math.abs(x);
  if (size < 0.65625) return x + erf_near(x);
  return Math.sign(x) * (size < 1.25 ? 1 - SHARE + erf_middle(size) : 1 - erfc_tail(size));
}""",
    "erfc": """// 1 - erf, exact where that is small
function erfc(x) {
  const size = Math.abs(x);
  if (size < 0.65625) return x < 0.5 ? 1 - (x + erf_near(x)) : 1 - x - erf_near(x);
  const rest = size < 1.25 ? SHARE - erf_middle(size) : erfc_tail(size);
  return x < 0 ? 2 - rest : rest;
}""",
    "sinpi": """// sin(pi*x) and pi/tan(pi*x), exact at whole and half numbers
function sinpi(x) {
  const y = Math.abs(x) % 2, n = Math.round(2 * y), part = Math.PI * (y - n / 2);
  const value = [Math.sin(part), Math.cos(part), -Math.sin(part), -Math.cos(part)][n % 4];
  return x < 0 ? -value : value;
}
function cotpi(x) {
  const part = x - Math.round(2 * x) / 2;
  const t = Math.tan(Math.PI * part);
  return Math.round(2 * x) % 2 === 0 ? 1 / t : -t;
}""",
    "lanczos": f"""const LANCZOS = {_ratio(_LANCZOS)};
const LANCZOS_G = 6.024680040776729583740234375;
function lanczos(x) {{
  if (x < 5) return polynomial(LANCZOS[0], x) / polynomial(LANCZOS[1], x);
  const [top, bottom] = LANCZOS.map((coefficients) => coefficients.reduce((total, c) => total / x + c));
  return top / bottom;
}}""",
    "gamma": """// the gamma function: Lanczos's sum, as CPython has it
function gamma(x) {
  if (x === Math.floor(x) && (x <= 0 || x > 171)) return x > 0 ? Infinity : NaN;
  if (Number.isInteger(x) && x <= 23) {
    let product = 1;
    for (let k = 2; k < x; k++) product *= k;
    return product;
  }
  const size = Math.abs(x);
  if (size < 1e-20) return 1 / x;
  if (size > 200) return x < 0 ? 0 / sinpi(x) : Infinity;
  const y = size + LANCZOS_G - 0.5;
  let z = size > LANCZOS_G - 0.5 ? y - size - (LANCZOS_G - 0.5) : y - (LANCZOS_G - 0.5) - size;
  z = z * LANCZOS_G / y;
  let value;
  if (x < 0) {
    value = -Math.PI / sinpi(size) / size * Math.exp(y) / lanczos(size);
    value -= z * value;
    const root = Math.pow(y, size / 2 - 0.25);
    return size < 140 ? value / Math.pow(y, size - 0.5) : value / root / root;
  }
  value = lanczos(size) / Math.exp(y);
  value += z * value;
  const root = Math.pow(y, size / 2 - 0.25);
  return size < 140 ? value * Math.pow(y, size - 0.5) : value * root * root;
}""",
    "lgamma": f"""// log(|gamma(x)|); around its zeros 1 and 2 by Taylor series
const LGAMMA = [{_array(lgamma_series(1.0))}, {_array(lgamma_series(2.0))}];
function lgamma(x) {{
  for (const zero of [1, 2]) {{
    const d = x - zero;
    if (Math.abs(d) <= 0.25)
      return d * (d * polynomial(LGAMMA[zero - 1], d) - {EULER_GAMMA!r} + zero - 1);
  }}
  if (x === Math.floor(x) && x <= 0) return Infinity;
  const size = Math.abs(x);
  if (size < 1e-20) return -Math.log(size);
  // lanczos over e^g is what the sum of CPython is scaled by
  const value = Math.log(lanczos(size)) - LANCZOS_G
    + (size - 0.5) * (Math.log(size + LANCZOS_G - 0.5) - 1);
  return x < 0 ? Math.log(Math.PI) - Math.log(Math.abs(sinpi(size))) - Math.log(size) - value : value;
}}""",
    "hurwitz": f"""// the sum of (x + k)^-s over k = 0, 1, 2, ..., for s > 1 and x > 0: Euler and Maclaurin
const BERNOULLI = {_array(BERNOULLI)};
function hurwitz(s, x) {{
  const terms = [];
  for (; x < 10 + s; x += 1) terms.push(Math.pow(x, -s));
  let power = Math.pow(x, -s), factor = s;
  terms.push(Math.pow(x, 1 - s) / (s - 1), 0.5 * power);
  power /= x;
  BERNOULLI.forEach((b, j) => {{
    terms.push(b * factor * power);
    factor *= (s + 2 * j + 1) * (s + 2 * j + 2);
    power /= x * x;
  }});
  return terms.sort((a, b) => Math.abs(a) - Math.abs(b)).reduce((a, b) => a + b);
}}""",
    "digamma": f"""// the derivative of log(gamma(x)); around its positive root by its Taylor series
const DIGAMMA = {_array(root_series())};
function digamma(x) {{
  if (x <= 0) return x === Math.floor(x) ? NaN : digamma(1 - x) - Math.PI * cotpi(x);
  const offset = x - {ROOT[0]!r} - {ROOT[1]!r};
  if (Math.abs(offset) < 0.25) return offset * polynomial(DIGAMMA, offset);
  let shift = 0;
  for (; x < 10; x += 1) shift += 1 / x;
  const tail = BERNOULLI.map((b, j) => {{
    let factorial = 1;
    for (let k = 2; k <= 2 * j + 1; k++) factorial *= k;
    return b * factorial;
  }});
  return Math.log(x) - 0.5 / x - polynomial([0, ...tail], 1 / (x * x)) - shift;
}}""",
    "polygamma": """// the n-th derivative of digamma; left of 0 by reflection, where cot' = -1 - cot^2
function polygamma(n, x) {
  if (n === 0) return digamma(x);
  if (x > 0) return (n % 2 === 0 ? -1 : 1) * gamma(n + 1) * hurwitz(n + 1, x);
  if (x === Math.floor(x)) return NaN;
  let cotangents = [0, 1];
  for (let i = 0; i < n; i++) {
    const slopes = cotangents.map((c, k) => k * c).slice(1);
    cotangents = [...cotangents, 0].map((_, k) => -((slopes[k] || 0) + (slopes[k - 2] || 0)));
  }
  const reflected = Math.pow(Math.PI, n + 1) * polynomial(cotangents, cotpi(x));
  return (n % 2 === 0 ? 1 : -1) * polygamma(n, 1 - x) - reflected;
}""",
}
_ERF = ("polynomial", "erfc_tail", "erf_near")
_GAMMA = ("polynomial", "sinpi", "lanczos", "gamma")
_DIGAMMA = ("polynomial", "sinpi", "hurwitz", "digamma")
SPECIAL_NEEDS: Mapping[str, tuple[str, ...]] = {
    "erf": (*_ERF, "erf"),
    "erfc": (*_ERF, "erfc"),
    "gelu": (*_ERF, "erfc"),
    "gamma": _GAMMA,
    "lgamma": ("polynomial", "sinpi", "lanczos", "lgamma"),
    "digamma": _DIGAMMA,
    "polygamma": (*_GAMMA, *_DIGAMMA, "polygamma"),
}
