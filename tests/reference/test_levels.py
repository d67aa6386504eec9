"""Mixed levels of theory, charged cells, the motion of atoms in the stress."""

from __future__ import annotations

import numpy as np
import pytest
from firewall_cases import N, changed, data_set, good, kinds

from elyte.core import Dataset, LabelledFrame, Labels
from elyte.reference.audit import audit
from elyte.reference.kinetic import kinetic_slope, kinetic_stress


def test_two_levels_of_theory_without_a_name():
    """A quarter of the frames has energies 0.1 eV per atom lower, with nothing between."""
    items = data_set(40)
    for index in range(0, 40, 4):
        labels = changed(items[index].labels, energy=items[index].labels.energy - 0.6)
        items[index] = LabelledFrame(items[index].frame, labels)
    assert kinds(items) == {"two_levels": tuple(range(0, 40, 4))}


def test_a_broad_distribution_is_one_level():
    rng = np.random.default_rng(0)
    items = [LabelledFrame(*good(seed)) for seed in range(60)]
    spread = [changed(x.labels, energy=x.labels.energy + rng.uniform(-3, 3)) for x in items]
    assert kinds([LabelledFrame(x.frame, y) for x, y in zip(items, spread, strict=True)]) == {}


def test_a_charged_cell_among_neutral_ones():
    rng = np.random.default_rng(0)
    items = []
    for seed in range(20):
        frame, labels = good(seed)
        charges = rng.normal(size=N)
        charges += (float(seed == 6) - charges.sum()) / N
        items.append(
            LabelledFrame(frame, Labels(labels.energy, labels.forces, labels.stress, charges))
        )
    assert kinds(items) == {"wrong_charge": (6,)}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_motion_of_atoms_in_the_stress(share):
    rng = np.random.default_rng(1)
    items, momenta = [], []
    for seed in range(40):
        frame, labels = good(seed)
        p = rng.normal(size=(N, 3)) * np.sqrt(0.0259 * frame.masses)[:, None]
        stress = labels.stress + share * kinetic_stress(p, frame.masses, frame.volume)
        items.append(LabelledFrame(frame, changed(labels, stress=stress)))
        momenta.append(p)
    slope = kinetic_slope(Dataset(items), momenta)
    assert abs(slope.value - share) < 4 * slope.error + 1e-9
    found = [finding.kind for finding in audit(Dataset(items), momenta=momenta)]
    assert found == (["stress_kinetic"] if slope.found else [])


def test_a_kinetic_part_is_found_with_little_scatter():
    """A dilute, hot set: the kinetic part is large beside the scatter of the static stress."""
    rng = np.random.default_rng(2)
    items, momenta = [], []
    for seed in range(60):
        frame, labels = good(seed)
        p = rng.normal(size=(N, 3)) * np.sqrt(0.05 * frame.masses)[:, None]
        static = 1e-4 * labels.stress
        kinetic = kinetic_stress(p, frame.masses, frame.volume)
        items.append(LabelledFrame(frame, changed(labels, stress=static + kinetic)))
        momenta.append(p)
    assert kinetic_slope(Dataset(items), momenta).found
    static = [
        LabelledFrame(
            x.frame,
            changed(
                x.labels, stress=x.labels.stress - kinetic_stress(p, x.frame.masses, x.frame.volume)
            ),
        )
        for x, p in zip(items, momenta, strict=True)
    ]
    assert not kinetic_slope(Dataset(static), momenta).found
