"""`elyte train`, `elyte evaluate`: fit a moment tensor potential to labels, and judge one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console

from elyte.cli.display import Display
from elyte.core.errors import FormatError, InputError
from elyte.core.formats import read_dataset
from elyte.core.frame import Dataset
from elyte.potentials.combine import Mean
from elyte.potentials.loading import load
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.ensemble import SHARE, member_path, split, train_ensemble
from elyte.potentials.mtp.training import TrainingResult, Weights, smallest_distance
from elyte.potentials.mtp.training import train as train_potential
from elyte.selection import EnsembleSelector
from elyte.validation.errors import errors

DISTANCE_MARGIN = 0.95  # the radial functions reach a little below the smallest distance seen
USUAL_WEIGHTS = f"{Weights.energy:g},{Weights.force:g},{Weights.stress:g}"

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
    ] = USUAL_WEIGHTS,
    weight_of: Annotated[
        list[str] | None,
        typer.Option(help="Factor of frames of one config_type: 'start=0.5'; may be repeated."),
    ] = None,
    ensemble: Annotated[
        int, typer.Option(help="Train so many, from different starts and splits: OUT-1, OUT-2, …")
    ] = 1,
    tolerance: Annotated[
        float, typer.Option(help="End where an iteration gains less of the loss, three in a row.")
    ] = 1e-2,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Keep the state here after every iteration; go on from it if it exists."),
    ] = None,
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
    if ensemble < 1:
        raise InputError(f"an ensemble has at least one member, not {ensemble}")
    options: dict[str, Any] = {
        "weights": _weights(weights, weight_of or [], dataset),
        "threads": threads,
        "max_seconds": max_time,
        "tolerance": tolerance,
    }
    starts = [
        _initial(dataset, init, species, level, cutoff, radial_size, seed + k)
        for k in range(ensemble)
    ]
    share = held_out or (SHARE if ensemble > 1 else 0.0)
    with Display() as display:
        told = {"progress": display.stage("train"), **options}
        if ensemble > 1:
            results = train_ensemble(starts, dataset, share, seed, checkpoint, **told)
        else:
            kept, validation = split(dataset, share, seed)
            results = [
                train_potential(
                    starts[0], kept, validation=validation, seed=seed, state=checkpoint, **told
                )
            ]
    for k, result in enumerate(results):
        kept, validation = split(dataset, share, seed + k)
        path = out if ensemble == 1 else member_path(out, k)
        result.potential.save(path)
        _tell(result, kept, validation, path)


def _tell(result: TrainingResult, kept: Dataset, validation: Dataset | None, path: Path) -> None:
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
    console.print(f"saved {path}", soft_wrap=True)


def evaluate(
    potential: Annotated[Path, typer.Argument(help="An .almtp or .mtp file.")],
    data: Data,
    others: Annotated[
        list[Path] | None,
        typer.Option("--with", help="Further members of an ensemble; may be repeated."),
    ] = None,
    species: Species = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
) -> None:
    """Compare a potential, or the mean of an ensemble, with labelled frames."""
    trained = _load(potential, species)
    members = [trained, *(_load(path, species) for path in others or [])]
    symbols = species or ",".join(trained.symbols)
    dataset = _read(data, energy_key, forces_key, stress_key, symbols)
    names = ", ".join(path.name for path in data)
    console = Console(highlight=False)
    if len(members) == 1:
        title = f"{potential.name} on {names}, {len(dataset)} frames"
        console.print(errors(trained, dataset).table(title))
        return
    title = f"mean of {len(members)} potentials on {names}, {len(dataset)} frames"
    console.print(errors(Mean(tuple(members)), dataset).table(title))
    console.print(_doubt(members, dataset))


def _doubt(members: Sequence[MTP], dataset: Dataset) -> str:
    """Say how far the members disagree, and whether this tells the error of their mean."""
    selector = EnsembleSelector(members[1:])
    spread, error = [], []
    for item in dataset:
        if item.labels.forces is not None:
            (mean,) = Mean(tuple(members)).evaluate([item.frame])
            spread.append(selector.grades(members[0], item.frame))
            error.append(np.linalg.norm(mean.forces - item.labels.forces, axis=1))
    if not error:
        return "no frame has forces to compare the members' spread with"
    spreads, norms = np.concatenate(spread), np.concatenate(error)
    both_vary = spreads.std() > 0 and norms.std() > 0
    related = float(np.corrcoef(spreads, norms)[0, 1]) if both_vary else float("nan")
    return (
        f"members disagree on an atom's force by {1000 * spreads.mean():.0f} meV/Å on average; "
        f"correlation with the error of their mean: {related:.2f}"
    )


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
        if level % 2 or not 2 <= level <= 28:
            raise InputError(f"--level is {level}; levels are even numbers from 2 to 28")
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


def _weights(text: str, factors: Sequence[str], dataset: Dataset) -> Weights:
    try:
        energy, force, stress = (float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(f"weights are three numbers 'E,F,S', not '{text}'") from error
    of_types, there = {}, sorted({item.config_type for item in dataset})
    for entry in factors:
        name, _, value = entry.rpartition("=")
        try:
            of_types[name] = float(value)
        except ValueError as error:
            raise InputError(f"a weight of a config_type is 'name=2.0', not '{entry}'") from error
        if name not in there:
            raise InputError(
                f"no frame has the config_type '{name}'; there are: {', '.join(map(repr, there))}"
            )
    return Weights(energy, force, stress, config_types=of_types)
