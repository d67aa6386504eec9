"""Runs one after another: ramps of temperature and pressure that bring a packing to a liquid."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from ase import Atoms

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.progress import Progress, silent
from elyte.dynamics.settings import RunSettings
from elyte.dynamics.simulate import RunResult, simulate
from elyte.dynamics.stops import Observer, StopRule


def run_ladder(
    frame: Frame | Atoms,
    potential: Any,
    stages: Sequence[RunSettings],
    seed: int = 0,
    observers: Sequence[Observer] = (),
    stop_rules: Sequence[StopRule] = (),
    progress: Progress | None = None,
) -> list[RunResult]:
    """Run stages one after another, each from where the last one ended.

    Args:
        frame: where the first stage begins.
        potential: as for `simulate`.
        stages: settings of each stage.
        seed: of the velocities, thermostats and barostats.
        observers, stop_rules: see every stage.
        progress: called with the steps done of all stages together.

    Returns:
        The results of the stages that ran: the last one is not done when a rule ended it.

    Raises:
        InputError: there is no stage.
    """
    if not stages:
        raise InputError("a ladder needs at least one stage")
    total = sum(stage.steps for stage in stages)
    results: list[RunResult] = []
    done = 0
    for index, stage in enumerate(stages):
        part = _part(progress or silent, done, total, f"stage {index + 1} of {len(stages)}")
        state = results[-1].state.with_new_baths(stage.chain_length) if results else None
        result = simulate(frame, potential, stage, state, seed, observers, stop_rules, part)
        results.append(result)
        if not result.outcome.done:
            break
        done += stage.steps
    return results


def _part(progress: Progress, before: int, total: int, name: str) -> Callable[..., None]:
    def report(done: float, _: float, note: str = "") -> None:
        progress(before + done, total, f"{name}, {note}" if note else name)

    return report


def liquid_ladder(
    temperature: float,
    pressure_bar: float = 1.0,
    time: float = 20_000.0,
    timestep: float = 1.0,
    squeeze_bar: float = 2000.0,
    anneal: float = 1.2,
    **settings: Any,
) -> list[RunSettings]:
    """Return the stages that bring a loose packing to a liquid at its density.

    Warm up at constant volume (a tenth of the time), squeeze (two tenths), release the pressure
    while hotter than the target (three tenths), and cool to it (four tenths).

    Args:
        temperature: K.
        pressure_bar: at the end, bar.
        time: of all stages together, fs.
        timestep: fs.
        squeeze_bar: pressure that closes the gaps of the packing, bar.
        anneal: highest temperature, as a multiple of the target.
        settings: further fields of every `RunSettings`.
    """
    hot = anneal * temperature
    base = RunSettings(temperature=temperature, timestep=timestep, **settings)

    def stage(part: float, **fields: Any) -> RunSettings:
        return replace(base, steps=max(1, round(part * time / timestep)), **fields)

    # A quick barostat for the squeeze: its rate is compressibility × pressure / time.
    quick = min(500.0, base.barostat_time)
    squeeze = {"pressure_bar": squeeze_bar, "barostat_time": quick}
    return [
        stage(0.1, ensemble="NVT", temperature=(0.1 * temperature, temperature)),
        stage(0.2, ensemble="NPT", temperature=(temperature, hot), **squeeze),
        stage(0.3, ensemble="NPT", temperature=hot, pressure_bar=(squeeze_bar, pressure_bar)),
        stage(0.4, ensemble="NPT", temperature=(hot, temperature), pressure_bar=pressure_bar),
    ]
