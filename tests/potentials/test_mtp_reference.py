"""The NumPy reference: each function by itself, and MLIP's own results."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.polynomial import chebyshev as numpy_chebyshev

from data import shared_data
from elyte.core.frame import Frame
from elyte.potentials.mtp import MTP, reference
from elyte.testing import check_potential
from mlip_oracles import ELEMENTS, MOLECULES, read_cfg

from .mtp_cases import SPECIES, Readable, potential, structure


def test_chebyshev() -> None:
    x = np.linspace(-1.1, 1, 7)
    t, dt = reference.chebyshev(x, 6)
    for beta in range(6):
        series = np.eye(6)[beta]
        np.testing.assert_allclose(t[:, beta], numpy_chebyshev.chebval(x, series), atol=1e-13)
        slope = numpy_chebyshev.chebder(series)
        np.testing.assert_allclose(dt[:, beta], numpy_chebyshev.chebval(x, slope), atol=1e-12)


def test_radial_functions_end_smoothly() -> None:
    mtp = potential(8)
    at = np.array([mtp.cutoff, mtp.cutoff - 1e-7])
    f, slope = reference.radial_functions(mtp, np.array([0, 0]), np.array([1, 1]), at)
    assert np.abs(f).max() < 1e-12
    assert np.abs(slope).max() < 1e-5


def test_slopes_are_derivatives() -> None:
    mtp, h = potential(12), 1e-6
    r = np.linspace(0.9, 3.4, 9)
    types = np.zeros(9, dtype=int)
    _, slope = reference.radial_functions(mtp, types, types + 2, r)
    above, below = (reference.radial_functions(mtp, types, types + 2, r + d)[0] for d in (h, -h))
    np.testing.assert_allclose(slope, (above - below) / (2 * h), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("level", [2, 6, 8, 12])
def test_forces_and_stress_are_derivatives(level: int) -> None:
    mtp, frame = potential(level), structure(5, 7, distortion=0.2)
    found = reference.evaluate(mtp, frame)
    h = 1e-5

    def energy(positions: np.ndarray, cell: np.ndarray) -> float:
        return reference.evaluate(mtp, frame.moved(positions, cell)).energy

    for atom, axis in [(0, 0), (3, 1), (6, 2)]:
        step = np.zeros((7, 3))
        step[atom, axis] = h
        slope = energy(frame.positions + step, frame.cell) - energy(
            frame.positions - step, frame.cell
        )
        assert found.forces[atom, axis] == pytest.approx(-slope / (2 * h), rel=1e-6, abs=1e-6)
    for a, b in [(0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1)]:
        strain = np.zeros((3, 3))
        strain[a, b] += h / 2
        strain[b, a] += h / 2
        plus, minus = np.eye(3) + strain, np.eye(3) - strain
        slope = energy(frame.positions @ plus, frame.cell @ plus) - energy(
            frame.positions @ minus, frame.cell @ minus
        )
        expected = slope / (2 * h) / frame.volume
        assert found.stress[a, b] == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_gradients_in_the_parameters() -> None:
    mtp, frame = potential(8), structure(2, 8)
    gradients = reference.atom_gradients(mtp, frame)
    assert gradients.shape == (8, mtp.n_parameters)
    h = 1e-6
    for direction in np.random.default_rng(0).normal(size=(4, mtp.n_parameters)):
        above, below = (
            reference.evaluate(mtp.with_parameters(mtp.parameters + d * direction), frame).energies
            for d in (h, -h)
        )
        np.testing.assert_allclose(
            gradients @ direction, (above - below) / (2 * h), rtol=1e-6, atol=1e-6
        )


def test_public_suite() -> None:
    check_potential(Readable(MTP.initial(6, SPECIES, cutoff=4.0))).require()


def test_two_atoms_by_hand() -> None:
    """Level 2: E = Σ_i c_i + ξ Σ_j f_0(r_ij)."""
    mtp = potential(2)
    frame = Frame([1, 6], [[0, 0, 0], [0, 0, 1.3]])
    x = (2 * 1.3 - mtp.min_distance - mtp.cutoff) / (mtp.cutoff - mtp.min_distance)
    f = [
        mtp.scaling * numpy_chebyshev.chebval(x, mtp.radial[i, j, 0]) * (mtp.cutoff - 1.3) ** 2
        for i, j in [(0, 1), (1, 0)]
    ]
    expected = mtp.species_coefficients[:2].sum() + mtp.moment_coefficients[0] * sum(f)
    assert reference.evaluate(mtp, frame).energy == pytest.approx(expected, rel=1e-14)


@pytest.mark.parametrize("name", MOLECULES)
def test_molecules_of_mlip(name: str) -> None:
    folder = shared_data(f"oracles/mtp/molecules/{name}")
    mtp = MTP.load(folder / "pot.mtp", ELEMENTS[: 2 if name.startswith("291") else 1])
    for expected in read_cfg(folder / "out.cfg", 4):
        found = reference.evaluate(mtp, expected.frame)
        assert found.energy == pytest.approx(expected.energy, rel=1e-10)
        np.testing.assert_allclose(found.forces, expected.forces, atol=6e-7)
