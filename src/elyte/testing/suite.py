"""The public suite: all properties that a potential must have, in one report."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from elyte.core import Frame
from elyte.potentials.protocol import Potential
from elyte.testing.calling import (
    check_batch,
    check_calculator,
    check_outputs,
    check_reference,
    check_save_load,
    check_strided_input,
    check_unknown_species,
)
from elyte.testing.derivatives import (
    check_forces,
    check_net_force,
    check_parameter_derivatives,
    check_stress,
)
from elyte.testing.motion import check_energy_conservation, check_reversibility
from elyte.testing.range import check_cutoff, check_fragments, check_isolated_atoms
from elyte.testing.report import Check, Report, Tolerances, failed
from elyte.testing.structures import samples
from elyte.testing.symmetry import (
    check_cell_choice,
    check_inversion,
    check_lattice_shifts,
    check_permutation,
    check_rotation,
    check_small_cells,
    check_supercells,
    check_translation,
)

CheckFunction = Callable[[Potential, Sequence[Frame], Tolerances], Check]

CHECKS: Mapping[str, CheckFunction] = {
    "outputs": check_outputs,
    "batch": check_batch,
    "strided_input": check_strided_input,
    "unknown_species": check_unknown_species,
    "save_load": check_save_load,
    "calculator": check_calculator,
    "translation": check_translation,
    "rotation": check_rotation,
    "inversion": check_inversion,
    "permutation": check_permutation,
    "lattice_shifts": check_lattice_shifts,
    "cell_choice": check_cell_choice,
    "supercells": check_supercells,
    "small_cells": check_small_cells,
    "forces": check_forces,
    "stress": check_stress,
    "net_force": check_net_force,
    "parameter_derivatives": check_parameter_derivatives,
    "cutoff": check_cutoff,
    "fragments": check_fragments,
    "isolated_atoms": check_isolated_atoms,
    "energy_conservation": check_energy_conservation,
    "reversibility": check_reversibility,
}
"""Every check by the name that `only` and `without` of `check_potential` take."""


def check_potential(
    potential: Potential,
    frames: Sequence[Frame] | None = None,
    tolerances: Tolerances | None = None,
    *,
    reference: Potential | None = None,
    only: Sequence[str] = tuple(CHECKS),
    without: Sequence[str] = (),
) -> Report:
    """Run the suite on a potential.

    Args:
        potential: any `elyte.potentials.protocol.Potential`.
        frames: structures to test it on; by default a triclinic liquid, a cell smaller than the
            cutoff, a cluster and a slab of its elements, with distances from about 1.5 Å.
        tolerances: `Tolerances.single()` for potentials in single precision.
        reference: another implementation that must give the same numbers.
        only: names of the checks to run (keys of `CHECKS`).
        without: names of the checks to leave out.

    Returns:
        A report; a check that raises an exception has failed with it as its note.
    """
    chosen = list(frames) if frames is not None else samples(potential.species)
    limits = tolerances or Tolerances()
    checks = [
        _guarded(name, CHECKS[name], potential, chosen, limits)
        for name in only
        if name not in without
    ]
    if reference is not None:
        checks.append(check_reference(potential, reference, chosen, limits))
    return Report(tuple(checks))


def _guarded(
    name: str,
    check: CheckFunction,
    potential: Potential,
    frames: Sequence[Frame],
    tolerances: Tolerances,
) -> Check:
    try:
        return check(potential, frames, tolerances)
    except Exception as error:  # a third party's potential may raise anything
        return failed(name.replace("_", " "), f"{type(error).__name__}: {error}")
