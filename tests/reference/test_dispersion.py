"""D3 against published numbers, finite differences, and back and forth on labels."""

from __future__ import annotations

import json
from dataclasses import replace

import ase.build
import numpy as np
import pytest
from ase.data import atomic_numbers
from hypothesis import given, settings
from hypothesis import strategies as st

from data import shared_data
from elyte.core import Frame, InputError, LabelledFrame, Labels, MissingDependency
from elyte.core.units import BOHR, HARTREE
from elyte.reference import dispersion, xtb
from elyte.reference.dispersion import (
    DispersionSettings,
    evaluate_dispersion,
    with_dispersion,
)
from elyte.reference.settings import EngineSettings

pytest.importorskip("dftd3", reason="dftd3 is not installed")
TPSS0 = (("s6", 1.0), ("s8", 1.2576), ("a1", 0.3768), ("a2", 4.5865), ("s9", 1.0))
NEAR = DispersionSettings(cutoff=6.0)


def crowded_box():
    """Return water and ethane in a small, skewed box, off every symmetry."""
    atoms = ase.build.molecule("H2O")
    other = ase.build.molecule("C2H6")
    other.positions += [3.0, 1.2, 0.7]
    atoms += other
    atoms.set_cell([[6.1, 0.0, 0.0], [0.7, 5.9, 0.0], [-0.4, 0.5, 6.3]])
    atoms.pbc = True
    atoms.positions += np.random.default_rng(3).normal(0, 0.05, atoms.positions.shape)
    return Frame.from_ase(atoms)


def labelled(stress=True):
    frame = crowded_box()
    rng = np.random.default_rng(0)
    sigma = rng.normal(0, 0.01, (3, 3))
    forces = rng.normal(0, 2, (len(frame), 3))
    energy = -1234.5678901234
    return LabelledFrame(
        frame, Labels(energy, forces, sigma + sigma.T if stress else None, level="PBE/x-1"), "t"
    )


@pytest.mark.parametrize("name", ["SiH4", "C6H5I-CH3SH", "AmF3"])
@pytest.mark.parametrize("three_body", [False, True])
def test_published_energies_of_atoms(name, three_body):
    oracle = json.loads(shared_data("oracles/d3/refs.json").read_text())["molecules"][name]
    numbers = [atomic_numbers[symbol] for symbol in oracle["symbols"]]
    frame = Frame(numbers, np.array(oracle["positions_bohr"]) * BOHR)
    chosen = DispersionSettings(
        cutoff=50 * BOHR, smoothing=0.0, three_body=three_body, parameters=TPSS0
    )
    labels, energies = evaluate_dispersion(frame, chosen, atomic=True)
    expected = np.array(oracle["disp2"]) + three_body * np.array(oracle["disp3"])
    assert np.allclose(energies / HARTREE, expected, atol=1e-9, rtol=0)
    assert labels.energy / HARTREE == pytest.approx(expected.sum(), abs=2e-9)


def test_two_far_atoms_follow_the_formula():
    """At 8 Å the coordination is zero, and −(s6 C6/(r⁶ + f⁶) + s8 C8/(r⁸ + f⁸)) is left."""
    a1, a2 = 0.4289, 4.4407  # PBE
    chosen = DispersionSettings(cutoff=30.0, smoothing=0.0)
    energies = [
        evaluate_dispersion(Frame([18, 18], [[0, 0, 0], [0, 0, r]]), chosen)[0].energy / HARTREE
        for r in (8.0, 9.0, 12.0)
    ]
    r = np.array([8.0, 9.0, 12.0]) / BOHR
    # two unknown coefficients from two distances must give the third
    ratio = lambda c8_c6: a1 * np.sqrt(c8_c6) + a2  # noqa: E731
    low, high = 1.0, 200.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        f = ratio(middle)
        shape = 1 / (r**6 + f**6) + 0.7875 * middle / (r**8 + f**8)
        if shape[0] / shape[1] < energies[0] / energies[1]:
            low = middle
        else:
            high = middle
    c6 = -energies[0] / shape[0]
    assert c6 == pytest.approx(64.6, abs=1.5)  # Hartree bohr⁶, of two argon atoms
    assert -c6 * shape[2] == pytest.approx(energies[2], rel=1e-6)


@pytest.mark.parametrize("three_body", [False, True])
def test_forces_and_stress_are_derivatives(three_body):
    frame = crowded_box()
    chosen = replace(NEAR, three_body=three_body)
    labels = evaluate_dispersion(frame, chosen)[0]
    h = 2e-3

    def energy(positions, cell=frame.cell):
        return evaluate_dispersion(frame.moved(positions, cell), chosen)[0].energy

    for atom, axis in [(0, 0), (3, 1), (7, 2)]:
        shift = np.zeros((len(frame), 3))
        shift[atom, axis] = h
        slope = (energy(frame.positions + shift) - energy(frame.positions - shift)) / (2 * h)
        assert labels.forces[atom, axis] == pytest.approx(-slope, abs=3e-5)
    for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        strain = np.zeros((3, 3))
        strain[i, j] += h / 2
        strain[j, i] += h / 2
        plus, minus = (
            energy(frame.positions @ (np.eye(3) + s), frame.cell @ (np.eye(3) + s))
            for s in (strain, -strain)
        )
        numeric = (plus - minus) / (2 * h * frame.volume)
        assert labels.stress[i, j] == pytest.approx(numeric, abs=2e-6)


@given(st.floats(3.0, 6.5), st.booleans())
@settings(max_examples=30, deadline=None)
def test_the_cutoff_is_smooth(distance, at_the_end):
    """Energy and force of a pair go to zero together; a step of 1e-4 Å never shows as a jump."""
    r = 6.0 if at_the_end else distance
    near, far = (
        evaluate_dispersion(Frame([18, 18], [[0, 0, 0], [0, 0, r + d]]), NEAR)[0]
        for d in (-1e-4, 1e-4)
    )
    middle = evaluate_dispersion(Frame([18, 18], [[0, 0, 0], [0, 0, r]]), NEAR)[0]
    slope = (far.energy - near.energy) / 2e-4
    assert middle.forces[1, 2] == pytest.approx(-slope, abs=2e-6)


@pytest.mark.parametrize("stress", [True, False])
def test_taken_out_and_added_again_is_what_it_was(stress):
    item = labelled(stress)
    for sign in (1, -1):
        there = with_dispersion(item, NEAR, sign)
        back = with_dispersion(there, NEAR, -sign)
        assert abs(there.labels.energy - item.labels.energy) > 0.1
        assert np.abs(there.labels.forces - item.labels.forces).max() > 1e-3
        assert abs(back.labels.energy - item.labels.energy) < 1e-8
        assert np.abs(back.labels.forces - item.labels.forces).max() < 1e-8
        assert (back.labels.stress is None) is not stress
        if stress:
            assert np.abs(back.labels.stress - item.labels.stress).max() < 1e-8
        assert back.labels.level == "PBE/x-1"
    assert there.labels.level == "PBE/x-1 - D3(BJ)-PBE/6Å"
    assert there.config_type == "t"


@pytest.mark.parametrize("number", [10, 18, 36])
def test_far_apart_tight_binding_has_its_dispersion_alone(number):
    """GFN1-xTB holds D3(BJ): at 14 Å two noble gas atoms have nothing else between them."""
    pytest.importorskip("tblite", reason="tblite is not installed")
    frames = [Frame([number] * 2, [[0, 0, 0], [0, 0, r]]) for r in (14.0, 60.0)]
    tight = EngineSettings(accuracy=1e-4).as_dict()
    near, far = (xtb.label(frame, tight)["energy"] for frame in frames)
    chosen = DispersionSettings("GFN1-xTB", cutoff=30.0, smoothing=0.0)
    assert near - far == pytest.approx(evaluate_dispersion(frames[0], chosen)[0].energy, rel=1e-6)


def test_isolated_atoms_have_none():
    assert evaluate_dispersion(Frame([17], np.zeros((1, 3))), NEAR)[0].energy == 0.0
    labels, energies = evaluate_dispersion(Frame(np.zeros(0), np.zeros((0, 3))), NEAR, True)
    assert labels.energy == 0.0
    assert len(energies) == 0


@pytest.mark.parametrize("pbc", [(True, True, False), (False, True, False)])
def test_directions_without_periods(pbc):
    """A slab and a chain: where in the empty direction they lie does not matter."""
    frame = crowded_box()
    slab = Frame(frame.numbers, frame.positions, frame.cell, pbc)
    moved = slab.moved(slab.positions + [3.0, 4.0, 11.0])
    one, two = (evaluate_dispersion(f, NEAR)[0] for f in (slab, moved))
    assert one.energy == pytest.approx(two.energy, abs=1e-9)
    assert one.stress is None
    whole = evaluate_dispersion(frame, NEAR)[0]
    alone = evaluate_dispersion(Frame(frame.numbers, frame.positions), NEAR)[0]
    assert whole.energy < one.energy < alone.energy


def test_what_cannot_be():
    with pytest.raises(InputError, match="did you mean 'd3bj'"):
        DispersionSettings(method="d3jb")
    with pytest.raises(InputError, match="below 4"):
        DispersionSettings(cutoff=1.0)
    with pytest.raises(InputError, match="smoothing"):
        DispersionSettings(cutoff=5.0, smoothing=5.0)
    with pytest.raises(InputError, match="did you mean 'cutoff'"):
        DispersionSettings.from_mapping({"cutof": 5})
    with pytest.raises(InputError, match="does not know 'PBX'"):
        evaluate_dispersion(crowded_box(), DispersionSettings("PBX"))
    with pytest.raises(InputError, match="does not know the parameters"):
        evaluate_dispersion(crowded_box(), DispersionSettings(parameters=(("s8", 1.0),)))
    plain = DispersionSettings(parameters=TPSS0)
    assert DispersionSettings.from_mapping(plain.as_dict()) == plain


def test_without_the_library(monkeypatch):
    def absent():
        raise MissingDependency("pip install 'dftd3>=1.7'")

    assert dispersion.available().done
    monkeypatch.setattr(dispersion, "_library", absent)
    assert "pip install" in dispersion.available().reason
    with pytest.raises(MissingDependency):
        evaluate_dispersion(crowded_box(), replace(NEAR, cutoff=7.77))
