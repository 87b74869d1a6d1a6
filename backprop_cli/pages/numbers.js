"use strict";
// Numbers, as the command line writes them.

function shortest(x) {
  if (x === 0) return "0";
  const [mantissa, power] = x.toExponential().split("e");
  const sign = mantissa[0] === "-" ? "-" : "", digits = mantissa.replace(/[-.]/g, ""), e = Number(power);
  if (e < -4 || e >= 16) return `${mantissa}e${e}`;
  if (e < 0) return `${sign}0.${"0".repeat(-e - 1)}${digits}`;
  if (digits.length <= e + 1) return sign + digits + "0".repeat(e + 1 - digits.length);
  return `${sign}${digits.slice(0, e + 1)}.${digits.slice(e + 1)}`;
}

function significant(x, count) {
  if (x === 0) return "0";
  let text = Math.abs(x).toExponential(count - 1);
  const [short, scale] = Math.abs(x).toExponential().split("e"), digit = short.replace(".", "");
  // a tie goes to the even digit
  if (digit.length === count + 1 && digit[count] === "5" && Number(digit[count - 1]) % 2 === 0 && /^5?0*$/.test(Math.abs(x).toExponential(60).replace(".", "").slice(count).split("e")[0]))
    text = `${digit[0]}.${digit.slice(1, count)}e${scale}`;
  const [mantissa, power] = text.split("e");
  const digits = mantissa.replace(".", "").replace(/0+$/, "") || "0", e = Number(power);
  const sign = x < 0 ? "-" : "";
  const dotted = digits.length > 1 ? `${digits[0]}.${digits.slice(1)}` : digits;
  if (e < -4 || e >= count) return `${sign}${dotted}e${e}`;
  if (e < 0) return `${sign}0.${"0".repeat(-e - 1)}${digits}`;
  if (digits.length <= e + 1) return sign + digits + "0".repeat(e + 1 - digits.length);
  return `${sign}${digits.slice(0, e + 1)}.${digits.slice(e + 1)}`;
}

// the length is that of Python's text, whose exponents have a sign and two digits
const length = (text) => text.replace(/e(-?)(\d+)/, (_, sign, e) => `e+${e.padStart(2, "0")}`).length;

function rounded(x, count) {
  if (!Number.isFinite(x)) return "none";
  const brief = significant(x, count), exact = shortest(x);
  return length(exact) < length(brief) ? exact : brief;
}
