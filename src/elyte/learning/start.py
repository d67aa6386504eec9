"""From a recipe to the first state of its run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from elyte.chemistry import (
    Recipe,
    completed,
    determine,
    find_species,
    plan_composition,
    read_structure,
)
from elyte.chemistry.species import atom_count
from elyte.core.errors import RecipeError
from elyte.learning.hybrid import Hybrid
from elyte.learning.state import Settings, State
from elyte.reference import EngineSettings
from elyte.reference.classical import parameter_notes, without_parameters, without_tables
from elyte.reference.dispersion import DispersionSettings
from elyte.sampling import cheap_engine

LONG_SAMPLERS = ("ladder", "equilibrium", "modifiers", "refined")
"""Samplers whose dynamics last for the recipe's `start_time`."""
MOST_REFERENCE_STEPS = 1000
"""Steps of 1 fs that the reference itself may drive a sampler."""


def first_state(settings: Settings) -> State:
    """Return the state in which every run begins; it says what its compositions leave open."""
    state = State(settings)
    if settings.label_cell is not None:
        return state
    message = determine(settings.label_counts).message
    if message:
        state = state.saying(f"{message} ('learning: compositions: determined')")
    for note in _doubts(settings):
        state = state.saying(note)
    return state


def _doubts(settings: Settings) -> list[str]:
    """Return what is doubtful in the parameters that GAFF2 has for the molecules."""
    engines = (settings.engine, settings.sampler_engine)
    names = {name for engine in engines for name in engine.get("molecules", ())}
    return [f"GAFF2 by analogy: {note}" for note in parameter_notes(names)]


def settings(recipe: Recipe, seed: int | None = None) -> Settings:
    """Return the plain values of a recipe on which the course of its run depends.

    Args:
        recipe: a valid recipe.
        seed: instead of the recipe's own.

    Raises:
        RecipeError: the composition cannot be realised.
    """
    composition = plan_composition(recipe)
    learning, production = recipe.learning, recipe.production
    engine = _reference(recipe, composition.label.counts)
    cells = [read_structure(recipe.structure, cell.repeat) for cell in composition.solid or ()]
    return Settings(
        label_counts=_compositions(recipe, composition.label.counts),
        production_counts=composition.production.counts,
        label_cell=cells[0] if cells else None,
        production_cell=cells[1] if cells else None,
        density=composition.density,
        engine=engine.as_dict(),
        level=recipe.potential.level,
        cutoff=recipe.potential.cutoff,
        radial_size=recipe.potential.radial_size,
        weights=learning.weights.model_dump(),
        temperatures=recipe.temperatures,
        pressure=recipe.pressure,
        seed=recipe.seed if seed is None else seed,
        start_frames=learning.start_frames,
        start_densities=learning.start_densities,
        start_scale=learning.start_scale,
        start_rattle=learning.start_rattle,
        exploration_temperatures=recipe.exploration_temperatures,
        exploration_timestep=learning.timestep,
        trajectories=learning.trajectories,
        trajectory_time=learning.trajectory_time,
        grade_every=learning.grade_every,
        grade_save=learning.grade_save,
        grade_stop=learning.grade_stop,
        labels_per_round=learning.labels_per_round,
        max_rounds=learning.max_rounds,
        refinements=learning.refinements,
        max_labels=learning.max_labels,
        force_error_target=learning.force_error_target,
        train_seconds=learning.train_time,
        selection=learning.selection,
        mode=learning.mode,
        timestep=production.timestep,
        replicas=production.trajectories,
        npt_time=production.npt_time,
        nvt_time=production.nvt_time,
        segment_time=production.segment_time,
        save_every=production.save_every,
        relabelled=production.relabelled,
        thermostat=production.thermostat,
        barostat=production.barostat,
        dispersion=dispersion(recipe),
        samplers={name: n for name, n in learning.start.items() if n},
        sampler_engine=_sampler_engine(recipe, composition.label.counts, engine.as_dict()),
        sampler_time=learning.start_time,
        reactions=learning.reactions,
    )


def _reference(recipe: Recipe, counts: Mapping[str, int]) -> EngineSettings:
    """Return the settings of the reference; the classical one describes what it can by GAFF2.

    Raises:
        RecipeError: the reference is the classical force field, which has no parameters.
    """
    reference = recipe.reference
    if reference.name != "classical" or recipe.structure:
        return EngineSettings(reference.name, options=reference)
    missing = _reasons(recipe, counts)
    if missing:
        raise RecipeError(f"reference: the classical force field has no parameters for {missing}")
    molecules = sorted({*reference.molecules, *without_tables(counts)})
    return EngineSettings(reference.name, options=reference, molecules=tuple(molecules))


def _compositions(recipe: Recipe, counts: Mapping[str, int]) -> tuple[dict[str, int], ...]:
    """Return the compositions of the labelled boxes, the recipe's own first."""
    found = label_compositions(counts, bool(recipe.structure))
    if recipe.learning.compositions == "richer" or recipe.structure:
        return found
    return tuple(completed(found))


def _sampler_engine(
    recipe: Recipe, counts: Mapping[str, int], reference: dict[str, Any]
) -> dict[str, Any]:
    """Return the engine that drives the start set's samplers; none without samplers.

    Raises:
        RecipeError: the classical force field is asked for, and has no parameters; or dynamics
            by the reference would take thousands of its calculations.
    """
    chosen = recipe.learning.start_engine
    if not recipe.learning.start:
        return {}
    found = reference
    if chosen != "reference":
        found = cheap_engine([] if recipe.structure else list(counts), reference)
    if chosen == "classical" and found["engine"] != "classical":
        missing = _reasons(recipe, counts)
        what = f"has no parameters for {missing}" if missing else "needs OpenMM"
        raise RecipeError(f"learning.start_engine: the classical force field {what}")
    _affordable(recipe, found, counts)
    return found


def _reasons(recipe: Recipe, counts: Mapping[str, int]) -> str:
    """Return the species without parameters, and why, as part of a sentence; "" if none."""
    missing = {} if recipe.structure else without_parameters(counts)
    return "; ".join(f"{name} ({reason})" for name, reason in missing.items())


def _affordable(recipe: Recipe, engine: Mapping[str, Any], counts: Mapping[str, int]) -> None:
    """Refuse long dynamics by anything but the classical force field."""
    long_ones = [name for name in recipe.learning.start if name in LONG_SAMPLERS]
    steps = round(recipe.learning.start_time)
    if engine["engine"] != "classical" and long_ones and steps > MOST_REFERENCE_STEPS:
        missing = _reasons(recipe, counts)
        why = f"does not know {missing}" if missing else "is not installed, or was not wanted"
        raise RecipeError(
            f"learning.start_time: {steps / 1000:g} ps of {', '.join(long_ones)} would be driven "
            f"by {engine['engine']} itself, {steps} calculations for each few frames (the "
            f"classical force field {why}); "
            f"set it to at most {MOST_REFERENCE_STEPS / 1000:g} ps, or leave these samplers out"
        )


def dispersion(recipe: Recipe) -> dict[str, Any] | None:
    """Return what the tasks are to know of the dispersion, or None when labels stay as they are."""
    chosen = recipe.dispersion
    if chosen.method == "none":
        return None
    settings = DispersionSettings(
        functional=chosen.functional,
        method=chosen.method,
        cutoff=chosen.cutoff,
        smoothing=chosen.smoothing,
        three_body=chosen.three_body,
    )
    hybrid = Hybrid(settings, in_labels=chosen.labels == "with", potential=chosen.potential)
    return None if hybrid.is_trivial else hybrid.as_dict()


def label_compositions(
    counts: Mapping[str, int], solid: bool = False
) -> tuple[dict[str, int], ...]:
    """Return the composition of the labelled boxes, and a richer one if there are few ions.

    A small box of a dilute solution may hold one ion pair, so that ions of one kind never meet
    in it, as they do in the production: their interaction would be left to chance. Boxes with
    twice the ions in about as many atoms teach it. They also tell apart the energies of the
    species, of which a single composition fixes only a sum.
    """
    base = {name: int(n) for name, n in counts.items()}
    ions = {} if solid else {n: c for n, c in base.items() if find_species(n).charge}
    solvents = [name for name in base if name not in ions]
    if solid or not ions or not solvents or min(ions.values()) > 2:
        return (base,)
    added = sum(atom_count(find_species(n)) * c for n, c in ions.items())
    size = sum(atom_count(find_species(n)) * base[n] for n in solvents)
    shrink = max(0.3, 1 - added / size)
    richer = {n: 2 * c if n in ions else max(1, round(shrink * c)) for n, c in base.items()}
    return (base, richer)
