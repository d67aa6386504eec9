"""Judge a whole labelled data set: what would have poisoned a training on it.

Besides the firewall's judgement of each frame, with limits that the set itself suggests:
duplicates and near-duplicates, molecules that broke or merged, several levels of theory in one
set (by name, or by energies in two clouds), energies that do not fit the rest, cells with another
charge, stress in some frames and not in others, and the motion of the atoms in the stress.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from elyte.core.errors import Outcome
from elyte.core.frame import Dataset, Frame
from elyte.reference.duplicates import CLOSE, near_duplicates
from elyte.reference.firewall import Context, Limits, faults
from elyte.reference.kinetic import kinetic_slope
from elyte.reference.levels import residuals, second_level
from elyte.reference.molecules import odd_ones
from elyte.reference.suggested import extremes, suggested_limits


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
    reactions: bool = False,
    momenta: Sequence[ArrayLike | None] | None = None,
    closest: float = CLOSE,
) -> list[Finding]:
    """Return every fault of a labelled data set; an empty list when there is none.

    Args:
        dataset: frames with labels; isolated atoms (single atoms) among them give the reference
            of the energies.
        limits: the widest that the firewall lets pass; the set narrows them.
        accept: a judgement of the structures, for the firewall.
        reactions: whether molecules may break and merge.
        momenta: of each frame's atoms where they are known, √(u eV), (n, 3): they tell whether
            the stress has their motion in it.
        closest: Å; frames that differ by less (r.m.s. over atoms) are near-duplicates.
    """
    some_stress = any(item.labels.stress is not None for item in dataset)
    own = suggested_limits([extremes(item.labels) for item in dataset], limits)
    context = Context(own, _atom_energies(dataset), stress_expected=some_stress, accept=accept)
    found: list[Finding] = []
    for index, item in enumerate(dataset):
        chosen = replace(context, forces_expected=len(item.frame) > 1)
        for outcome in faults(item.frame, item.labels, chosen):
            found.append(Finding(outcome.kind, f"frame {index}: {outcome.reason}", (index,)))
    found += [] if reactions else _odd_molecules(dataset)
    found += [*_duplicates(dataset), *_near_duplicates(dataset, closest), *_levels(dataset)]
    return [*found, *_energies(dataset), *_charges(dataset), *_kinetic(dataset, momenta)]


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


def _odd_molecules(dataset: Dataset) -> list[Finding]:
    odd = odd_ones(dataset.frames)
    return [Finding("bonds_changed", f"frame {i}: {text}", (i,)) for i, text in odd.items()]


def _near_duplicates(dataset: Dataset, closest: float) -> list[Finding]:
    """Name each frame once that an earlier one (nearly) repeats; exact copies are named before."""
    digests = [frame.digest() for frame in dataset.frames]
    seen: set[int] = set()
    findings = []
    for twins in near_duplicates(dataset.frames, closest):
        if digests[twins.first] == digests[twins.second] or twins.second in seen:
            continue
        seen.add(twins.second)
        text = (
            f"frame {twins.second} is frame {twins.first} but for {twins.distance:.1e} Å: turned, "
            "moved, re-ordered, or taken again before anything had moved"
        )
        findings.append(Finding("near_duplicate", text, (twins.second,)))
    return findings


def _energies(dataset: Dataset) -> list[Finding]:
    found = residuals(dataset)
    if not len(found.frames):
        return []
    findings = [
        Finding(
            "energy_outlier",
            f"frame {index}: the energy is {off:+.3g} eV per atom from what its composition has "
            "in the rest of the set",
            (int(index),),
        )
        for index, off in zip(
            found.frames[found.outliers], found.values[found.outliers], strict=True
        )
    ]
    second = second_level(found)
    if second is not None:
        frames, apart = second
        text = (
            f"the energies of {len(frames)} frames lie {1000 * apart:.0f} meV per atom from the "
            "others, with none between: another functional, pseudopotential, charge or dispersion"
        )
        findings.append(Finding("two_levels", text, tuple(map(int, frames))))
    return findings


def _charges(dataset: Dataset) -> list[Finding]:
    """Find cells whose atomic charges do not sum to the whole number that they do in the rest."""
    totals = {
        i: float(item.labels.charges.sum())
        for i, item in enumerate(dataset)
        if item.labels.charges is not None and len(item.frame) > 1
    }
    usual = {
        name: round(float(np.median([totals[i] for i in members])))
        for name, members in _by_composition(dataset, list(totals)).items()
    }
    names = {i: tuple(np.sort(dataset[i].frame.numbers).tolist()) for i in totals}
    return [
        Finding(
            "wrong_charge",
            f"frame {i}: the atomic charges sum to {total:+.3g} e, those of its composition to "
            f"{usual[names[i]]:+d} e: the number of electrons is another one",
            (i,),
        )
        for i, total in totals.items()
        if abs(total - usual[names[i]]) > 0.05
    ]


def _by_composition(dataset: Dataset, indices: list[int]) -> dict[tuple[int, ...], list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for index in indices:
        name = tuple(np.sort(dataset[index].frame.numbers).tolist())
        groups.setdefault(name, []).append(index)
    return groups


def _kinetic(dataset: Dataset, momenta: Sequence[ArrayLike | None] | None) -> list[Finding]:
    slope = None if momenta is None else kinetic_slope(dataset, momenta)
    if slope is None or not slope.found:
        return []
    text = (
        f"the stress goes with the momenta of the atoms (slope {slope.value:.2f} ± "
        f"{slope.error:.2f}; 0 without, 1 with): their kinetic part is in it, take it out"
    )
    frames = [i for i, item in enumerate(dataset) if item.labels.stress is not None]
    return [Finding("stress_kinetic", text, tuple(frames))]
