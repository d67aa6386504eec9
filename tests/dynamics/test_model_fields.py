"""The model force fields: energies by their equations, forces and strain by finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dynamics_systems import argon, gas

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.dynamics import evaluate, model_fields

FRAME = argon(rattle=0.3)
FIELDS = {
    "lennard-jones": (FRAME, model_fields.lennard_jones(0.0104, 3.4, 5.2, 0.5)),
    "springs": (gas(), model_fields.springs([[0, 1], [2, 5], [1, 7]], 0.3, 1.5)),
    "wells": (gas(), model_fields.harmonic_wells(np.zeros((8, 3)), 0.7)),
}


@pytest.mark.parametrize("name", FIELDS)
def test_forces_are_the_derivative_of_the_energy(name: str) -> None:
    frame, field = FIELDS[name]
    forces = evaluate(field, frame)[1]
    h = 1e-5
    for atom, axis in ((0, 0), (1, 2), (7, 1)):
        energies = []
        for sign in (1, -1):
            positions = np.array(frame.positions)
            positions[atom, axis] += sign * h
            energies.append(evaluate(field, frame.moved(positions))[0])
        slope = (energies[0] - energies[1]) / (2 * h)
        assert forces[atom, axis] == pytest.approx(-slope, abs=1e-7)


@pytest.mark.parametrize("name", ["lennard-jones", "springs"])
def test_strain_gradient_is_the_derivative_of_the_energy(name: str) -> None:
    frame, field = FIELDS[name]
    strain_gradient = evaluate(field, frame)[2]
    h = 1e-6
    for a, b in ((0, 0), (1, 1), (0, 2), (1, 2)):
        energies = []
        for sign in (1, -1):
            strain = np.eye(3)
            strain[a, b] += sign * h / 2
            strain[b, a] += sign * h / 2
            moved = frame.moved(frame.positions @ strain, frame.cell @ strain)
            energies.append(evaluate(field, moved)[0])
        assert strain_gradient[a, b] == pytest.approx(
            (energies[0] - energies[1]) / (2 * h), abs=1e-5
        )


def test_energy_of_a_pair_by_hand() -> None:
    pair = Frame([18, 18], [[0, 0, 0], [0, 0, 3.9]])
    energy, forces, _ = evaluate(model_fields.lennard_jones(0.01, 3.4, 8.0), pair)
    s6 = (3.4 / 3.9) ** 6
    assert energy == pytest.approx(0.04 * (s6**2 - s6), rel=1e-12)
    assert forces[1, 2] == pytest.approx(0.04 * (12 * s6**2 - 6 * s6) / 3.9, rel=1e-12)
    far = Frame([18, 18], [[0, 0, 0], [0, 0, 8.001]])
    assert evaluate(model_fields.lennard_jones(0.01, 3.4, 8.0), far)[0] == 0.0


def test_faults_begin_when_they_should() -> None:
    field: Any = model_fields.faulty(model_fields.lennard_jones(0.01, 3.4, 5.2), 2, 10.0)
    energies = [evaluate(field, FRAME)[0] for _ in range(4)]
    assert energies[0] == energies[1]
    np.testing.assert_allclose(energies[2:], 10 * energies[0])
    with pytest.raises(InputError, match="capsule"):
        model_fields.faulty(object(), 1, 1.0)
    with pytest.raises(InputError, match="shape"):
        model_fields.springs([0, 1], 1.0, 1.0)
