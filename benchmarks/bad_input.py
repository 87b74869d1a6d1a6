"""Bad input: the status, time and memory of every class, with nothing on stdout and no traceback.

    python benchmarks/bad_input.py [WORD]

Each case is a command line of its own, by default ``grad`` with all its methods: the memory is
that of the command and the SymPy process together. With a WORD, only the classes whose names have it:
``train``, ``model files``. Exits 1 when a bound is broken.
"""

from __future__ import annotations

import io
import itertools
import os
import pickle
import random
import signal
import string
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from harness import MIB, Run, environment, mib, print_table, setting, shown, watch

SECONDS, MEMORY = 5.0, 512 * MIB
BACKPROP = [sys.executable, "-m", "backprop_cli"]

Meanwhile = Callable[[subprocess.Popen[bytes], float], None]


class Case(NamedTuple):
    """A command line and how it must end.

    Attributes:
        kind: The class it belongs to.
        words: Of the command line, from the command on.
        status: The exit statuses that are right.
        stdin: What it reads.
        files: Name to content of files in the folder it runs in.
        stdout: ``collect``, ``full`` (a full disk), ``closed`` or ``gone`` (nobody reads).
        prints: Whether an answer may stand on stdout although the status is not 0.
        meanwhile: What happens to it while it runs.
        ascii: Run in a terminal without Unicode.
        leaves: What may stand in the folder afterwards.
        seconds: How long it may take.
        memory: How many bytes it may take.
        note: What its command line does not tell.
    """

    kind: str
    words: tuple[str | bytes, ...]
    status: tuple[int, ...] = (2,)
    stdin: bytes = b""
    files: dict[str, bytes] = {}  # noqa: RUF012
    stdout: str = "collect"
    prints: bool = False
    meanwhile: Meanwhile | None = None
    ascii: bool = False
    leaves: tuple[str, ...] = ()
    seconds: float = SECONDS
    memory: int = MEMORY
    note: str = ""


SYNTAX = [
    "", " ", ";;", "# nothing", "a+", "*a", "a**", "(a", "a)", "((a)", "a b", "2 3", "a 2", "1..2", "1.2.3",
    "1e", "a,b", "a<b<c", "a<b", "a==b", "a=b=c", "a = ", "= a", "1 = a", "a = 1; a = 2", "b = a; a = 2",
    "a; b", "f(a) = ", "f(2) = a", "f(a, a) = a", "f(a) = a; f", "sin a", "sin()", "sin(a, b)", "sin(a",
    "max(a)", "arctn(a)", "Sin(a)", "a(3)(", "1/2a", "a^2b", "√a^2", "|a", "|a|b|", "a|", "a!", "a % 2",
    "a & b", "a and b", "where(a, 1, 2)", "where(a > 0, 1)", "a^^2", "a//2", "2_000", "_a", "a->b", "a?b:c",
    "{a}", "[a]", "a@b", "a'", "\\a", "a\n*b", "sin = a; sin(a)",
]  # fmt: skip
CODE = [
    "__import__('os').system('touch owned')", '__import__("os")', "exec('1')", "eval(a)", "open(a)",
    "().__class__", "a.__class__.__mro__", "a.b", "a[0]", "'a'", '"a"', "f'{a}'", "lambda: 0", "lambda a: a",
    "[a for a in b]", "{a: b}", "import os", "a; import os", "$(touch owned)", "`touch owned`",
    "a | touch owned", "%s%n", "<script>", "a if b else c",
]  # fmt: skip
CHARACTERS: list[str | bytes] = [
    "a\u202e*2", "a\u2066+1", "a\u200bb", "a\u200d", "\ufeffa\ufeff", "а*2", "Α*2", "ο", "аlpha", "a\u0301",
    "名", "é", "ﬁ", "a\x1b[31m", "\x1b]0;title\x07a", "a\x9b31m", "a\x08b", "a\x7f", "a\u2028b", "\U0001f4a9",
    "٣*a", "𝑎", b"a\xff", b"\xc3(", b"\xed\xa0\x80a", "[bold]a[/bold]", "[/bold]",
    "[link=file:///etc/passwd]a[/link]",
]  # fmt: skip
BINDINGS = [
    [], ["--a", "1", "--c", "3"], ["--a", "1"], ["--a", "1", "--b", "2", "--a", "3"],
    ["--a", "1", "a=3", "b=2"], ["--a", "nan"], ["--a", "inf"], ["--a", "-inf"], ["--a", "1e999"],
    ["--a", "x"], ["--a", "b"], ["--a", ""], ["--a", "1,5"], ["--a", "1 2"], ["--a", "'3'"],
    ["--a", "__import__('os')"], ["--a", "exp(1000)"], ["--a", "1/0"], ["--a", "9^9^9^9"],
    ["--a", "(" * 9999], ["--a", "1;2"], ["--a", "a=1"], ["--a"], ["--a", "--b", "2"], ["--a", "1:2"],
    ["--a", "1:2:0"], ["--a", "1:2:-1"], ["--a", "0:1:1e-30"], ["--a", "1:nan:1"], ["--a", "0x10"],
    ["--a", "1_000"], ["--a", "[bold]"], ["--a", "\x1b[31m"], ["--[bold]", "1"], ["--a b", "1"], ["a"], ["1"],
    ["--format", "xml"], ["--digits", "many"], ["--method", "magic"], ["--step", "0"], ["--step", "nan"],
    ["--wrt", "z"], ["--wrt", ""], ["-z"], ["--points"],
]  # fmt: skip
DOMAIN = {
    "log(a)": ["-1", "0"], "log2(a)": ["-4"], "log1p(a)": ["-1"], "sqrt(a)": ["-4", "0"],
    "1/a": ["0", "1e-200"], "a/a": ["0"], "asin(a)": ["2", "1"], "acosh(a)": ["0.5", "1"], "atanh(a)": ["1"],
    "gamma(a)": ["0", "-3", "200"], "lgamma(a)": ["0"], "digamma(a)": ["-1"], "exp(a)": ["1000"],
    "sinh(a)": ["1000"], "a^2": ["1e200"], "a^-1": ["0"], "a^(1/3)": ["-8", "0"], "(-2)^a": ["2", "0.5"],
    "0^a": ["-1", "0"], "cbrt(a)": ["0"], "0*log(a)": ["0"], "max(5, log(a))": ["0"],
    "a + 1.7e308": ["1.7e308"], "where(a < 0, log(a), 1)": ["-1"], "log(1 + exp(a))": ["1000"], "a^a": ["0"],
    "tan(a)/0": ["1"], "9^9^9^9": [""], "a*9^9^9^9": ["1"], "a^9^9^9": ["2"], "(a+1)^1000000": ["1"],
    "gamma(gamma(gamma(a)))": ["6"],
}  # fmt: skip
EXPLOSIVE = [
    "(a+b)^1000000",
    "(a+b+1)^200",
    "a^9^9 - b^9^9",
    "sin(a)^10000*cos(b)^10000",
    "a^(10^300)*b",
    "(a^2-b^2)^999999",
]
HUGE = {
    "100,000 open brackets": b"(" * 100_000,
    "a megabyte of open brackets": b"(" * (1 << 20),
    "closing brackets": b")" * 100_000,
    "unclosed bars": b"|" * 100_001,
    "sin( without end": b"sin(" * 100_000,
    "where( without end": b"where(a<" * 50_000,
    "operators": b"*" * 500_000,
    "more than a megabyte": b"a" + b" + a" * 300_000,
    "too many nodes": b"a" + b"+a" * 210_000,
    "a name of a megabyte": b"n" * 1_000_000,
    "an error in the middle": b"a" + b"+a" * 90_000 + b"$" + b"+a" * 90_000,
    "100,000 unknown functions": b"+".join(b"g%d(a)" % k for k in range(100_000)),
    "100,000 variables": b"+".join(b"a%d" % k for k in range(100_000)),
    "not UTF-8": b"a+\xff",
    "binary": bytes(range(256)) * 1000,
    "zeros": bytes(1 << 20),
}
DEEP = {
    "100,000 nested brackets": b"(" * 100_000 + b"a" + b")" * 100_000,
    "100,000 minus signs": b"-" * 100_000 + b"a",
    "a chain of 100,000": b"a" + b"+a" * 99_000,
    "a tower of powers": b"a^" * 50_000 + b"a",
    "nested functions": b"sin(" * 100_000 + b"a" + b")" * 100_000,
    "1,900 nested sines, all methods": b"sin(" * 1_900 + b"a" + b")" * 1_900,
    "1,900 products, all methods": b"a" + b"*a" * 1_900,
    "doubling, all methods": b"a0 = a"
    + b"".join(b";a%d = a%d*a%d" % (k, k - 1, k - 1) for k in range(1, 600)),
    "a number of a million digits": b"a*0." + b"1" * 1_000_000,
}


def npy(kind: str, shape: str) -> bytes:
    """Return the header of an array file."""
    header = f"{{'descr': {kind}, 'fortran_order': False, 'shape': {shape}, }}"
    return b"\x93NUMPY\x01\x00\x76\x00" + header.encode().ljust(117) + b"\n"


POINTS: dict[str, tuple[str, bytes]] = {
    "empty": ("p.csv", b""),
    "blank": ("p.csv", b"\n\n"),
    "ragged": ("p.csv", b"a,b\n1,2\n3\n"),
    "too wide": ("p.csv", b"a,b\n1,2,3\n"),
    "not numbers": ("p.csv", b"a,b\n1,x\n"),
    "nan": ("p.csv", b"a,b\n1,nan\n"),
    "missing cell": ("p.csv", b"a,b\n1,\n"),
    "missing column": ("p.csv", b"a,c\n1,2\n"),
    "column twice": ("p.csv", b"a,a,b\n1,2,3\n"),
    "a result's name": ("p.csv", b"a,b,value\n1,2,3\n"),
    "open quote": ("p.csv", b'a,b\n"1,2\n'),
    "not UTF-8": ("p.csv", b"a,b\n1,\xff\n"),
    "binary": ("p.csv", bytes(range(256)) * 4096),
    "zeros": ("p.csv", bytes(1 << 22)),
    "a line of 64 MiB": ("p.csv", b"1" * (64 * MIB)),
    "a row of 64 MiB": ("p.csv", b"a,b\n" + b"1" * (64 * MIB)),
    "a quote of 64 MiB": ("p.csv", b'a,b\n"' + b"1\n" * (32 * MIB)),
    "a million columns": ("p.csv", b",".join(b"c%d" % k for k in range(1_000_000)) + b"\n"),
    "a cell of a megabyte": ("p.csv", b"a,b\n1," + b"1" * MIB + b"\n"),
    "wrong after 100,000 rows": ("p.csv", b"a,b\n" + b"1,2\n" * 100_000 + b"3\n"),
    "ragged TSV": ("p.tsv", b"a\tb\n1\n"),
    "no JSON": ("p.jsonl", b"{a: 1}\n"),
    "JSON, deep": ("p.jsonl", b'{"a":' * 100_000),
    "JSON, an array": ("p.jsonl", b"[1, 2]\n"),
    "JSON, text": ("p.jsonl", b'{"a": "1", "b": 2}\n'),
    "JSON, no key": ("p.jsonl", b'{"a": 1}\n'),
    "npy, cut off": ("p.npy", npy("'<f8'", "(1, 2)")[:8]),
    "npy, no rows": ("p.npy", npy("'<f8'", "(1, 2)")),
    "npy, pickled": ("p.npy", npy("'|O'", "(1,)") + b"x" * 64),
    "npy, no literal": ("p.npy", npy("'<f8'", "(10**12, 2)")),
    "npy, a huge shape": ("p.npy", npy("'<f8'", "(1000000000000, 2)")),
}
POINT = ("--a", "0.7", "--b", "0.2")

ROWS = b"x,y,c\n" + b"".join(b"%d,%d,%c\n" % (i, i * i % 7, b"ab"[i % 2]) for i in range(40))
DATA, NET = b"data: {path: d.csv}\n", b"model: {hidden: [4]}\n"
PAIR = b"data: {inputs: [[1], [2]], targets: [0.5, 2]}\n"
FIT = b"model: {formula: y ~ a*log(b*x), parameters: {a: 1, b: -5}}\n"
CONV = (
    b"data: {dataset: digits, shape: [1, 8, 8]}\nmodel: {layers: [{type: conv2d, channels: %d, "
    b"kernel_size: %d, padding: %d}, {type: flatten}, {type: linear}]}\n"
)
CONFIGS = {
    "empty": b"",
    "zeros": bytes(1 << 20),
    "more than a megabyte": b"# " + b"a" * (1 << 20),
    "100,000 open brackets": b"[" * 100_000,
    "100,000 open braces": b"{a: " * 100_000,
    "half a megabyte of quotes": b"a: '" + b"''" * 250_000,
    "a key of a megabyte": b"k" * 1_000_000 + b": 1\n",
    "80,000 unknown keys": b"".join(b"k%d: 1\n" % k for k in range(80_000)),
    "50,000 equal keys": b"seed: 1\n" * 50_000,
    "30,000 faults": DATA + b"model: {hidden: [" + b"x, " * 30_000 + b"]}\n",
    "aliases": b"a: &a [1, 1]\n" + b"".join(b"k%d: &k%d [*a, *a]\n" % (k, k) for k in range(20_000)),
    "tags": DATA + NET + b"name: !!python/object/apply:os.system [touch owned]\n",
    "pickle": pickle.dumps({"data": [1.0] * 1000}),
    "binary": bytes(range(256)) * 4096,
    "UTF-16": DATA.decode().encode("utf-16"),
    "a number of a megabyte": DATA + NET + b"seed: " + b"9" * 1_000_000 + b"\n",
    "100,000 rows, ragged": b"data: {inputs: [" + b"[1,2], " * 100_000 + b"[1]], targets: [1]}\n" + NET,
    "a formula of brackets": PAIR + b"model: {formula: y ~ " + b"(" * 100_000 + b", parameters: {a: 1}}\n",
    "a formula of sums": PAIR + b"model: {formula: y ~ a" + b"+a*x" * 150_000 + b", parameters: {a: 1}}\n",
    "terabytes of weights": DATA + b"model: {hidden: [1000000, 1000000]}\n",
    "gigabytes of weights": DATA + b"model: {hidden: [20000, 20000]}\n",
    "petabytes of images": CONV % (9, 3, 500_000),
    "gigabytes of kernels": CONV % (1_000_000, 900, 500),
    "100,000 layers": DATA + b"model: {hidden: [" + b"1000000, " * 100_000 + b"1]}\n",
    "a billion samples": b"data: {dataset: moons, samples: 1000000000}\n" + NET,
}
DIVERGING = {
    "learning rate 1e300": PAIR + NET + b"optimizer: {type: sgd, learning_rate: 1.0e300}\n",
    "float32": b"data: {inputs: [[1.0e39]], targets: [1.5]}\ndtype: float32\n" + NET,
    "formula": PAIR + FIT,
    "levenberg_marquardt": PAIR + FIT + b"optimizer: levenberg_marquardt\n",
}


def wide(row: bytes) -> bytes:
    """Return a table of 200,000 columns with short names."""
    each = (n for size in (1, 2, 3, 4) for n in itertools.product(string.ascii_letters, repeat=size))
    return ",".join("".join(n) for n in itertools.islice(each, 200_000)).encode() + b"\n" + row * 5


def bomb(size: int, shape: str) -> bytes:
    """Return a small .npz that unpacks to so many zeros."""
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive,
        archive.open("x.npy", "w", force_zip64=True) as member,
    ):
        member.write(npy("'|u1'", shape))
        for _ in range(size >> 20):
            member.write(bytes(1 << 20))
    return stream.getvalue()


def tables() -> dict[str, tuple[str, bytes]]:
    """Return wrong rows to train on, by name: the file's name and its content."""
    zeros, texts = (b",".join([cell] * 200_000) + b"\n" for cell in (b"0", b"a"))
    rows = (b"%dk," % (k % 1000) * 10 + b"%d\n" % (k % 2) for k in range(60_000))
    fine = ("missing column", "a result's name", "ragged TSV")
    found = {
        "200,000 columns, one class": wide(zeros),
        "200,000 columns of texts, one class": wide(texts),
        "200,000 columns, ragged": wide(b"1,2\n"),
        "inputs of gigabytes": b"a,b,c,d,e,f,g,h,i,j,y\n" + b"".join(rows),
        "a million classes": b"x,y\n" + b"".join(b"1,k%d\n" % k for k in range(1_000_000)),
    } | {name: data for name, (file, data) in POINTS.items() if file == "p.csv" and name not in fine}
    archives = {
        "an archive of 4 GiB": bomb(4 << 30, "(4294967296,)"),
        "an archive of 300 MiB": bomb(300 * MIB, "(314572800,)"),
        "an archive of nothing": b"PK\3\4" + bytes(1 << 20),
    }
    return {n: ("d.csv", data) for n, data in found.items()} | {n: ("d.npz", d) for n, d in archives.items()}


def signalled(number: int, after: float) -> Meanwhile:
    """Return what sends a signal once, so many seconds after the start."""
    sent: list[bool] = []

    def meanwhile(process: subprocess.Popen[bytes], seconds: float) -> None:
        if seconds >= after and not sent:
            sent.append(True)
            os.kill(process.pid, number)

    return meanwhile


def cases() -> Iterator[Case]:
    """Yield every case."""
    for text in SYNTAX:
        yield Case("broken syntax", ("grad", text, "--a", "1", "--b", "2"))
    for text in CODE:
        yield Case("code, attributes, subscripts, strings", ("grad", text, "--a", "1"))
    for given in CHARACTERS:
        yield Case("characters: bytes, bidi, confusable, markup", ("grad", given, "--a", "1"))
    for words in BINDINGS:
        # with no binding at all the formulas are the answer
        status = (0,) if not words else (2,)
        yield Case("bindings and options", ("grad", "a*b", *words), status)
    for program, values in DOMAIN.items():
        for value in values:
            yield Case("no such number", ("grad", program, *(("--a", value) if value else ())), (3,))
    for program in EXPLOSIVE:
        yield Case("what would explode", ("grad", program, *POINT), (0, 3))
        yield Case("what would explode, formulas", ("grad", program), (0, 3))
    for text in HUGE.values():
        yield Case("huge and wrong", ("grad", "--file", "-", "--a", "1"), (2,), text)
    for text in DEEP.values():
        yield Case("deep and long", ("grad", "--file", "-", "--a", "0.5"), (0, 2, 3), text)
    for name, content in POINTS.values():
        prints = content.count(b"\n") > 10_000  # rows before the wrong one may be out
        yield Case("points files", ("grad", "a*b", "--points", name), files={name: content}, prints=prints)
    for name in (".", "missing.csv"):
        yield Case("points files", ("grad", "a*b", "--points", name), (4,))
    long = b"a,b\n" + b"1,2\n" * 1_000_000
    for form in ("table", "json", "csv", "value"):
        grad = ("grad", "a*b", *POINT, "--format", form)
        if sys.platform == "linux":
            yield Case("stdout full", grad, (4,), stdout="full")
            yield Case(
                "stdout full",
                ("grad", "a*b", "--points", "p.csv", "--format", form),
                (4,),
                files={"p.csv": long},
                stdout="full",
            )
        yield Case("stdout closed", grad, (4,), stdout="closed")
        yield Case("nobody reads", grad, (141,), stdout="gone")
        yield Case(
            "nobody reads",
            ("grad", "a*b", "--points", "p.csv", "--format", form),
            (141,),
            files={"p.csv": long},
            stdout="gone",
        )
    deep = b"a" + b"*a" * 180_000
    for name, number, status in (("Ctrl-C", signal.SIGINT, 130), ("terminated", signal.SIGTERM, 143)):
        for after in (0.1, 0.2, 0.4):
            yield Case(
                name,
                ("grad", "--file", "-", "--a", "1", "--large"),
                (status,),
                deep * 5,
                meanwhile=signalled(number, after),
            )
            yield Case(
                name,
                ("grad", "--points", "p.csv", "a*b", "--format", "csv"),
                (status,),
                files={"p.csv": long},
                prints=True,
                meanwhile=signalled(number, after),
            )
    for words in (("a*b", *POINT), ("√(a)·β", "--a", "2", "--β", "3"), ("a*", *POINT), ("α²", "--a", "3")):
        yield Case("terminals without Unicode", ("grad", *words), (0, 2), ascii=True)


def training_cases() -> Iterator[Case]:
    """Yield the cases of the trainer's commands."""
    good = {"c.yaml": DATA + NET, "d.csv": ROWS}
    for name, text in CONFIGS.items():
        kind, files = "train: configs", good | {"c.yaml": text}
        yield Case(kind, ("train", "c.yaml"), files=files, note=name)
        # what only the data or its sizes tell is not looked at
        yield Case(kind, ("config", "validate", "-"), (0, 2), text, note=name)
    for path in ("/dev/zero", "/dev/null") if sys.platform == "linux" else ():
        yield Case("train: configs", ("train", path))
        yield Case("train: data", ("train", "c.yaml", f"data.path={path}"), files=good)
        yield Case("model files", ("predict", path, "d.csv"), (4,), files=good)
    for path in (".", "none"):
        yield Case("train: configs", ("train", path), (4,))
        yield Case("train: data", ("train", "c.yaml", f"data.path={path}"), (4,), files=good)
        yield Case("model files", ("predict", path, "d.csv"), (4,), files=good)
    for name, (file, data) in tables().items():
        files, words = good | {file: data}, ("train", "c.yaml", f"data.path={file}")
        large = any(word in name for word in ("columns", "MiB", "million", "gigabytes"))
        bounds = {"seconds": 4 * SECONDS, "memory": 2 * MEMORY} if large else {}
        yield Case("train: data", words, files=files, note=name, **bounds)  # type: ignore[arg-type]
    for name, text in DIVERGING.items():
        files = good | {"c.yaml": text}
        yield Case(
            "train: divergence", ("train", "c.yaml", "-q"), (3,), files=files, leaves=("runs",), note=name
        )
    endless = ("train", "c.yaml", "-q", "training.epochs=1000000000")
    for word in ("--output=no/x.json", "output.dir=d.csv", "output.dir=.", "output.dir=d.csv/run"):
        where = ("-o", "no/x.json") if word.startswith("--") else (word,)
        yield Case("train: destinations", (*endless, *where), (4,), files=good)
    for name, number, status in (("Ctrl-C", signal.SIGINT, 130), ("terminated", signal.SIGTERM, 143)):
        for after in (0.25, 0.5, 1.0):
            meanwhile = signalled(number, after)
            yield Case(
                f"train: {name}", endless, (status,), files=good, leaves=("runs",), meanwhile=meanwhile
            )
    model = trained(good)
    good["m"] = model
    on_rows = [(command, "m", "d.csv") for command in ("predict", "evaluate")]
    writing = [("train", "c.yaml", "-q"), ("trace", "c.yaml"), ("config", "show", "c.yaml"), *on_rows]
    for stdout, status in (("full", 4), ("closed", 4), ("gone", 141)):
        for words in writing if stdout != "full" or sys.platform == "linux" else ():
            yield Case(f"train: {stdout}", words, (status,), files=good, stdout=stdout, leaves=("runs",))
    for size in range(0, len(model), 64):
        files = good | {"m": model[:size]}
        yield Case("model files, cut short", on_rows[0], files=files, note=f"{size} bytes")
    for bit in random.Random(0).sample(range(8 * len(model)), 40):
        flipped = bytearray(model)
        flipped[bit // 8] ^= 1 << bit % 8
        files = good | {"m": bytes(flipped)}
        yield Case("model files, a bit flipped", on_rows[0], files=files, note=f"bit {bit}")
    others = {
        "empty": b"",
        "text": ROWS,
        "pickle": pickle.dumps([1.0] * 1000),
        "zeros": bytes(1 << 20),
        "ones": b"\xff" * 4096,
        "zip": b"PK\3\4" + bytes(4096),
        "blank header": (0xFF0000).to_bytes(8, "little") + b"{" + b" " * (16 << 20),
        "deep header": (1 << 24).to_bytes(8, "little") + b'{"a":' * (1 << 22),
    }
    for name, data in others.items():
        for words in on_rows:
            yield Case("model files", words, files=good | {"m": data}, note=name)
    for name, (file, data) in POINTS.items():
        if file == "p.csv":
            files, prints = good | {"d.csv": data.replace(b"a,b", b"x,y")}, data.count(b"\n") > 10_000
            # a column too many is passed on; rows without a prediction have their reasons beside them
            yield Case("predict: rows", on_rows[0], (0, 2, 3), files=files, prints=True, note=name)
            yield Case("predict: evaluate", on_rows[1], files=files, prints=prints, note=name)


def trained(files: dict[str, bytes]) -> bytes:
    """Return the model file of a short run."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            Path(folder, name).write_bytes(content)
        subprocess.run([*BACKPROP, "train", "c.yaml", "-q"], cwd=folder, check=True, capture_output=True)
        return Path(folder, "runs", "c", "model.safetensors").read_bytes()


def run(case: Case, folder: str) -> Run:
    """Run a case in a folder of its own."""
    for name, content in case.files.items():
        Path(folder, name).write_bytes(content)
    env = environment()
    if case.ascii:
        env.update(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii")
    command = [*BACKPROP, *(os.fsdecode(w) for w in case.words)]
    stdout = None
    if case.stdout == "full":
        stdout = os.open("/dev/full", os.O_WRONLY)
    elif case.stdout == "gone":
        read, stdout = os.pipe()
        os.close(read)
    elif case.stdout == "closed":
        command = ["sh", "-c", 'exec "$0" "$@" >&-', *command]
    try:
        return watch(
            command,
            stdin=case.stdin,
            stdout=stdout,
            env=env,
            cwd=folder,
            timeout=60.0,
            meanwhile=case.meanwhile,
        )
    finally:
        if stdout is not None:
            os.close(stdout)


def faults(case: Case, done: Run, folder: str) -> Iterator[str]:
    """Yield what is wrong with how a case ended."""
    message = done.stderr.decode(errors="replace")
    # as a shell has it
    ended = 128 - done.status if done.status is not None and done.status < 0 else done.status
    if ended not in case.status:
        yield f"status {done.status}, not {' or '.join(map(str, case.status))}"
    if done.status and done.stdout and not case.prints:
        yield f"{len(done.stdout)} bytes on stdout"
    if "Traceback" in message or "internal error" in message or "Exception ignored" in message:
        yield "a fault of ours on stderr: " + message.strip().splitlines()[-1]
    lines = [line for line in message.splitlines() if not line.startswith(("note:", "warning:"))]
    begins = '{"error": {' if "json" in case.words else "backprop: error: "
    silent = done.status == 3 and case.prints  # the reasons stand beside the rows
    if done.status in (2, 3, 4) and not silent and not (lines and lines[0].startswith(begins)):
        yield f"no message: {message[:80]!r}"
    told = sum(line.startswith("backprop: error: ") for line in lines)
    # a config has a line for each of its faults, up to 25 of them
    if len(lines) > (4 if told < 2 else 60) or len(message) > (2000 if told < 2 else 8000):
        yield f"a message of {len(lines)} lines and {len(message)} characters"
    if "\x1b" in message:
        yield "an escape sequence on stderr"
    if done.seconds > case.seconds:
        yield f"{done.seconds:.1f} s"
    if done.peak > case.memory:
        yield f"{mib(done.peak)}"
    if left := set(os.listdir(folder)) - {*case.files, *case.leaves}:
        yield f"left files behind: {left}"


def label(case: Case) -> str:
    """Write a case for a message, cut to a line."""
    words = " ".join(os.fsdecode(w) for w in case.words)
    for names in (HUGE, DEEP):
        words += "".join(f" ({name})" for name, text in names.items() if text == case.stdin and not case.note)
    words += "".join(f" ({name})" for name, (_, data) in POINTS.items() if data in case.files.values())
    words += f" ({case.note})" if case.note else ""
    words += f" (stdout {case.stdout})" if case.stdout != "collect" else ""
    return ascii(words if len(words) < 90 else words[:60] + "..." + words[-27:])[1:-1]


def main() -> None:
    """Run every case and print the table."""
    ended: dict[str, list[tuple[Case, Run]]] = {}
    broken: list[str] = []
    begin = time.perf_counter()
    wanted = sys.argv[1] if len(sys.argv) > 1 else ""
    for case in (case for case in (*cases(), *training_cases()) if wanted in case.kind):
        with tempfile.TemporaryDirectory() as folder:
            done = run(case, folder)
            broken += [f"{case.kind}: `{label(case)}`: {fault}" for fault in faults(case, done, folder)]
        ended.setdefault(case.kind, []).append((case, done))
    rows: list[list[object]] = []
    for kind, each in ended.items():
        slowest = max(each, key=lambda pair: pair[1].seconds)
        statuses = ", ".join(map(str, sorted({str(done.status) for _, done in each})))
        peak = max(done.peak for _, done in each)
        rows.append(
            [kind, len(each), statuses, shown(slowest[1].seconds), mib(peak), f"`{label(slowest[0])}`"]
        )
    count = sum(map(len, ended.values()))
    bounds = f"at most {SECONDS:g} s and {mib(MEMORY)} each (large tables and archives: 20 s and 1 GiB)"
    print_table(f"Bad input: {count} command lines, {bounds}, {setting()}",
                ["class", "cases", "statuses", "slowest", "largest", "the slowest"], rows)  # fmt: skip
    took = shown(time.perf_counter() - begin)
    print(f"\n{count} command lines in {took}; {len(broken) or 'no'} bounds broken.")
    for line in broken:
        print(f"- {line}")
    sys.exit(1 if broken else 0)


if __name__ == "__main__":
    main()
