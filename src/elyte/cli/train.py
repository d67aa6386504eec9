"""`elyte train`, `elyte evaluate`: fit a moment tensor potential to labels, and judge one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Console
from rich.markup import escape

from elyte.cli.display import Display
from elyte.cli.elements import elements_of
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

LEVEL, CUTOFF, RADIAL_SIZE = 16, 5.0, 8
SUFFIXES = (".almtp", ".mtp")  # by which a potential is known again
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
    level: Annotated[
        int | None, typer.Option(help=f"Level of the potential, 2–28 (default: {LEVEL}).")
    ] = None,
    cutoff: Annotated[
        float | None, typer.Option(help=f"Reach of the potential, Å (default: {CUTOFF:g}).")
    ] = None,
    radial_size: Annotated[
        int | None, typer.Option(help=f"Number of radial functions (default: {RADIAL_SIZE}).")
    ] = None,
    init: Annotated[
        Path | None,
        typer.Option(help="Go on from this potential, which keeps its level, cutoff and size."),
    ] = None,
    weights: Annotated[
        str, typer.Option(help="Of energy, forces, stress: 'E,F,S'.")
    ] = USUAL_WEIGHTS,
    weight_of: Annotated[
        list[str] | None,
        typer.Option(help="Factor of frames of one config_type: 'start=0.5'; may be repeated."),
    ] = None,
    ensemble: Annotated[
        int,
        typer.Option(
            min=1, help="Train so many, from different starts and splits: OUT-1, OUT-2, …"
        ),
    ] = 1,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0.0, help="End where an iteration gains less of the loss, three in a row."
        ),
    ] = 1e-2,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Keep the state here after every iteration; go on from it if it exists."),
    ] = None,
    held_out: Annotated[
        float, typer.Option(help="Part of the frames kept to see when to stop.")
    ] = 0.0,
    max_time: Annotated[
        float | None, typer.Option(min=0.0, help="End after so many seconds.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Threads.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the random start.")] = 0,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a potential that is there.")
    ] = False,
    species: Species = None,
    energy_key: EnergyKey = None,
    forces_key: ForcesKey = None,
    stress_key: StressKey = None,
) -> None:
    """Train a moment tensor potential on labelled frames."""
    paths = [out] if ensemble == 1 else [member_path(out, k) for k in range(ensemble)]
    _check_out(out, [] if overwrite else paths)
    shape = {"--level": level, "--cutoff": cutoff, "--radial-size": radial_size}
    if init is not None and (given := [name for name, value in shape.items() if value is not None]):
        raise InputError(f"{given[0]} and --init: {init.name} has its own; leave one of them out")
    dataset = _read(data, energy_key, forces_key, stress_key, species)
    options: dict[str, Any] = {
        "weights": _weights(weights, weight_of or [], dataset),
        "threads": threads,
        "max_seconds": max_time,
        "tolerance": tolerance,
    }
    starts = [
        _initial(
            dataset,
            init,
            species,
            LEVEL if level is None else level,
            CUTOFF if cutoff is None else cutoff,
            RADIAL_SIZE if radial_size is None else radial_size,
            seed + k,
        )
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
    for k, (path, result) in enumerate(zip(paths, results, strict=True)):
        kept, validation = split(dataset, share, seed + k)
        result.potential.save(path)
        _tell(result, kept, validation, path)


def _check_out(out: Path, to_keep: Sequence[Path]) -> None:
    """Refuse, before hours of training, a name that cannot be written to or is to be kept."""
    if out.suffix not in SUFFIXES:
        raise InputError(f"--out is {out}; a potential is written to {' or '.join(SUFFIXES)}")
    if out.is_dir():
        raise InputError(f"--out is {out}, which is a folder; name a file")
    if there := [path for path in to_keep if path.exists()]:
        raise InputError(f"{there[0]} is there already: --overwrite replaces it")
    out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise InputError(f"--out is {out}: nothing can be written in {out.parent}")


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
    console.print(f"saved {path}", soft_wrap=True, markup=False)


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
    names = escape(", ".join(path.name for path in data))
    console = Console(highlight=False)
    if len(members) == 1:
        title = f"{escape(potential.name)} on {names}, {len(dataset)} frames"
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
    named = elements_of(species)
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
        if not cutoff > shortest:
            raise InputError(
                f"--cutoff is {cutoff:g} Å, and the nearest atoms of the data are "
                f"{shortest / DISTANCE_MARGIN:.2f} Å apart: no pair would be within it"
            )
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
        return load(path, elements_of(species))


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
