"""What ``train --sweep`` does once its words are read: runs as they end on stderr, then all of them."""

from __future__ import annotations

import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from ..errors import ANSWERED, INTERRUPTED, NO_SUCH_NUMBER, TERMINATED, UsageError, counted
from .training import FORMATS, HELD, chart_room, signals

if TYPE_CHECKING:
    from ..api.sweep import Sweeping
    from ..api.trials import Written
    from ..training.comparison import RunFacts
    from ..training.sweeping import Swept, Trial
    from .output import Output


def sweep(
    output: Output,
    source: Written,
    overrides: Sequence[str],
    sweeps: Sequence[str],
    *,
    target: str | None,
    resume: bool,
    dry_run: bool,
    jobs: int,
    threads: int,
) -> int:
    """Run ``backprop train --sweep`` and return its exit status."""
    from ..api.sweep import Sweeping
    from ..render.terminal import at_terminal
    from ..training import sweeping
    from .output import check_destination

    if not output.drawn and output.format not in FORMATS:
        raise UsageError(f"train --sweep prints {', '.join(FORMATS)}, not {output.format}")
    check_destination(output.file)
    if output.drawn and not sweeps:
        raise UsageError("folds alone have no chart: -o FILE.svg is for --sweep")
    note = output.note
    axes = [sweeping.axis(text) for text in sweeps]
    sweeping.refuse_stdin(source.path)
    if dry_run:
        planned = sweeping.trials(sweeping.with_folds(axes, source.load, overrides))
        sweeping.check(source.load, overrides, planned)
        output.write("".join(f"{'  '.join(trial.settings)}\n" for trial in planned))
        return ANSWERED
    found = Sweeping(source, overrides, axes, jobs=jobs, threads=threads, resume=resume)
    for text in _told(found, resume):
        note(f"note: {text}")
    for text in found.problem.notes:
        note(f"note: {text}")
    with signals() as received:
        _show(found, found.steps(lambda: bool(received)), note, bool(output.quiet))
    answer = found.result()
    if received:
        words = ["backprop", "train", source.path, *overrides, *(w for s in sweeps for w in ("--sweep", s))]
        words += [] if target is None else ["--target", target]
        words += [] if jobs == 1 else ["--jobs", str(jobs)]
        words += [] if threads == 1 else ["--threads", str(threads)]
        done = sum(run.state == "finished" for run in answer.runs)
        note(
            f"interrupted: {done} of {counted(len(found.trials), 'run')} finished; to go on: "
            f"{shlex.join([*words, '--resume'])}"
        )
    if output.drawn:
        output.draw(answer.picture)
    else:
        output.show(answer.document())
        if output.format == "table" and not output.to_file and at_terminal() and answer.best and sweeps:
            output.write(_chart(answer.swept))
    if received:
        return TERMINATED if received[0] == signal.SIGTERM else INTERRUPTED
    return ANSWERED if answer.best is not None else NO_SUCH_NUMBER


def _told(found: Sweeping, resume: bool) -> Iterator[str]:
    """Yield where the runs are written, and what is there already."""
    if found.instead:
        holds = HELD.get(found.instead, "a run")
        yield f"{found.asked} holds {holds}; this sweep is in {found.folder}"
    if resume:
        yield f"{found.folder}: {found.kept} of {counted(len(found.trials), 'run')} are finished already"


def _chart(swept: Swept) -> str:
    """Return the chart for a terminal."""
    from ..render.sweep import terminal

    return "\n" + terminal(swept, **chart_room())


def _show(
    found: Sweeping,
    steps: Iterator[tuple[Trial, RunFacts]],
    note: Callable[[str], None],
    quiet: bool,
) -> None:
    """Train, with a bar at a terminal, and a line for each run that ends."""
    from ..render.sweep import progress

    of, done = len(found.trials), found.kept
    if quiet or sys.stderr is None or not sys.stderr.isatty():
        for _, run in steps:
            done += 1
            note(progress(run, done, of, found.measure))
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    from rich.text import Text

    console = Console(stderr=True, markup=False, highlight=False, emoji=False)
    columns = (
        TextColumn("run", markup=False),
        MofNCompleteColumn(),
        BarColumn(bar_width=12),
        TimeRemainingColumn(compact=True),
    )
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=of, completed=done)
        for _, run in steps:
            done += 1
            bar.update(task, completed=done)
            console.print(Text(progress(run, done, of, found.measure)))
