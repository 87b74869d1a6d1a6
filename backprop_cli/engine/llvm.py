"""LLVM: text to machine code of this processor, and the points of a tape by it (the ``[fast]`` extra).

Machine code is kept as long as the process lives and never written to a file: that takes some hundredths of a
second again in the next one, and nobody can put code of theirs in its place.
"""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Callable, Sequence
from functools import cache, lru_cache, partial
from threading import Lock, Thread
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ..errors import installing
from ..graph import Node
from .elementary import FARTHEST, ROWS
from .lanes import Lane, Lanes

Floats = npt.NDArray[np.float64]

LONGEST = 1_500
"""Instructions of a program that is compiled: within two seconds."""

KEPT = 64
"""Compiled programs that are kept."""

PIECE = 1 << 15
"""Rows that a thread takes at a time."""


class Machine(NamedTuple):
    """A processor that vector code is written for.

    Attributes:
        width: float64 numbers in a vector.
        target: Makes what LLVM knows of it, which the code compiled with it takes over.
    """

    width: int
    target: Callable[[], Any]


class NotCompiled(Exception):
    """There is no machine code, and why."""


def machine() -> Machine:
    """Return this processor.

    Raises:
        NotCompiled: without llvmlite, and for one without fused multiply-add in wide vectors.
    """
    if os.environ.get("BACKPROP_FAST", "1") == "0":
        raise NotCompiled("BACKPROP_FAST is 0")
    return _machine()


@cache
def _machine() -> Machine:
    try:
        import llvmlite.binding as llvm
    except ImportError:
        raise NotCompiled(f"llvmlite is not installed: {installing('fast')}") from None
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features()
    has = {name for name in ("avx512f", "avx512dq", "avx2", "fma") if features.get(name)}
    width = 8 if {"avx512f", "avx512dq"} <= has else 4 if {"avx2", "fma"} <= has else 0
    if not width:
        raise NotCompiled("the processor lacks AVX2 or FMA")
    triple = llvm.Target.from_triple(llvm.get_process_triple())
    name, flags = llvm.get_host_cpu_name(), features.flatten()
    return Machine(width, partial(triple.create_target_machine, cpu=name, features=flags, opt=2, jit=True))


class _Compiled:
    """A function of machine code, and the engine that owns the code."""

    def __init__(self, function: Callable[..., None], engine: Any) -> None:
        self.function = function
        self.engine = engine

    def __call__(self, *pointers: Any) -> None:
        self.function(*pointers)


@lru_cache(maxsize=KEPT)
def compiled(text: str, name: str, pointers: int) -> Callable[..., None]:
    """Return a function of so many pointers and a count.

    Raises:
        NotCompiled: where LLVM does not take it, or the process has no function that it calls.
    """
    here = machine()
    import llvmlite.binding as llvm

    try:
        module = llvm.parse_assembly(text)
        for function in module.functions:
            if function.is_declaration and not function.name.startswith("llvm."):
                llvm.add_symbol(function.name, _address(function.name))
        engine = llvm.create_mcjit_compiler(module, here.target())
        engine.finalize_object()
    except RuntimeError as error:
        raise NotCompiled(f"LLVM says {str(error).splitlines()[0]}") from error
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * pointers, ctypes.c_int64)
    return _Compiled(kind(engine.get_function_address(name)), engine)


def _address(name: str) -> int:
    """Return where a function of C's mathematics is, the one that floats are computed with."""
    try:
        # a library is looked through with those that it is linked to
        function = getattr(ctypes.CDLL(getattr(math, "__file__", None)), name)
    except (AttributeError, OSError, TypeError):
        raise NotCompiled(f"there is no {name} to be called") from None
    return ctypes.cast(function, ctypes.c_void_p).value or 0


# Points


class Program(NamedTuple):
    """A tape, as far as machine code depends on it.

    Attributes:
        steps: Row and operands of every instruction; of a number itself, as `float.hex` writes it.
        columns: Leaves that vary from row to row, in order.
        outputs: Results, of which the first may be -0.0.
        watched: Results that have to be finite besides.
        apart: Truths, and what each weighs, that set a row apart where they come to `enough`.
        enough: Of what `apart` weighs.
    """

    steps: tuple[tuple[str, tuple[int, ...]], ...]
    columns: tuple[int, ...]
    outputs: tuple[int, ...]
    watched: tuple[int, ...]
    apart: tuple[tuple[int, int], ...]
    enough: int


class Points:
    """Instructions over rows: what a `numpy.Steps` computes, in one pass over memory.

    Args:
        nodes: The instructions.
        columns: Leaves that vary from row to row, in order.
        outputs: As of `Program`, like the others.
        watched: As of `Program`.
        apart: As of `Program`.
        enough: As of `Program`.
    Raises:
        NotCompiled: for an instruction that no row of `ROWS` writes, and where LLVM cannot help.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        columns: Sequence[int],
        outputs: Sequence[int],
        watched: Sequence[int],
        apart: Sequence[tuple[int, int]],
        enough: int,
    ) -> None:
        self.width = machine().width
        self.how = f"{self.width} at a time"
        if len(nodes) > LONGEST:
            raise NotCompiled(f"{len(nodes):,} instructions are more than {LONGEST:,}")
        missing = {node.op.name for node in nodes if node.op is not None} - ROWS.keys()
        if missing:
            raise NotCompiled(f"there is no machine code for {min(missing)}")
        steps = tuple((node.op.name if node.op else node.value.hex(), node.inputs) for node in nodes)
        program = Program(steps, tuple(columns), tuple(outputs), tuple(watched), tuple(apart), enough)
        self._function = _compiled_points(self.width, program)

    def run(self, columns: Sequence[Floats], results: Sequence[Floats], threads: int = 1) -> npt.NDArray[Any]:
        """Compute results, (rows,) each, and return the rows for which they mean nothing or others decide."""
        rows = len(results[0])
        arrays = [np.ascontiguousarray(column, float) for column in columns]
        if rows < self.width:  # a vector at least
            arrays = [np.resize(column, self.width) for column in arrays]
            wide = [np.empty(self.width) for _ in results]
            flagged = self.run(arrays, wide)
            for result, part in zip(results, wide, strict=True):
                result[:] = part[:rows]
            return flagged[flagged < rows]
        flags = np.empty(rows, bool)

        def piece(start: int, size: int) -> None:
            inputs, outputs = (
                (ctypes.c_void_p * len(several))(*(array.ctypes.data + 8 * start for array in several))
                for several in (arrays, results)
            )
            self._function(inputs, outputs, flags.ctypes.data + start, size)

        # pieces are handed out as they are done: a busy core takes fewer of them
        starts = range(0, max(1, rows - PIECE + 1), PIECE) if threads > 1 else [0]
        waiting = iter(zip(starts, (*starts[1:], rows), strict=True))
        lock = Lock()

        def work() -> None:
            while True:
                with lock:
                    start, end = next(waiting, (0, 0))
                if not end:
                    return
                piece(start, end - start)

        others = [Thread(target=work) for _ in range(min(threads, len(starts)) - 1)]
        for other in others:
            other.start()
        work()
        for other in others:
            other.join()
        return np.flatnonzero(flags)


@lru_cache(maxsize=KEPT)
def _compiled_points(width: int, program: Program) -> Callable[..., None]:
    return compiled(points_text(width, program), "points", 3)


def points_text(width: int, program: Program) -> str:
    """Return the function ``points(columns, results, flags, rows)``; rows are a vector's at least.

    The last vector begins where it ends with the last row: some rows are computed twice.
    """
    steps, columns, outputs, watched, apart, enough = program
    xp = Lanes(width)
    lanes = {id: xp.load(xp.at(f"%column{k}", "%i")) for k, id in enumerate(columns)}
    used = {*outputs, *watched, *(truth for truth, _ in apart)}
    # what may be nan or infinite where no later result shows it
    unkept = set(range(len(steps)))
    for k in range(len(steps) - 1, -1, -1):
        name, operands = steps[k]
        if k in used and operands:
            used.update(operands)
            unkept.difference_update(operands[p] for p in ROWS[name].keeps)
    finite = xp.number(0.0)
    far: list[Lane] = []
    for k in sorted(used):
        name, operands = steps[k]
        if not operands:
            lanes.setdefault(k, xp.number(float.fromhex(name)))
            continue
        row, xs = ROWS[name], [lanes[i] for i in operands]
        if row.far:
            far.append(xp.compare("ugt", abs(xs[0]), FARTHEST))
            xs = [xp.where(far[-1], 0.0, xs[0])]
        lanes[k] = xp.as_number(row.write(xp, *xs))
        if k in unkept:  # 0 times what is not finite is nan, and so is every sum with it
            finite = xp.fma(0.0, lanes[k], finite)
    weight = xp.number(0.0)
    for truth, share in apart:
        weight = weight + xp.where(xp.truth(lanes[truth]), float(share), 0.0)
    flags = (finite != finite) | (weight >= float(enough))
    for beyond in far:
        flags = flags | beyond
    value, *slopes = map(lanes.__getitem__, outputs)
    # + 0: sums of contributions begin with 0, so no slope is -0.0
    for k, x in enumerate((value, *(slope + 0.0 for slope in slopes))):
        xp.store(x, xp.at(f"%result{k}", "%i"))
    xp.lines.append(f"%wide = zext {xp.type('i1')} {flags.name} to {xp.type('i8')}")
    xp.lines.append(f"store {xp.type('i8')} %wide, ptr %flag, align 1")
    bases = [
        line
        for name, count in (("column", len(columns)), ("result", len(outputs)))
        for k in range(count)
        for line in (
            f"%{name}{k}.at = getelementptr ptr, ptr %{name}s, i64 {k}",
            f"%{name}{k} = load ptr, ptr %{name}{k}.at, align 8",
        )
    ]
    return "\n".join(
        (
            *xp.declared,
            "define void @points(ptr %columns, ptr %results, ptr %flags, i64 %rows) {",
            "start:",
            *bases,
            f"%last = sub i64 %rows, {width}",
            "br label %vector",
            "vector:",
            "%i = phi i64 [ 0, %start ], [ %next, %vector ]",
            "%flag = getelementptr i8, ptr %flags, i64 %i",
            *xp.lines,
            f"%after = add i64 %i, {width}",
            "%beyond = icmp sgt i64 %after, %last",
            "%next = select i1 %beyond, i64 %last, i64 %after",
            "%done = icmp sge i64 %i, %last",
            "br i1 %done, label %end, label %vector",
            "end:",
            "ret void",
            "}",
        )
    )
