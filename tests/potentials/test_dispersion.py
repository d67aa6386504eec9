"""D3 as a potential, alone and on top of a learned one, and in dynamics."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Frame, UnknownSpecies
from elyte.dynamics import RunSettings, evaluate, simulate
from elyte.potentials import Sum
from elyte.potentials.dispersion import Dispersion
from elyte.potentials.mtp import MTP
from elyte.reference.dispersion import DispersionSettings
from elyte.testing import CHECKS, FakePotential, Tolerances, check_potential
from elyte.testing.structures import liquid

pytest.importorskip("dftd3", reason="dftd3 is not installed")
SETTINGS = DispersionSettings(cutoff=5.0)
SPECIES = (1, 6, 8)
# The library ends the count of neighbours at 12 Å in steps of 2e-6, which differences see.
STEPS = Tolerances(derivative=3e-4)
DYNAMIC = ("energy_conservation", "reversibility")  # attraction alone lets atoms fall together


def hybrid():
    mtp = MTP.initial(6, SPECIES, cutoff=4.0, radial_size=4, min_distance=1.2, seed=1)
    return Sum((mtp, Dispersion(SETTINGS, SPECIES)))


@pytest.mark.parametrize(
    "check", [name for name in CHECKS if name not in (*DYNAMIC, "small_cells")]
)
def test_dispersion_passes_the_public_suite(check):
    check_potential(Dispersion(SETTINGS, SPECIES), None, STEPS, only=[check]).require()


@pytest.mark.parametrize("check", ["outputs", "forces", "stress", "calculator", "rotation"])
def test_the_sum_with_a_learned_potential_passes_it(check):
    check_potential(hybrid(), None, STEPS, only=[check]).require()


def test_an_element_that_it_was_not_made_for():
    with pytest.raises(UnknownSpecies, match="9"):
        Dispersion(SETTINGS, SPECIES).evaluate([Frame([9], np.zeros((1, 3)))])


def test_atoms_share_the_energy_where_theirs_is_not_asked_for():
    frame = liquid(SPECIES)
    (full,) = Dispersion(SETTINGS, SPECIES).evaluate([frame])
    (quick,) = Dispersion(SETTINGS, SPECIES, atomic=False).evaluate([frame])
    assert full.energies.sum() == pytest.approx(full.energy)
    assert quick.energies.sum() == pytest.approx(full.energy)
    assert np.array_equal(quick.forces, full.forces)


def soft_liquid():
    """Return a pair repulsion with D3, and a box in which it is near a minimum."""
    base = FakePotential.initial(SPECIES, cutoff=3.5)
    return Sum((base, Dispersion(SETTINGS, SPECIES, atomic=False))), liquid(SPECIES)


def test_dynamics_evaluates_the_sum_of_its_parts():
    potential, frame = soft_liquid()
    energy, forces, strain = evaluate(potential, frame)
    (expected,) = potential.evaluate([frame])
    assert energy == pytest.approx(expected.energy, abs=1e-9)
    assert np.allclose(forces, expected.forces, atol=1e-9)
    assert np.allclose(strain, expected.stress * frame.volume, atol=1e-8)
    for part in potential.potentials:
        assert np.abs(part.evaluate([frame])[0].stress).max() > 1e-4  # both of them count


def test_energy_is_conserved_with_it():
    potential, frame = soft_liquid()
    settings = RunSettings(ensemble="NVE", temperature=150.0, steps=30, timestep=0.5)
    result = simulate(frame, potential, settings, seed=1)
    assert result.outcome.done
    total = result.series["potential"] + result.series["kinetic"]
    assert np.ptp(total) < 0.02 * np.ptp(result.series["potential"])


def test_dispersion_pulls_a_box_together():
    """The virial pressure with D3 is lower, by what its stress says, and NPT runs feel it."""
    potential, frame = soft_liquid()
    settings = RunSettings(ensemble="NPT", temperature=150.0, steps=5, timestep=0.5, series_every=1)
    with_d3 = simulate(frame, potential, settings, seed=1)
    without = simulate(frame, potential.potentials[0], settings, seed=1)
    stress = potential.potentials[1].evaluate([frame])[0].stress
    expected = -np.trace(stress) / 3 / 6.241509074460763e-07
    first = with_d3.series["pressure_bar"][0] - without.series["pressure_bar"][0]
    assert first == pytest.approx(expected, rel=1e-4)
    assert expected < -100
    assert with_d3.series["volume"][-1] < without.series["volume"][-1]
