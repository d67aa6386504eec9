"""`elyte run` and `elyte status`."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from elyte.chemistry import Recipe
from elyte.cli.display import Display, duration, wide_console
from elyte.cli.recipe import check_reference
from elyte.core.errors import FormatError, InputError
from elyte.learning import Project, Stopped, start
from elyte.learning.driver import run as run_loop
from elyte.report import build_report, print_properties
from elyte.report.project import collect
from elyte.workflow import ProjectLock
from elyte.workflow.store import write_whole


def run(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")],
    project: Annotated[
        Path | None,
        typer.Option(help="Project folder; by default the recipe file's name without its ending."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Replace the recipe's seed.")] = None,
) -> None:
    """Go the whole way from a recipe to a report; on the same folder again, go on."""
    loaded = Recipe.load(recipe)
    check_reference(loaded, recipe.name)
    settings = start.settings(loaded, seed=seed)
    folder = project or Path(recipe.stem)
    console = wide_console()
    with ProjectLock(folder), Display(console) as display:
        _remember(recipe, folder, display)
        reference = loaded.reference
        with Project(folder, loaded.workers, reference.cores, reference.time_limit) as work:
            try:
                _stop_on_interrupt(work)
                state = run_loop(start.first_state(settings), work, display)
                data = collect(state, work, loaded, display)
            except (KeyboardInterrupt, Stopped):
                display.say("stopped; everything finished is kept")
                display.say(f"go on with: elyte run {recipe} --project {folder}")
                raise typer.Exit(130) from None
        page = build_report(data, folder / "report")
        display.say("the report is written")
    print_properties(data.quantities, console)
    for warning in data.warnings:
        console.print(f"[yellow]note[/yellow]  {escape(warning)}")
    console.print(f"report: {page}", markup=False)


def _stop_on_interrupt(project: Project) -> None:
    """Let Ctrl-C raise KeyboardInterrupt here, and leave a mark for where that is swallowed.

    Python drops an exception that is raised inside a callback from C.
    """

    def interrupted(number: int, frame: object) -> None:
        project.stop.set()
        raise KeyboardInterrupt

    signal.signal(signal.SIGINT, interrupted)


def _remember(recipe: Path, folder: Path, display: Display) -> None:
    """Keep the recipe with the project, and say when it has changed since the last run."""
    text = recipe.read_text()
    kept = folder / "recipe.yaml"
    if kept.exists() and kept.read_text() != text:
        display.say("the recipe has changed since the last run; work that still applies is reused")
    write_whole(kept, text.encode())


def status(
    folder: Annotated[Path, typer.Argument(help="Project folder.")],
) -> None:
    """Say where a run stands: stage, labels, errors by round, production, quarantine."""
    path = folder / "status.json"
    if not path.is_file():
        raise InputError(
            f"{folder} is not a project folder: there is no status.json in it; "
            "start one with `elyte run RECIPE --project DIR`"
        )
    try:
        _print_status(json.loads(path.read_text(encoding="utf-8")))
    except (ValueError, KeyError, TypeError) as error:
        raise FormatError(f"{path} is not what a run writes ({error!r})") from error


def _print_status(state: dict[str, Any]) -> None:
    console = Console(highlight=False)
    table = Table("round", "labels", "new", "F own", "F train", "grade", "stopped", "time")
    for record in state["rounds"]:
        table.add_row(
            str(record["index"]),
            str(record["labels"]),
            str(record["new_labels"]),
            _milli(record["own_force_rmse"]),
            _milli(record["train_force_rmse"]),
            "–" if record["max_grade"] != record["max_grade"] else f"{record['max_grade']:.1f}",
            f"{record['stopped']}/{record['trajectories']}",
            duration(sum(record["seconds"].values())),
        )
    console.print(table)
    console.print(f"stage: {state['stage']}, round {state['round']}")
    if state["finished_learning"]:
        console.print(f"learning ended: {state['finished_learning']}")
    for chain in state["chains"]:
        before, after = len(chain["equilibration"]), len(chain["production"])
        segments = f"{before} segments of equilibration and {after} of production"
        console.print(f"{chain['temperature']:g} K, run {chain['replica'] + 1}: {segments}")
    for line in [*state["quarantined"], *state["messages"]]:
        console.print(f"[yellow]note[/yellow]  {escape(line)}")


def _milli(value: float) -> str:
    return "–" if value != value else f"{1000 * value:.0f} meV/Å"
