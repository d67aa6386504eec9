"""Structures and labels that the tests of formats write and read."""

from __future__ import annotations

import ase
import ase.io
import numpy as np
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from elyte.core import (
    Frame,
    LabelledFrame,
    Labels,
)

CELL = np.array([[6.0, 0, 0], [0.5, 7.0, 0], [-0.3, 0.2, 8.0]])
STRESS = np.array([[0.1, 0.02, -0.03], [0.02, 0.2, 0.04], [-0.03, 0.04, -0.3]])
VOIGT = [0.1, 0.2, -0.3, 0.04, -0.03, 0.02]
FORCES = np.array([[0.1, 0.2, 0.3], [-0.1, 0.0, 0.0], [0.0, -0.2, -0.3]])


def water(periodic=True, molecules=None):
    positions = [[0, 0, 0.1], [0.76, 0, 0.6], [-0.76, 0, 0.6]]
    cell = CELL if periodic else np.zeros((3, 3))
    return Frame([8, 1, 1], positions, cell, periodic, molecules)


def atoms_with(info=None, arrays=None, results=None):
    atoms = water().to_ase()
    atoms.info.update(info or {})
    for name, array in (arrays or {}).items():
        atoms.set_array(name, np.asarray(array))
    if results:
        atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


def written(tmp_path, *images):
    path = tmp_path / "set.extxyz"
    ase.io.write(path, list(images), format="extxyz")
    return path


def assert_same(one, two, tolerance=0.0):
    assert np.array_equal(one.frame.numbers, two.frame.numbers)
    assert one.frame.pbc.tolist() == two.frame.pbc.tolist()
    pairs = [
        (one.frame.positions, two.frame.positions),
        (one.frame.cell, two.frame.cell),
        (one.labels.energy, two.labels.energy),
        (one.labels.forces, two.labels.forces),
        (one.labels.stress, two.labels.stress),
    ]
    for a, b in pairs:
        assert (a is None) == (b is None)
        if a is not None:
            assert np.allclose(a, b, rtol=tolerance, atol=tolerance)


numbers = st.floats(-1e6, 1e6, allow_nan=False, allow_subnormal=False)


@st.composite
def labelled_frames(draw):
    n = draw(st.integers(1, 5))
    periodic = draw(st.booleans())
    matrix = draw(hnp.arrays(float, (3, 3), elements=st.floats(-0.2, 0.2)))
    cell = 5 * np.eye(3) + matrix if periodic else np.zeros((3, 3))
    positions = draw(hnp.arrays(float, (n, 3), elements=numbers))
    molecules = draw(st.none() | st.just(np.arange(n) // 2))
    frame = Frame(
        draw(hnp.arrays(np.int64, n, elements=st.integers(1, 86))),
        positions,
        cell,
        periodic,
        molecules,
    )
    stress = draw(hnp.arrays(float, (3, 3), elements=st.floats(-1, 1)))
    labels = Labels(
        draw(numbers),
        draw(hnp.arrays(float, (n, 3), elements=numbers)),
        stress + stress.T if periodic and draw(st.booleans()) else None,
        draw(st.none() | hnp.arrays(float, n, elements=st.floats(-2, 2))),
        draw(st.sampled_from(["", "GFN1-xTB/tblite-0.8.0", 'odd "level" \\ x'])),
    )
    return LabelledFrame(frame, labels, draw(st.sampled_from(["", "liquid", "two words"])))
