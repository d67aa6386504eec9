"""The suite passes what is sound and finds every fault that is put in."""

from __future__ import annotations

import numpy as np
import pytest
from broken import FAULTS, Changed, sound, wrong_force_factor

from elyte.core import InputError
from elyte.potentials.protocol import Potential
from elyte.testing import CHECKS, Tolerances, check_potential
from elyte.testing.derivatives import slope
from elyte.testing.report import Check, Report, difference
from elyte.testing.structures import samples


def test_a_sound_potential_passes_every_check():
    report = check_potential(sound())
    assert report.passed, str(report)
    assert len(report.checks) == len(CHECKS)
    assert all(check.applies for check in report)


def test_a_sound_potential_without_extras_passes_what_applies():
    report = check_potential(Changed(lambda frame, result: result))
    report.require()
    skipped = {check.name for check in report if not check.applies}
    assert skipped == {"save and load", "parameter derivatives are dE_i/dθ"}


@pytest.mark.parametrize("fault", FAULTS)
def test_the_fault_is_found_by_its_check(fault):
    make, name = FAULTS[fault]
    report = check_potential(make(), only=[name])
    assert not report.passed, str(report)
    assert "Error" not in str(report) or name == "batch"


def test_every_check_has_a_fault_that_it_finds():
    assert {name for _, name in FAULTS.values()} == set(CHECKS)


def test_the_reference_is_compared_in_values_and_parameter_derivatives():
    check_potential(sound(), reference=sound(), only=[]).require()
    report = check_potential(sound(), reference=wrong_force_factor(), only=[])
    assert "forces" in report.failures[0].note
    moved = sound().with_parameters(sound().parameters * (1 + 1e-6))
    assert not check_potential(sound(), reference=moved, only=[]).passed


def test_a_potential_that_raises_fails_with_the_error_as_note():
    def refuse(frame, result):
        raise InputError("no day for this")

    report = check_potential(Changed(refuse), only=["forces", "batch"])
    assert len(report.failures) == 2
    assert "no day for this" in str(report)
    with pytest.raises(AssertionError, match="no day for this"):
        report.require()


def test_checks_can_be_chosen_and_left_out():
    names = [c.name for c in check_potential(sound(), only=["batch", "forces"], without=["batch"])]
    assert names == ["forces are −dE/dr"]


def test_single_precision_has_wider_tolerances():
    def coarse(frame, result):
        return type(result)(
            float(np.float32(result.energy)),
            result.forces.astype(np.float32).astype(float),
            result.stress.astype(np.float32).astype(float),
            result.energies.astype(np.float32).astype(float),
        )

    chosen = ["translation", "batch", "rotation", "net_force"]
    assert not check_potential(Changed(coarse), only=chosen).passed
    check_potential(Changed(coarse), None, Tolerances.single(), only=chosen).require()


def test_the_fakes_are_potentials():
    assert isinstance(sound(), Potential)
    assert isinstance(wrong_force_factor(), Potential)


def test_samples_hold_every_species_and_no_clashes():
    for frame in samples((1, 3, 6, 8, 9, 15)):
        distances = frame.to_ase().get_all_distances(mic=bool(frame.pbc.any()))
        assert distances[~np.eye(len(frame), dtype=bool)].min() > 1.4
    assert set(samples((1, 3, 6, 8, 9, 15))[0].numbers) == {1, 3, 6, 8, 9, 15}


def test_reports_read_as_lines():
    report = Report((Check("a", 0.0, 1e-9), Check("b", 2.0, 1.0, "frame 3")))
    assert str(report).splitlines()[1].startswith("FAILED b: 2.00e+00")
    assert report["b"].note == "frame 3"
    assert not report.passed


def test_difference_is_relative_to_the_largest_and_refuses_nan():
    assert difference([1e6, 1.0], [1e6 + 1, 1.0]) == pytest.approx(1e-6, rel=1e-3)
    assert difference([0.1], [0.2]) == pytest.approx(0.1)
    assert difference([np.nan], [np.nan]) == np.inf
    assert difference([1.0], [1.0, 2.0]) == np.inf


def test_the_slope_is_of_fourth_order():
    assert slope(np.sin) == pytest.approx(1.0, abs=1e-11)
