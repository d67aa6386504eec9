"""From a recipe to the first state of its run."""

from __future__ import annotations

from elyte.chemistry import Recipe, plan_composition, read_structure
from elyte.learning.state import Settings, State
from elyte.reference import EngineSettings


def first_state(settings: Settings) -> State:
    """Return the state in which every run begins."""
    return State(settings)


def settings(recipe: Recipe, seed: int | None = None) -> Settings:
    """Return the plain values of a recipe on which the course of its run depends.

    Args:
        recipe: a valid recipe.
        seed: instead of the recipe's own.

    Raises:
        RecipeError: the composition cannot be realised.
    """
    composition = plan_composition(recipe)
    learning, production, reference = recipe.learning, recipe.production, recipe.reference
    engine = EngineSettings(
        engine=reference.engine,
        method=reference.method,
        accuracy=reference.accuracy,
        electronic_temperature=reference.electronic_temperature,
        max_iterations=reference.max_iterations,
    )
    cells = composition.solid
    frames = [
        read_structure(recipe.structure, cell.repeat) if cells else None
        for cell in cells or (None, None)
    ]
    return Settings(
        label_counts=composition.label.counts,
        production_counts=composition.production.counts,
        label_cell=frames[0],
        production_cell=frames[1],
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
    )
