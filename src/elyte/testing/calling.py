"""How a potential is called: shapes, batches, strides, files, the ASE calculator, refusals."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ase.stress import full_3x3_to_voigt_6_stress

from elyte.core import Frame, UnknownSpecies
from elyte.potentials.protocol import Evaluation, Potential
from elyte.testing.report import Check, Tolerances, Worst, failed, not_applicable

_NAMES = ("energy", "energies", "forces", "stress")


def check_outputs(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """All that is declared is there, finite, in its shape; energies add up; no box, no stress."""
    name = "outputs and shapes"
    if len(potential.species) == 0 or not potential.cutoff > 0:
        return failed(name, f"species {potential.species}, cutoff {potential.cutoff}")
    worst = Worst()
    results = potential.evaluate(frames)
    if len(results) != len(frames):
        return failed(name, f"{len(results)} evaluations of {len(frames)} frames")
    for index, (frame, result) in enumerate(zip(frames, results, strict=True)):
        shapes = {"forces": (len(frame), 3), "stress": (3, 3), "energies": (len(frame),)}
        for key, shape in shapes.items():
            value = np.asarray(getattr(result, key))
            if value.shape != shape or value.dtype != np.float64 or not np.isfinite(value).all():
                return failed(name, f"{key} of frame {index}: {value.dtype} {value.shape}")
        worst.add(np.sum(result.energies), result.energy, f"sum of energies, frame {index}")
        worst.add(result.stress, result.stress.T, f"symmetry of stress, frame {index}")
        if not frame.pbc.any():
            worst.add(result.stress, np.zeros((3, 3)), f"stress without a box, frame {index}")
    return worst.check(name, tolerances.exact)


def check_batch(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """A batch gives what its frames give alone, in any order, and once more."""
    worst = Worst()
    together = potential.evaluate(frames)
    backwards = potential.evaluate(list(frames)[::-1])[::-1]
    for index, frame in enumerate(frames):
        alone = potential.evaluate([frame])[0]
        _same(worst, together[index], alone, f"frame {index} in a batch")
        _same(worst, backwards[index], alone, f"frame {index} in a batch turned round")
    if potential.evaluate([]) != []:
        return failed("batches", "an empty batch has results")
    return worst.check("batches", tolerances.exact)


def check_strided_input(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Non-contiguous and Fortran-ordered arrays are read as what they hold."""
    worst = Worst()
    for index, frame in enumerate(frames):
        wide = np.full((2 * len(frame), 5), np.nan)
        wide[::2, 1:4] = frame.positions
        strided = Frame(
            np.repeat(frame.numbers, 2)[::2],
            wide[::2, 1:4],
            np.asfortranarray(frame.cell),
            frame.pbc,
        )
        _same(worst, potential.evaluate([strided])[0], potential.evaluate([frame])[0], f"{index}")
        atoms = frame.to_ase()
        atoms.arrays["positions"] = wide[::2, 1:4]
        atoms.calc = potential.calculator()
        found = atoms.get_forces()
        worst.add(found, potential.evaluate([frame])[0].forces, f"ASE, frame {index}")
    return worst.check("strided input", tolerances.exact)


def check_unknown_species(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """An element that the potential does not know raises UnknownSpecies and names it."""
    name = "unknown species raise"
    unknown = sorted(set(range(1, 95)) - set(potential.species))
    if not unknown:
        return not_applicable(name, "knows all elements")
    for frame in frames:
        numbers = np.array(frame.numbers)
        numbers[-1] = unknown[-1]
        try:
            potential.evaluate([Frame(numbers, frame.positions, frame.cell, frame.pbc)])
        except UnknownSpecies:
            continue
        return failed(name, f"atomic number {unknown[-1]} was accepted")
    return Check(name, 0.0, tolerances.exact)


def check_save_load(potential: Potential, frames: Sequence[Frame], tolerances: Tolerances) -> Check:
    """What is read back from a file gives the same numbers, to the last bit."""
    name = "save and load"
    load = getattr(type(potential), "load", None)
    if load is None or not hasattr(potential, "save"):
        return not_applicable(name, "no save and load")
    worst = Worst()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"saved{getattr(potential, 'suffix', '.almtp')}"
        potential.save(path)
        again: Potential = load(path)
    if tuple(again.species) != tuple(potential.species) or again.cutoff != potential.cutoff:
        return failed(name, f"{again.species}, {again.cutoff} Å came back")
    for index, frame in enumerate(frames):
        _same(worst, again.evaluate([frame])[0], potential.evaluate([frame])[0], f"frame {index}")
    return worst.check(name, 0.0)


def check_calculator(
    potential: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """The ASE calculator gives energy, forces and stress (Voigt order xx yy zz yz xz xy)."""
    worst = Worst()
    for index, frame in enumerate(frames):
        result, atoms = potential.evaluate([frame])[0], frame.to_ase()
        atoms.calc = potential.calculator()
        worst.add(atoms.get_potential_energy(), result.energy, f"energy, frame {index}")
        worst.add(atoms.get_forces(), result.forces, f"forces, frame {index}")
        if frame.pbc.all():
            voigt = full_3x3_to_voigt_6_stress(result.stress)
            worst.add(atoms.get_stress(), voigt, f"stress, frame {index}")
        atoms.positions[0] += 0.1
        moved = potential.evaluate([Frame.from_ase(atoms)])[0]
        worst.add(atoms.get_potential_energy(), moved.energy, f"energy after a move, {index}")
    return worst.check("ASE calculator", tolerances.exact)


def check_reference(
    potential: Potential, reference: Potential, frames: Sequence[Frame], tolerances: Tolerances
) -> Check:
    """Another implementation gives the same values, gradients and parameter derivatives."""
    worst = Worst()
    for index, frame in enumerate(frames):
        found, expected = potential.evaluate([frame])[0], reference.evaluate([frame])[0]
        _same(worst, found, expected, f"frame {index}")
        if hasattr(potential, "atom_gradients") and hasattr(reference, "atom_gradients"):
            gradients = potential.atom_gradients(frame), reference.atom_gradients(frame)
            worst.add(*gradients, f"parameter derivatives, frame {index}")
    return worst.check("equal to the reference", tolerances.exact)


def _same(worst: Worst, found: Evaluation, expected: Evaluation, where: str) -> None:
    for name in _NAMES:
        worst.add(getattr(found, name), getattr(expected, name), f"{name}, {where}")
