"""`elyte train`, `elyte evaluate`: fit a moment tensor potential to labels, and judge one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console

from elyte.cli.display import Display
from elyte.core.errors import FormatError, InputError
from elyte.core.formats import read_dataset
from elyte.core.frame import Dataset
from elyte.potentials.loading import load
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.training import Weights, smallest_distance
from elyte.potentials.mtp.training import train as train_potential
from elyte.validation.errors import errors

DISTANCE_MARGIN = 0.95  # the radial functions reach a little below the smallest distance seen

Data = Annotated[
    list[Path], typer.Argument(help="Labelled frames: extxyz, .cfg, OUTCAR, DeePMD folder.")
]
EnergyKey = Annotated[str | None, typer.Option(help="Name of the energy in an extxyz.")]
ForcesKey = Annotated[str | None, typer.Option(help="Name of the forces in an extxyz.")]
StressKey = Annotated[str | None, typer.Option(help="Name of the stress in an extxyz.")]
Species = Annotated[
    str | None, typer.Option(help="Elements of type 0, 1, … of .cfg files: 'Li,Ti,O'.")
]


def train(
    data: Data,
    out: Annotated[Path, typer.Option(help="The trained potential, .almtp or .mtp.")],
    level: Annotated[int, typer.Option(help="Level of the potential, 2–28.")] = 16,
    cutoff: Annotated[float, typer.Option(help="Å.")] = 5.0,
    radial_size: Annotated[int, typer.Option(help="Chebyshev polynomials.")] = 8,
    init: Annotated[Path | None, typer.Option(help="Go on from this potential.")] = None,
    weights: Annotated[
        str, typer.Option(help="Of energy, forces, stress: 'E,F,S'.")
    ] = "1,0.01,0.01",
    held_out: Annotated[
        float, typer.Option(help="Part of the frames kept to see when to stop.")
    ] = 0.0,
    max_time: Annotated[float | None, typer.Option(help="Seconds.")] = None,
    threads: Annotated[int, typer.Option(help="Threads.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the random start.")] = 0,
    species: Species = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
) -> None:
    """Train a moment tensor potential on labelled frames."""
    dataset = _read(data, energy_key, forces_key, stress_key, species)
    initial = _initial(dataset, init, species, level, cutoff, radial_size, seed)
    kept, validation = _split(dataset, held_out, seed)
    with Display() as display:
        result = train_potential(
            initial,
            kept,
            weights=_weights(weights),
            validation=validation,
            threads=threads,
            max_seconds=max_time,
            progress=display.stage("train"),
            seed=seed,
        )
    result.potential.save(out)
    last = result.history[-1]
    console = Console(highlight=False)
    console.print(
        f"{last.iteration} iterations, {last.gradients:.0f} gradients in {last.seconds:.1f} s; "
        f"loss {result.history[0].loss:.3g} → {last.loss:.3g}. {result.outcome.reason}"
    )
    console.print(errors(result.potential, kept).table(f"training set, {len(kept)} frames"))
    if validation:
        held = errors(result.potential, validation)
        console.print(held.table(f"held-out part, {len(validation)} frames"))
    console.print(f"saved {out}", soft_wrap=True)


def evaluate(
    potential: Annotated[Path, typer.Argument(help="An .almtp or .mtp file.")],
    data: Data,
    species: Species = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
) -> None:
    """Compare a potential with labelled frames."""
    trained = _load(potential, species)
    symbols = species or ",".join(trained.symbols)
    dataset = _read(data, energy_key, forces_key, stress_key, symbols)
    names = ", ".join(path.name for path in data)
    table = errors(trained, dataset).table(f"{potential.name} on {names}, {len(dataset)} frames")
    Console(highlight=False).print(table)


def _read(
    paths: Sequence[Path],
    energy_key: str | None,
    forces_key: str | None,
    stress_key: str | None,
    species: str | None,
) -> Dataset:
    named = None if species is None else _symbols(species)
    dataset = Dataset()
    for path in paths:
        dataset = dataset + read_dataset(path, energy_key, forces_key, stress_key, named)
    return dataset


def _initial(
    dataset: Dataset,
    init: Path | None,
    species: str | None,
    level: int,
    cutoff: float,
    radial_size: int,
    seed: int,
) -> MTP:
    if init is None:
        shortest = round(DISTANCE_MARGIN * smallest_distance(dataset.frames), 3)
        return MTP.initial(level, dataset.species, cutoff, shortest, radial_size, seed)
    return _load(init, species)


def _load(path: Path, species: str | None) -> MTP:
    """Read a potential; `species` names the types of a file that does not name them itself."""
    try:
        return load(path)
    except FormatError:
        if species is None:
            raise
        return load(path, _symbols(species))


def _symbols(species: str) -> list[str]:
    return [name.strip() for name in species.split(",")]


def _split(dataset: Dataset, held_out: float, seed: int) -> tuple[Dataset, Dataset | None]:
    """Return the frames to train on and, where a part is to be held out, these."""
    if not 0 <= held_out < 1:
        raise InputError(f"the part held out must lie in [0, 1), not {held_out}")
    count = round(held_out * len(dataset))
    if count == 0:
        return dataset, None
    order = np.random.default_rng(seed).permutation(len(dataset)).tolist()
    chosen = set(order[:count])
    return (
        Dataset(item for k, item in enumerate(dataset) if k not in chosen),
        Dataset(item for k, item in enumerate(dataset) if k in chosen),
    )


def _weights(text: str) -> Weights:
    try:
        energy, force, stress = (float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(f"weights are three numbers 'E,F,S', not '{text}'") from error
    return Weights(energy, force, stress)
