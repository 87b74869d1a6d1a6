"""What ``train`` does once its words are read: progress on stderr, signals, the summary."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import ANSWERED, INTERRUPTED, NO, NO_SUCH_NUMBER, TERMINATED, UsageError, counted
from .progress import TrainingBar, reading, shows, watched

if TYPE_CHECKING:
    from ..api.trials import Written
    from ..engine.devices import Devices
    from ..engine.processes import Place
    from ..training.config import Loaded
    from ..training.problem import Problem
    from ..training.run import Run
    from .output import Output

SAVING = "saving; again to stop at once"

THREAD_VARIABLES = (
    "OPENBLAS_NUM_THREADS",
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


XLA_THREADS = "NPROC"
"""What XLA asks for how many threads it may take of the processor."""

FORMATS = ("table", "json", "csv", "tsv", "markdown")
"""What train prints; without --sweep the first two."""

HELD = {"finished": "an earlier run", "running": "a run that is being trained", "sweep": "a sweep"}
"""What is in a folder that another run is asked for."""


def use_threads(count: int) -> None:
    """Fix how many threads matrix products have; before NumPy is imported."""
    os.environ.update(dict.fromkeys(THREAD_VARIABLES, str(count)))
    os.environ.setdefault(XLA_THREADS, str(count))


def train(
    output: Output,
    loaded: Loaded,
    config: str,
    overrides: Sequence[str],
    *,
    target: str | None,
    resume: bool,
    force: bool,
    dry_run: bool,
    check_gradients: bool,
    threads: int,
    among: int | None = None,
    place: Place | None = None,
) -> int:
    """Run ``backprop train`` of one config, among so many devices, and return its exit status."""
    from ..api.training import finish
    from ..render import training as show
    from ..render.writers.terminal import write, write_plain
    from ..training.folder import CHECKPOINTS, checkpoints_in
    from ..training.problem import assemble
    from ..training.run import Run, digests
    from ..training.start import going_on
    from .output import check_destination

    if output.drawn:
        raise UsageError("train draws into its folder (loss.svg); -o FILE.svg is for --sweep")
    if output.format not in ("table", "json"):
        raise UsageError(f"train prints a table or JSON, not {output.format}")
    check_destination(output.file)
    note = output.note
    devices = None
    if among is not None:
        from ..engine.devices import Devices

        devices = Devices(among)
        if not devices.first:
            output.quiet = 2  # process 0 says it all
    with reading(output):
        problem = assemble(loaded, going_on(loaded) if resume else None)
    if problem.dropped:
        note(f"note: left out {counted(problem.dropped, 'row')} with missing values (data.missing)")
    for text in problem.notes:
        note(f"note: {text}")
    if check_gradients:
        from ..training.gradcheck import check_gradients as compare

        checked = list(compare(problem))
        good = all(c.agree for c in checked)
        grid = show.checked_grid(checked)
        if dry_run or not good:
            output.write(write([grid], to_file=output.to_file))
        else:
            for line in write_plain([grid]).splitlines():
                note(line)
        if not good:
            note("reverse mode and finite differences disagree: nothing is trained")
            return NO
        if dry_run:
            return 0
    if dry_run:
        output.write(write(show.setup(problem), to_file=output.to_file))
        return 0
    if resume and force:
        raise UsageError("--resume goes on with a run, --force starts over: one of them")
    if devices is not None and devices.several:
        devices.same(digests(problem))
        if not devices.first:
            return _followed(problem, devices)
    run = Run(problem, resume=resume, force=force, threads=threads, devices=devices)
    if run.training.other_engine is not None:
        note(f"note: {run.training.other_engine}")
    for text in run.broken:
        note(f"warning: passed over a damaged checkpoint: {text}")
    for text in where(run):
        note(f"note: {text}")
    began = time.monotonic()
    try:
        with signals(None if output.quiet else SAVING) as received:
            show_steps(run, received, output)
    except KeyboardInterrupt:
        saved = checkpoints_in(run.folder)
        on = f"--resume goes on from {run.path(CHECKPOINTS)}/{saved[-1]}" if saved else "nothing was saved"
        note(f"stopped at once; {on}")
        raise
    if run.training.interrupted:
        moved = run.instead or resume
        words = [
            "backprop",
            "train",
            config,
            *(o for o in overrides if not (moved and o.partition("=")[0].strip() == "output.dir")),
            *([f"output.dir={run.folder}"] if moved else []),
            *(["--target", target] if target is not None else []),
            *(["--threads", str(threads)] if threads > 1 else []),
            *(["--devices", str(among)] if among is not None else []),
            *(place.words if place is not None else []),
            "--resume",
        ]
        note(f"interrupted after update {run.training.progress.step:,}; to go on: {shlex.join(words)}")
        return _interrupted(received)
    seconds = time.monotonic() - began
    for alarm in run.ending:
        for line in show.alarm_text(alarm).splitlines():
            output.alarm(line)
    finish(run, seconds)
    report = show.document(run, seconds)
    if output.format == "json":
        output.show(report)
    else:
        output.write(write(report.page(), to_file=output.to_file) + curve(run, output.file))
    return NO_SUCH_NUMBER if run.alarms.diverged else ANSWERED


def placed(loaded: Loaded, option: str) -> None:
    """Refuse devices and processes where nothing divides its rows among them.

    Raises:
        UsageError: where it is so, and where JAX is not installed.
    """
    from ..engine.choice import required
    from ..optimization.settings import LevenbergMarquardt

    config = loaded.config
    if config.training.engine == "numpy":
        raise UsageError(f"{option} is for --engine jax")
    if isinstance(config.optimizer, LevenbergMarquardt):
        raise UsageError(f"{option} divides batches, and Levenberg-Marquardt has none")
    required(config.training.engine)


def _followed(problem: Problem, devices: Devices) -> int:
    """Train along with process 0, which says and writes all that there is."""
    from ..training.fitting import follow, training_of

    with signals() as received:
        done = follow(training_of(problem, devices), devices, lambda: bool(received))
    return ANSWERED if done else _interrupted(received)


def _interrupted(received: Sequence[int]) -> int:
    return TERMINATED if list(received[:1]) == [signal.SIGTERM] else INTERRUPTED


STREAM = "data.stream=true"
"""What --stream overrides."""


def written(config: str, target: str | None, note: Callable[[str], None], *, stream: bool) -> Written:
    """Return a config to be read; for a file of rows one is made, and what was guessed is said.

    Args:
        config: Its path, or that of the rows.
        target: The column to predict.
        note: Says a line.
        stream: Look at the first rows alone.
    """
    from ..api.trials import Written
    from ..training.data.inspection import is_table, proposal

    if not is_table(config):
        # what is missing, a folder or a pipe is refused where it is read
        if target is not None and (config == "-" or os.path.isfile(config)):
            raise UsageError(
                "--target goes with a file of rows", hint=f"data.target={target} overrides a config's"
            )
        return Written(config)
    folder = os.path.dirname(config) or os.curdir
    found, text = proposal(config, target, folder, stream=stream)
    if stream:
        note(f"note: guessed by the first {counted(found.rows, 'row')}")
    for line in found.notes():
        note(f"note: guessed {line}")
    if not stream:
        note(f"note: backprop config init {shlex.quote(config)} prints the whole config")
    stem = os.path.basename(config).partition(".")[0]
    return Written(config, text, folder, stem, target)


def where(run: Run) -> Iterator[str]:
    """Yield where a run is written, where that is not plain, and what it goes on from."""
    from ..training.config.yaml_text import to_flow

    if run.resumed:
        yield f"resumed from {run.resumed}, epoch {run.training.progress.epoch + 1}"
        for epoch, key, before, after in run.changes:
            yield f"from epoch {epoch + 1} on {key} is {to_flow(after)}, was {to_flow(before)}"
        if any(key.startswith("data.") for _, key, *_ in run.changes) and run.problem.scaled:
            yield "the other rows are scaled as those that the run began with"
        if run.training.progress.epoch >= run.problem.config.training.rounds:
            yield "this run is at its end; training.epochs=N goes on to more epochs"
    if run.instead == "unfinished":
        on = f"output.dir={run.asked} --resume"
        yield f"{run.asked} holds an unfinished run, which {on} goes on with; this one is in {run.folder}"
    elif run.instead:
        holds = HELD[run.instead]
        yield f"{run.asked} holds {holds}; this one is in {run.folder}"
    if run.replaced:
        kind = "earlier" if run.replaced == "finished" else "unfinished"
        yield f"the {kind} run in {run.folder} is replaced"


def curve(run: Run, output: str | None) -> str:
    """Return the loss curve for a terminal, nothing for a pipe."""
    from ..render.terminal import at_terminal

    if output is not None or not at_terminal() or len(run.history) < 2:
        return ""
    from ..render.curve import terminal_curve

    return "\n" + terminal_curve(run.history, **chart_room())


def chart_room() -> dict[str, Any]:
    """Return the size of a chart below a table at a terminal, and how it may be drawn there."""
    import shutil

    from ..render.terminal import screen_for

    screen, high = screen_for(), shutil.get_terminal_size().lines - 4
    width, height = min(screen.width, 100), max(10, min(high, 18))
    return {"width": width, "height": height, "unicode": screen.unicode, "color": screen.color}


@contextlib.contextmanager
def signals(says: str | None = None) -> Iterator[list[int]]:
    """Collect SIGINT and SIGTERM instead of ending at once; the second one ends.

    Args:
        says: What is said on stderr when the first one comes.
    """
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)
        if says is not None:
            with contextlib.suppress(OSError):  # at once, whatever is being written meanwhile
                os.write(sys.stderr.fileno(), f"\r{says}\n".encode())

    before: dict[int, Any] = {}
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            before[number] = signal.signal(number, note)
    try:
        yield received
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def show_steps(run: Run, received: Sequence[int], output: Output) -> None:
    """Train, with a progress bar at a terminal and a line now and then in a pipe; alarms as they come."""
    from ..render.training import alarm_text, epoch_text, is_logged

    epochs = run.problem.config.training.rounds

    def stop() -> bool:
        return bool(received)

    if not shows(output):
        run.training.says = lambda text: output.note(f"note: {text}")
        for step in run.steps(stop):
            if is_logged(step.record.epoch) or step.record.epoch == epochs or run.training.progress.ended:
                output.note(epoch_text(run.history[-1], epochs, run.problem.config.training.round))
            for alarm in step.alarms:
                for line in alarm_text(alarm).splitlines():
                    output.alarm(line)
        return
    from rich.text import Text

    from ..render.palette import painted
    from ..render.terminal import colors

    with TrainingBar(run) as bar:
        run.training.says = bar.says
        for step in run.steps(watched(stop, bar.beat)):
            bar.epoch()
            for alarm in step.alarms:
                bar.console.print(Text.from_ansi(painted(alarm_text(alarm), "doubt", colors(sys.stderr))))
