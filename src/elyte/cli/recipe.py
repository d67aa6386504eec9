"""`elyte plan` and `elyte schema`: what a recipe would do, and what a recipe may say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from ase.data import atomic_numbers
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from elyte.chemistry import Box, Composition, Recipe, plan_composition
from elyte.chemistry.quantities import format_time
from elyte.chemistry.species import element_counts
from elyte.cli.display import duration
from elyte.core.errors import InputError, MissingDependency, RecipeError
from elyte.core.frame import Frame
from elyte.reference import ENGINES, EngineSettings, find_engine

# Measured on one core of a server (AVX-512) with the native potential.
STEP_MICROSECONDS = {8: 1.0, 12: 2.0, 16: 4.5, 20: 13.0, 24: 40.0, 28: 120.0}
TRAINING_SECONDS = 45.0  # level 16, six elements, 150 frames
TYPICAL_ROUNDS = 6


@dataclass(frozen=True)
class Work:
    """How much there is to do, and about how long it takes, in seconds.

    Args:
        labels: (start set, labels of a round, at most in all).
        label_time, training_time, exploration_time, production_time: s; label_time is nan for an
            engine whose speed is not known.
    """

    labels: tuple[int, int, int]
    label_time: float
    training_time: float
    exploration_time: float
    production_time: float

    @property
    def total(self) -> float:
        """All of it, s."""
        parts = (self.training_time, self.exploration_time, self.production_time)
        return float(np.nansum([self.label_time, *parts]))


def estimate_work(recipe: Recipe, composition: Composition) -> Work:
    """Return how much work a recipe is on the cores it asks for, with six rounds of learning."""
    learning, production = recipe.learning, recipe.production
    rounds = min(learning.max_rounds, TYPICAL_ROUNDS)
    begin = learning.start_frames + sum(learning.start.values())
    labels = min(learning.max_labels, begin + rounds * learning.labels_per_round)
    per_label = _label_seconds(recipe, composition)
    levels = np.array(sorted(STEP_MICROSECONDS))
    costs = np.array([STEP_MICROSECONDS[level] for level in levels])
    step = float(np.exp(np.interp(recipe.potential.level, levels, np.log(costs)))) * 1e-6
    explored = rounds * learning.trajectories * learning.trajectory_time / learning.timestep
    length = (production.npt_time + production.nvt_time) / production.timestep
    produced = length * production.trajectories * len(recipe.temperatures)
    training = TRAINING_SECONDS * step / 4.5e-6 * composition.label.atoms / 88.0
    return Work(
        labels=(begin, learning.labels_per_round, learning.max_labels),
        label_time=labels * per_label / recipe.workers,
        training_time=(rounds + 1) * min(training, learning.train_time),
        exploration_time=explored * composition.label.atoms * step / recipe.workers,
        production_time=produced * composition.production.atoms * step / recipe.workers,
    )


def _label_seconds(recipe: Recipe, composition: Composition) -> float:
    """Return about how long one label takes, s; nan for an engine of which nobody knows."""
    reference = recipe.reference
    settings = EngineSettings(reference.name, options=reference)
    seconds = ENGINES[reference.name].seconds(_label_frame(composition), settings)
    return seconds / float(reference.cores)


def _label_frame(composition: Composition) -> Frame:
    """Return a frame with the atoms and the size of a labelled box; they all lie in its corner."""
    box = composition.label
    symbols = [
        symbol
        for name, count in box.counts.items()
        for symbol, n in _elements(composition, name).items()
        for _ in range(count * n)
    ]
    numbers = np.array([atomic_numbers[symbol] for symbol in symbols])
    everywhere = np.ones(3, dtype=bool)
    return Frame(numbers, np.zeros((len(numbers), 3)), box.edge * np.eye(3), everywhere)


def _elements(composition: Composition, name: str) -> dict[str, int]:
    species = composition.species.get(name)
    return {name: 1} if species is None else dict(element_counts(species))


def check_reference(recipe: Recipe, source: str) -> None:
    """Refuse an engine or a method that elyte does not have before anything is computed.

    Raises:
        RecipeError: no engine, or no method of it, has this name.
        MissingDependency: the engine is not installed.
    """
    settings = EngineSettings(recipe.reference.name, options=recipe.reference)
    frame = _label_frame(plan_composition(recipe))
    try:
        find_engine(settings.engine).check(frame, settings)
    except InputError as error:
        raise RecipeError(f"{source}: reference: {error}") from None


def plan(
    recipe: Annotated[Path, typer.Argument(help="Recipe (YAML).")],
) -> None:
    """Say what a recipe would do: molecules, atoms, concentrations, labels, time."""
    loaded = Recipe.load(recipe)
    absent = ""
    try:
        check_reference(loaded, recipe.name)
    except MissingDependency as error:  # a plan is made anywhere; a run needs the engine
        absent = str(error)
    composition = plan_composition(loaded)
    console = Console(highlight=False)
    console.print(f"[bold]{escape(loaded.title)}[/bold]  {_conditions(loaded)}")
    console.print(_boxes(composition))
    if not composition.solid:
        console.print(_concentrations(loaded, composition))
    alone = not composition.solid and composition.production.molecules == 1
    first = "NVT" if alone else "NPT"  # one molecule makes no liquid under a barostat
    console.print(_work(loaded, estimate_work(loaded, composition), first))
    for note in [*composition.notes, *([absent] if absent else [])]:
        console.print(f"[yellow]note[/yellow]  {escape(note)}")


def _conditions(recipe: Recipe) -> str:
    temperatures = ", ".join(f"{t:g}" for t in recipe.temperatures)
    return f"{temperatures} K, {recipe.pressure:g} bar"


def _boxes(composition: Composition) -> Table:
    table = Table("box", "molecules", "atoms", "edge", "mass", "charge", title="Boxes")
    for name, box in (("labelled", composition.label), ("production", composition.production)):
        edge = f"{box.edge:.1f} Å"
        table.add_row(
            name, str(box), str(box.atoms), edge, f"{box.mass:.0f} u", _charge(box.charge)
        )
    kind = "of the structure file" if composition.solid else "estimated from additive volumes"
    table.caption = (
        f"density {composition.density:.3f} g/cm³ ({kind}, {composition.temperature:g} K)"
    )
    return table


def _charge(charge: int) -> str:
    return f"{charge:+d}" if charge else "0"


def _concentrations(recipe: Recipe, composition: Composition) -> Table:
    table = Table("component", "amount asked", "box", "mole fraction", "mol/L", "mol/kg solvent")
    table.title = "What is realised"
    for component in recipe.components:
        asked = _amount(component.amount, component.kind)
        for name, box in (("labelled", composition.label), ("production", composition.production)):
            table.add_row(component.name, asked, name, *_realised(box, component.name))
            asked = ""
    return table


def _amount(amount: float, kind: str) -> str:
    if kind.endswith("%"):
        return f"{100 * amount:g} {kind}"
    return f"{amount:g}" if kind == "ratio" else f"{amount:g} {kind}"


def _realised(box: Box, name: str) -> tuple[str, str, str]:
    molality = f"{box.molality[name]:.3f}" if name in box.molality else "–"
    return f"{box.mole_fractions[name]:.4f}", f"{box.molarity[name]:.3f}", molality


def _work(recipe: Recipe, work: Work, first: str) -> Table:
    learning, production = recipe.learning, recipe.production
    start, each, most = work.labels
    engine = f"{recipe.reference.name}, {recipe.reference.method}"
    potential = recipe.potential
    runs = production.trajectories * len(recipe.temperatures)
    rows = [
        (
            f"labels ({engine})",
            f"{start} to begin with, up to {each} a round, {most} at most",
            work.label_time,
        ),
        (
            "training",
            f"{potential.family} of level {potential.level}, cutoff {potential.cutoff:g} Å",
            work.training_time,
        ),
        (
            "exploration",
            f"{learning.trajectories} × {format_time(learning.trajectory_time)} a round at "
            + ", ".join(f"{t:g}" for t in recipe.exploration_temperatures)
            + " K",
            work.exploration_time,
        ),
        (
            "production",
            f"{runs} × ({format_time(production.npt_time)} {first} + "
            f"{format_time(production.nvt_time)} NVT)",
            work.production_time,
        ),
    ]
    table = Table("work", "what", "about", title="What would be done")
    for name, what, seconds in rows:
        table.add_row(name, what, duration(seconds) if np.isfinite(seconds) else "unknown")
    table.add_section()
    cores = f"{recipe.workers} cores, {min(learning.max_rounds, TYPICAL_ROUNDS)} rounds"
    table.add_row("together", cores, duration(work.total))
    return table


def schema() -> None:
    """Print the JSON schema of recipes, for editors."""
    document = Recipe.model_json_schema(by_alias=True)
    document["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    document["title"] = "elyte recipe"
    typer.echo(json.dumps(document, indent=2, ensure_ascii=False))
