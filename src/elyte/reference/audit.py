"""Judge a whole labelled data set: what would have poisoned a training on it.

Besides the firewall's judgement of each frame: duplicates, several levels of theory in one set,
stress in some frames and not in others, and energies that do not fit the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import Outcome
from elyte.core.frame import Dataset, Frame
from elyte.reference.firewall import Context, Limits, faults

ENERGY_OUTLIER = 1.0
"""eV per atom away from the rest of its composition."""


@dataclass(frozen=True)
class Finding:
    """A fault, and the frames that have it.

    Args:
        kind: short name.
        reason: one sentence.
        frames: indices in the data set.
    """

    kind: str
    reason: str
    frames: tuple[int, ...]


def audit(
    dataset: Dataset,
    limits: Limits | None = None,
    accept: Callable[[Frame], Outcome] | None = None,
) -> list[Finding]:
    """Return every fault of a labelled data set; an empty list when there is none.

    Args:
        dataset: frames with labels; isolated atoms (single atoms) among them give the reference
            of the energies.
        limits: of the firewall.
        accept: a judgement of the structures, for the firewall.
    """
    some_stress = any(item.labels.stress is not None for item in dataset)
    context = Context(
        limits or Limits(), _atom_energies(dataset), stress_expected=some_stress, accept=accept
    )
    found: list[Finding] = []
    for index, item in enumerate(dataset):
        chosen = replace(context, forces_expected=len(item.frame) > 1)
        for outcome in faults(item.frame, item.labels, chosen):
            found.append(Finding(outcome.kind, f"frame {index}: {outcome.reason}", (index,)))
    return [*found, *_duplicates(dataset), *_levels(dataset), *_energy_outliers(dataset)]


def _atom_energies(dataset: Dataset) -> dict[int, float] | None:
    """Return energies of isolated atoms when all elements have one, else None."""
    singles = [item for item in dataset if len(item.frame) == 1]
    energies = {int(item.frame.numbers[0]): item.labels.energy for item in singles}
    return energies if set(energies) >= set(dataset.species) else None


def _duplicates(dataset: Dataset) -> list[Finding]:
    groups: dict[str, list[int]] = {}
    for index, item in enumerate(dataset):
        groups.setdefault(item.frame.digest(), []).append(index)
    findings = []
    for members in groups.values():
        if len(members) < 2:
            continue
        energies = [dataset[index].labels.energy for index in members]
        spread = max(energies) - min(energies)
        same = ", ".join(map(str, members[:6]))
        if spread > 1e-4:
            text = f"frames {same} are the same structure with energies {spread:.3g} eV apart"
            findings.append(Finding("contradiction", text, tuple(members)))
        else:
            text = f"frames {same} are the same structure"
            findings.append(Finding("duplicate", text, tuple(members[1:])))
    return findings


def _levels(dataset: Dataset) -> list[Finding]:
    levels = {item.labels.level for item in dataset if item.labels.level}
    if len(levels) < 2:
        return []
    text = f"{len(levels)} levels of theory in one set: {', '.join(sorted(levels)[:4])}"
    counts = {name: sum(item.labels.level == name for item in dataset) for name in levels}
    common = max(counts, key=lambda name: counts[name])
    others = [i for i, item in enumerate(dataset) if item.labels.level not in ("", common)]
    return [Finding("mixed_levels", text, tuple(others))]


def _energy_outliers(dataset: Dataset) -> list[Finding]:
    """Find energies far from E = Σ_z n_z e_z, with e_z fitted to the set so that few outliers
    do not pull it (iteratively reweighted least squares, Cauchy weights)."""
    places = [index for index, item in enumerate(dataset) if len(item.frame) > 1]
    if len(places) < 10:
        return []
    species = dataset.species
    counts = np.array(
        [[(dataset[i].frame.numbers == z).sum() for z in species] for i in places], dtype=float
    )
    sizes = counts.sum(axis=1)
    energies = np.array([dataset[i].labels.energy for i in places])
    usable = np.isfinite(energies)
    if not usable.any():
        return []
    residuals = _robust_residuals(
        counts[usable] / sizes[usable, None], energies[usable] / sizes[usable]
    )
    scale = 1.4826 * float(np.median(np.abs(residuals)))
    bad = np.abs(residuals) > max(ENERGY_OUTLIER, 20 * scale)
    frames = np.array(places)[usable]
    return [
        Finding(
            "energy_outlier",
            f"frame {index}: the energy is {off:+.3g} eV per atom from what its composition has "
            "in the rest of the set",
            (int(index),),
        )
        for index, off in zip(frames[bad], residuals[bad], strict=True)
    ]


def _robust_residuals(
    fractions: NDArray[np.float64], energies: NDArray[np.float64]
) -> NDArray[np.float64]:
    residuals = energies - np.median(energies)
    for _ in range(30):
        scale = max(1.4826 * float(np.median(np.abs(residuals))), 1e-6)
        weights = np.sqrt(1.0 / (1.0 + (residuals / scale) ** 2))
        solution = np.linalg.lstsq(fractions * weights[:, None], energies * weights, rcond=1e-10)
        residuals = energies - fractions @ solution[0]
    return residuals
