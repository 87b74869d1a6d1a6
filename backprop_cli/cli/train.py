"""``backprop train``: a network or a formula from a config."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from ..engine.cores import idle_cores
from ..errors import UsageError
from .command import HELP, Documented
from .common import answers, engine_option
from .output import Output
from .training import FORMATS


class Threads(click.IntRange):
    """A number of threads; ``auto`` is as many as there are idle cores."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return idle_cores() if value == "auto" else super().convert(value, param, ctx)


@click.command("train", cls=Documented, context_settings=HELP)
@click.argument("config", metavar="CONFIG")
@click.argument("overrides", nargs=-1, metavar="[KEY=VALUE]...")
@click.option("--target", metavar="COLUMN", help="With a file of rows as CONFIG: what to predict.")
@click.option("--stream", is_flag=True, help="Never hold all rows in memory: data.stream of a config.")
@click.option("--resume", is_flag=True, help="Go on where the last run of this name stopped.")
@click.option("--force", is_flag=True, help="Start over in the folder of an earlier run.")
@click.option(
    "--sweep",
    "sweeps",
    metavar="KEY=VALUES",
    multiple=True,
    help="Train once for each of a list 0,0.01 or range 1e-4:1e-1:log4, 0:1:5 of values; of several keys, "
    "once for each combination.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=1,
    show_default=True,
    help="Runs of a sweep at once; their numbers do not depend on it.",
)
@click.option("--dry-run", is_flag=True, help="Check config, data and shapes; train nothing.")
@click.option("--check-gradients", is_flag=True, help="Compare reverse mode with finite differences first.")
@engine_option("What trains, in place of training.engine")
@click.option(
    "--devices", type=click.IntRange(1, 4096), help="With --engine jax: divide each batch among so many."
)
@click.option(
    "--process", metavar="N/COUNT", help="This process of several that train together, from 0: 0/2 and 1/2."
)
@click.option("--coordinator", metavar="HOST:PORT", help="Where process 0 is to be reached by the others.")
@click.option(
    "--threads",
    type=Threads(1, 1024),
    default=1,
    show_default=True,
    help="Threads for matrix products, auto: as many as cores are idle; the bits of a run depend on it.",
)
@click.option(
    "--format",
    "format_",
    type=click.Choice(FORMATS),
    help="How to print the summary; csv and so on of a sweep.",
)
@click.option(
    "-o",
    "output",
    metavar="FILE",
    help="Write the summary to a file; of a sweep a picture, too (.svg, .png).",
)
@click.option("-q", "--quiet", count=True, help="No progress or notes; -qq: no alarms, either.")
@answers(None, draws=True)
def command(
    output: Output,
    config: str,
    overrides: tuple[str, ...],
    target: str | None,
    stream: bool,
    resume: bool,
    force: bool,
    sweeps: tuple[str, ...],
    jobs: int,
    dry_run: bool,
    check_gradients: bool,
    engine: str | None,
    devices: int | None,
    process: str | None,
    coordinator: str | None,
    threads: int,
) -> int:
    """Train what CONFIG describes; KEY=VALUE overrides a key of it.

    CONFIG may be a file of rows (CSV and the like): then it is looked at as config init does, the guesses are
    told, and it is trained at once.

    The run's folder (runs/NAME, or output.dir) takes the resolved config, the log, checkpoints, the
    trained model and a summary. Where a run is there already, or is being written, the new one goes to
    runs/NAME-2. An interrupted run goes on with --resume, to the same bits; with another number of
    epochs, learning rate or other rows it goes on another way.

    --sweep trains over values of keys, each run into a folder of its own (runs/NAME/1, ...), and compares
    them.
    """

    from ..engine.processes import Place
    from .training import STREAM, train, use_threads, written

    place = Place.of(process, coordinator)
    use_threads(threads)
    if engine is not None:
        overrides = (*overrides, f"training.engine={engine}")
    if stream:
        overrides = (*overrides, STREAM)
    source = written(config, target, output.note, stream=STREAM in overrides)
    loaded = None if sweeps else source.load(overrides)
    if loaded is None or loaded.config.data.several:
        from .sweep import sweep

        for name, given in (
            ("--force", force), ("--check-gradients", check_gradients), ("--devices", devices is not None),
            ("--process", place is not None),
        ):  # fmt: skip
            if given:
                raise UsageError(f"{name} is for one run, --sweep and data.folds make several")
        return sweep(
            output,
            source,
            overrides,
            sweeps,
            target=target,
            resume=resume,
            dry_run=dry_run,
            jobs=jobs,
            threads=threads,
        )
    if jobs > 1:
        raise UsageError(
            "--jobs is for the runs of --sweep and data.folds",
            hint="--threads is for the matrix products of one",
        )
    run = partial(
        train,
        output,
        loaded,
        config,
        overrides,
        target=target,
        resume=resume,
        force=force,
        dry_run=dry_run,
        check_gradients=check_gradients,
        threads=threads,
    )
    if devices is None and place is None:
        return run()
    from .processes import apart
    from .training import placed

    placed(loaded, "--process" if place else "--devices")
    if place is None:
        return run(among=devices)
    from ..engine.processes import joined

    return apart(place, partial(joined, place), partial(run, among=devices or 1, place=place))
