"""The firewall: a label passes, or is refused with a reason that a person understands.

Every check is a pure function (frame, labels, context) → `Outcome`; `inspect` returns the first
refusal, `faults` all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

from elyte.core.errors import Outcome
from elyte.core.frame import Frame, Labels

PASSED = Outcome()


@dataclass(frozen=True)
class Limits:
    """What a believable label keeps to.

    Args:
        force: largest norm of a force, eV/Å.
        net_force: largest norm of the mean force per atom, eV/Å (plane-wave codes leave a few
            meV/Å; a constraint or a missing atom leaves much more).
        stress: largest component of the stress, eV/Å³ (1 eV/Å³ = 160 GPa).
        asymmetry: largest |σ − σᵀ|, eV/Å³.
        cohesion: range of (E − Σ E_isolated)/n, eV per atom.
    """

    force: float = 60.0
    net_force: float = 0.02
    stress: float = 1.0
    asymmetry: float = 1e-4
    cohesion: tuple[float, float] = (-15.0, 1.0)


@dataclass(frozen=True)
class Context:
    """What the firewall knows besides frame and labels.

    Args:
        limits: what a believable label keeps to.
        atom_energies: isolated atoms at the same level of theory, eV by atomic number; None
            leaves the check of the energy out.
        charge: total charge, e; None leaves its check out.
        forces_expected: whether forces must be there.
        stress_expected: whether a periodic frame must have a stress.
        electrons: how many electrons the calculation had, and how many the cell ought to have at
            its charge; None where an engine does not say.
        accept: a further judgement of the structure ("done" or the reason against it), such as
            a watch for molecules that broke or merged.
    """

    limits: Limits = field(default_factory=Limits)
    atom_energies: Mapping[int, float] | None = None
    charge: float | None = None
    forces_expected: bool = True
    stress_expected: bool = True
    electrons: tuple[float | None, ...] = (None, None)
    accept: Callable[[Frame], Outcome] | None = None


Check = Callable[[Frame, Labels, Context], Outcome]


def inspect(frame: Frame, labels: Labels, context: Context | None = None) -> Outcome:
    """Return "done", or the first reason why a label must not be trained on."""
    chosen = context or Context()
    return next((o for check in CHECKS if not (o := check(frame, labels, chosen)).done), PASSED)


def faults(frame: Frame, labels: Labels, context: Context | None = None) -> list[Outcome]:
    """Return every reason why a label must not be trained on; an empty list when it is good."""
    chosen = context or Context()
    complete = check_complete(frame, labels, chosen)
    if complete.kind == "not_finite":
        return [complete]  # nothing can be said of numbers that are none
    outcomes = [check(frame, labels, chosen) for check in CHECKS]
    return [outcome for outcome in outcomes if not outcome.done]


def check_complete(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """Energy, forces and stress are there and finite, and fit the frame."""
    if not np.isfinite(labels.energy):
        return Outcome("not_finite", "the energy is not a finite number")
    if labels.forces is None:
        if context.forces_expected:
            return Outcome("forces_missing", "there are no forces")
    elif labels.forces.shape != frame.positions.shape:
        n, m = len(labels.forces), len(frame)
        return Outcome("forces_missing", f"there are forces for {n} of {m} atoms")
    elif not np.isfinite(labels.forces).all():
        bad = int((~np.isfinite(labels.forces)).any(axis=1).sum())
        return Outcome("not_finite", f"the forces of {bad} atoms are not finite numbers")
    if labels.stress is None:
        if context.stress_expected and frame.pbc.all():
            return Outcome("stress_missing", "the frame is periodic and has no stress")
    elif not np.isfinite(labels.stress).all():
        return Outcome("not_finite", "the stress is not finite")
    return PASSED


def check_force_size(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """No force is absurdly large: such frames are not worth learning, or their SCF is wrong."""
    if labels.forces is None or not len(frame):
        return PASSED
    sizes = np.linalg.norm(labels.forces, axis=1)
    limit = context.limits.force
    if not (sizes > limit).any():
        return PASSED
    atom = int(np.nanargmax(sizes))
    return Outcome(
        "force_too_large",
        f"the force on atom {atom} ({frame.symbols[atom]}) is {sizes[atom]:.4g} eV/Å, over the "
        f"limit of {limit:g}",
        {"atom": atom, "force": float(sizes[atom])},
    )


def check_zeroed_forces(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """No forces were set to zero: a constraint does so, and the others no longer sum to zero.

    Zeros by symmetry leave the sum alone, so they pass.
    """
    if labels.forces is None or len(frame) < 2:
        return PASSED
    zero = (labels.forces == 0.0).all(axis=1)
    net = np.linalg.norm(labels.forces.sum(axis=0))
    largest = np.linalg.norm(labels.forces, axis=1).max()
    if not zero.any() or zero.all() or not net > max(0.05, 0.05 * largest):
        return PASSED
    return Outcome(
        "forces_zeroed",
        f"the forces of {int(zero.sum())} of {len(frame)} atoms are exactly zero and the others "
        f"do not sum to zero (|ΣF| = {net:.3g} eV/Å): a constraint was active",
        {"atoms": np.flatnonzero(zero)[:20].tolist()},
    )


def check_net_force(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """Forces sum to zero, for nothing pulls from outside.

    What a lone atom feels is the grid that it stands on, which its energy does not mind.
    """
    if labels.forces is None or len(frame) < 2:
        return PASSED
    net = float(np.linalg.norm(labels.forces.mean(axis=0)))
    limit = context.limits.net_force
    if not net > limit:
        return PASSED
    return Outcome(
        "net_force",
        f"the forces do not sum to zero: {net:.3g} eV/Å per atom, over the limit of {limit:g}",
        {"net_force_per_atom": net},
    )


def check_stress(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """The stress is symmetric and of a size that occurs, and belongs to a periodic frame."""
    if labels.stress is None:
        return PASSED
    if not frame.pbc.all():
        return Outcome("stress_without_box", "there is a stress, but the frame is not periodic")
    skew = float(np.abs(labels.stress - labels.stress.T).max())
    if skew > context.limits.asymmetry:
        return Outcome(
            "stress_asymmetric", f"the stress is not symmetric: |σ − σᵀ| is {skew:.3g} eV/Å³"
        )
    largest = float(np.abs(labels.stress).max())
    if largest > context.limits.stress:
        return Outcome(
            "stress_too_large",
            f"the stress reaches {largest:.3g} eV/Å³, over the limit of "
            f"{context.limits.stress:g}: wrong unit, or atoms on top of each other",
        )
    return PASSED


def check_energy(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """The energy lies between that of the isolated atoms and what bonds can give."""
    known = context.atom_energies
    if known is None or any(int(z) not in known for z in np.unique(frame.numbers)):
        return PASSED
    atoms = sum(known[int(z)] for z in frame.numbers)
    cohesion = (labels.energy - atoms) / len(frame)
    low, high = context.limits.cohesion
    if low <= cohesion <= high:
        return PASSED
    return Outcome(
        "energy_out_of_range",
        f"the energy is {cohesion:+.3g} eV per atom from that of the isolated atoms, outside "
        f"{low:g} … {high:g}: another code, functional, unit or charge",
        {"cohesion": float(cohesion)},
    )


def check_charge(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """The atomic charges sum to the charge of the cell: else electrons are missing or too many."""
    if context.charge is None or labels.charges is None or len(labels.charges) != len(frame):
        return PASSED
    total = float(labels.charges.sum())
    if abs(total - context.charge) < 0.05:
        return PASSED
    return Outcome(
        "wrong_charge",
        f"the atomic charges sum to {total:+.3g} e, but the cell has {context.charge:+g} e: the "
        "number of electrons is wrong",
        {"charge": total},
    )


def check_electrons(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """The calculation had as many electrons as the cell has at its charge."""
    found, expected = (*context.electrons, None, None)[:2]
    if found is None or expected is None or abs(found - expected) < 0.01:
        return PASSED
    return Outcome(
        "wrong_electrons",
        f"the calculation had {found:g} electrons, but the cell has {expected:g}: a wrong charge, "
        "or another pseudopotential",
        {"electrons": found, "expected": expected},
    )


def check_structure(frame: Frame, labels: Labels, context: Context) -> Outcome:
    """The caller's own judgement of the structure."""
    return PASSED if context.accept is None else context.accept(frame)


CHECKS: tuple[Check, ...] = (
    check_complete,
    check_force_size,
    check_zeroed_forces,
    check_net_force,
    check_stress,
    check_energy,
    check_charge,
    check_electrons,
    check_structure,
)
