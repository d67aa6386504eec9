"""Errors of a potential against labels, each with a standard error.

Standard errors come from frames as independent samples: of a mean absolute error, the spread of
the frames' own sums; of a root mean square, half the relative spread of the mean square.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray
from rich.table import Table

from elyte.core.errors import InputError
from elyte.core.frame import LabelledFrame
from elyte.core.units import GPA
from elyte.potentials.protocol import Evaluation, Potential

Floats = NDArray[np.float64]

MILLI = 1000.0


@dataclass(frozen=True)
class Deviation:
    """Errors of one quantity in its unit; nan where nothing was there to compare.

    Args:
        mae: mean absolute error.
        rmse: root mean square error.
        mae_error: standard error of `mae`; nan from a single frame.
        rmse_error: standard error of `rmse`.
        reference: root mean square of the labels themselves (energies: about their mean).
        count: number of compared values.
    """

    mae: float = np.nan
    rmse: float = np.nan
    mae_error: float = np.nan
    rmse_error: float = np.nan
    reference: float = np.nan
    count: int = 0


@dataclass(frozen=True)
class Errors:
    """Errors of a potential on a labelled set.

    Args:
        energy: eV per atom.
        force: components, eV/Å.
        stress: components, eV/Å³.
        force_of: forces by chemical symbol.
        frames: number of frames.
    """

    energy: Deviation
    force: Deviation
    stress: Deviation
    force_of: dict[str, Deviation] = field(default_factory=dict)
    frames: int = 0

    @property
    def energy_mae(self) -> float:
        """Mean absolute error of the energy per atom, eV."""
        return self.energy.mae

    @property
    def energy_rmse(self) -> float:
        """Root mean square error of the energy per atom, eV."""
        return self.energy.rmse

    @property
    def force_mae(self) -> float:
        """Mean absolute error of force components, eV/Å."""
        return self.force.mae

    @property
    def force_rmse(self) -> float:
        """Root mean square error of force components, eV/Å."""
        return self.force.rmse

    @property
    def stress_rmse(self) -> float:
        """Root mean square error of stress components, eV/Å³."""
        return self.stress.rmse

    def table(self, title: str = "") -> Table:
        """Return a table to print: meV per atom, meV/Å, GPa."""
        table = Table(title=title or f"errors on {self.frames} frames")
        for column in ("", "MAE", "RMSE", "labels' spread", "values", "unit"):
            table.add_column(column, justify="left" if column in ("", "unit") else "right")
        rows = [("energy", self.energy, MILLI, "meV/atom"), ("forces", self.force, MILLI, "meV/Å")]
        rows += [(f"  {s}", d, MILLI, "meV/Å") for s, d in self.force_of.items()]
        rows.append(("stress", self.stress, 1 / GPA, "GPa"))
        for name, deviation, factor, unit in rows:
            if deviation.count:
                table.add_row(name, *_cells(deviation, factor), unit)
        return table


def _cells(deviation: Deviation, factor: float) -> list[str]:
    def number(value: float, error: float) -> str:
        if not np.isfinite(error):
            return f"{factor * value:.3g}"
        return f"{factor * value:.3g} ± {factor * error:.2g}"

    return [
        number(deviation.mae, deviation.mae_error),
        number(deviation.rmse, deviation.rmse_error),
        f"{factor * deviation.reference:.3g}",
        str(deviation.count),
    ]


def errors(potential: Potential, dataset: Sequence[LabelledFrame]) -> Errors:
    """Compare a potential with labels.

    Args:
        potential: any potential.
        dataset: labelled frames; what a frame has no label for is left out.

    Raises:
        InputError: no frames.
        UnknownSpecies: an element that the potential does not know.
    """
    if len(dataset) == 0:
        raise InputError("there are no labelled frames to compare with")
    found = potential.evaluate([item.frame for item in dataset])
    return errors_of(found, dataset)


def errors_of(found: Sequence[Evaluation], dataset: Sequence[LabelledFrame]) -> Errors:
    """Compare evaluations with labels, frame by frame."""
    pairs = list(zip(found, dataset, strict=True))
    sizes = np.array([len(item.frame) for _, item in pairs])
    energies = np.array([item.labels.energy for _, item in pairs]) / sizes
    energy = [np.atleast_1d(e.energy - x.labels.energy) / len(x.frame) for e, x in pairs]
    forced = [(e, x) for e, x in pairs if x.labels.forces is not None]
    stressed = [(e, x) for e, x in pairs if x.labels.stress is not None and x.frame.volume > 0]
    present = sorted({int(z) for _, x in forced for z in np.unique(x.frame.numbers)})
    return Errors(
        energy=_deviation(energy, [np.atleast_1d(e - energies.mean()) for e in energies]),
        force=_force_deviation(forced),
        stress=_deviation(
            [e.stress - np.asarray(x.labels.stress) for e, x in stressed],
            [np.asarray(x.labels.stress) for _, x in stressed],
        ),
        force_of={chemical_symbols[z]: _force_deviation(forced, z) for z in present},
        frames=len(pairs),
    )


def pressure_error(
    found: Sequence[Evaluation], dataset: Sequence[LabelledFrame]
) -> tuple[float, float]:
    """Return the mean of P − P_label over the frames that have a stress, and its standard error.

    P = −tr σ / 3. It is what a density at constant pressure suffers from: to first order it is
    off by the isothermal compressibility times this.

    Args:
        found: evaluations of the frames.
        dataset: frames with labels.

    Returns:
        eV/Å³, both; NaN where no frame, or only one, has a stress.
    """
    values = [
        -float(np.trace(evaluation.stress - item.labels.stress)) / 3
        for evaluation, item in zip(found, dataset, strict=True)
        if item.labels.stress is not None and item.frame.volume > 0
    ]
    mean = float(np.mean(values)) if values else float("nan")
    many = len(values) > 1
    return mean, float(np.std(values, ddof=1) / np.sqrt(len(values))) if many else float("nan")


def _force_deviation(
    pairs: Sequence[tuple[Evaluation, LabelledFrame]], number: int | None = None
) -> Deviation:
    differences, labels = [], []
    for found, item in pairs:
        chosen = slice(None) if number is None else item.frame.numbers == number
        reference = np.asarray(item.labels.forces)[chosen]
        if len(reference):
            differences.append(found.forces[chosen] - reference)
            labels.append(reference)
    return _deviation(differences, labels)


def _deviation(differences: Sequence[Floats], labels: Sequence[Floats]) -> Deviation:
    """Errors from the differences of each frame; frames are the independent samples."""
    if not differences:
        return Deviation()
    counts = np.array([d.size for d in differences], dtype=float)
    mae, mae_error = _ratio([float(np.abs(d).sum()) for d in differences], counts)
    square, square_error = _ratio([float((d**2).sum()) for d in differences], counts)
    rmse = float(np.sqrt(square))
    return Deviation(
        mae=mae,
        rmse=rmse,
        mae_error=mae_error,
        rmse_error=square_error / (2 * rmse) if rmse > 0 else square_error,
        reference=float(np.sqrt(sum((x**2).sum() for x in labels) / counts.sum())),
        count=int(counts.sum()),
    )


def _ratio(sums: Sequence[float], counts: Floats) -> tuple[float, float]:
    """Σ sums / Σ counts and its standard error, of frames with unequal numbers of values."""
    mean = float(np.sum(sums) / counts.sum())
    k = len(counts)
    if k < 2:
        return mean, float("nan")
    off = np.asarray(sums) - mean * counts
    return mean, float(np.sqrt(off @ off * k / (k - 1)) / counts.sum())
