"""GAFF2 parameters: from what the programs write to energies, and what goes wrong on the way."""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

import classical_naive
import numpy as np
import pytest
import small_field as field

from elyte.chemistry import find_species, pack_box
from elyte.chemistry.conformers import molecule_of
from elyte.core import Frame, UnknownSpecies
from elyte.core.errors import FormatError
from elyte.reference.classical import (
    antechamber,
    find_table,
    gaff,
)
from elyte.reference.classical.amber_files import joined, read_force_field, read_supplement

pytest.importorskip("openmm", reason="OpenMM is not installed")

from elyte.reference.classical.field import ClassicalPotential

NAME = field.NAME
FIELD = read_force_field(field.force_field())
TYPING = antechamber.Typing(field.TYPES, field.CHARGES, "")


def test_the_table_has_the_file_s_numbers_in_elyte_s_units():
    table = gaff.assemble(NAME, TYPING, FIELD, "made up")
    assert [a.name for a in table.atoms] == list(field.TYPES)
    assert [a.charge for a in table.atoms] == pytest.approx(field.FAIR, abs=1e-12)
    assert table.charge == pytest.approx(0.0, abs=1e-12)
    assert table.bonds["c3", "os"] == (1.43, pytest.approx(2 * 280.0 * 4.184))
    # Two like atoms are nearest in energy at 2R*, where the energy is -epsilon.
    sigma, epsilon = table.atoms[0].sigma, table.atoms[0].epsilon
    ratio = (sigma / 3.8) ** 6
    assert 4 * epsilon * (ratio**2 - ratio) == pytest.approx(-0.11 * 4.184)
    assert 12 * ratio**2 == pytest.approx(6 * ratio)
    assert gaff.read_json(gaff.write_json(table)) == table


def test_equivalent_atoms_have_equal_charges_and_the_sum_is_exact():
    molecule = molecule_of(find_species("smiles:CC(=O)[O-]").smiles)
    charges = [-0.2, 0.9, -0.861, -0.8612, 0.01, 0.0, 0.012]
    found = np.array(gaff.fair_charges(molecule, charges, -1))
    assert found.sum() == pytest.approx(-1.0, abs=1e-14)
    assert np.ptp(found[4:]) < 1e-15
    assert np.abs(found - charges).max() < 0.01
    with pytest.raises(FormatError, match="2 charges for 7 atoms"):
        gaff.fair_charges(molecule, [0.5, -0.5], -1)


def test_missing_terms_are_all_named():
    bare = replace(FIELD, angles={}, bonds={})
    with pytest.raises(UnknownSpecies, match=r"the bond c-c3, the bond c-o, .* the angle c-c3-hc"):
        gaff.assemble(NAME, TYPING, bare, "made up")
    with pytest.raises(FormatError, match="1 atoms"):
        gaff.assemble(NAME, antechamber.Typing(("c3",), (0.0,), ""), FIELD, "")


def test_a_bond_that_parmchk2_leaves_at_zero_is_missing_and_a_dihedral_is_said():
    zero = "remark\nBOND\nc3-os  0.00   0.000       ATTN, need revision\n\n"
    with pytest.raises(UnknownSpecies, match=r"the bond c3-os of .*need revision"):
        gaff.assemble(NAME, TYPING, joined(read_supplement(zero), FIELD), "")
    zero = "remark\nDIHE\nh1-c3-os-c    1    0.000   0.000   2.000   ATTN, need revision\n\n"
    table = gaff.assemble(NAME, TYPING, joined(read_supplement(zero), FIELD), "")
    assert table.notes == (f"{NAME}: dihedral h1-c3-os-c: ATTN, need revision",)
    doubtful = gaff.assemble(NAME, TYPING, joined(read_supplement(field.SUPPLEMENT), FIELD), "")
    assert doubtful.notes == ()  # X is no type of the molecule: a general term


@pytest.mark.parametrize("supplied", [False, True])
def test_the_energy_is_that_of_the_equation(fake, supplied):
    folder = fake()
    torsions, planar = field.TORSIONS, field.PLANAR
    if supplied:
        torsions, planar = {**torsions, **field.SUPPLIED}, (1.1, 180.0, 2)
    else:
        (folder / "supplement").write_text("remark\n")
    potential = ClassicalPotential(platform="Reference", molecules=(NAME,))
    for seed in range(3):
        frame = field.rattled(NAME, seed=seed)
        expected = field.energy(frame.positions, torsions=torsions, planar=planar)
        assert potential.evaluate([frame])[0].energy == pytest.approx(expected, abs=1e-8)


def cluster(names, seed=0):
    """Return molecules side by side in vacuum, with their ids."""
    parts = [field.rattled(name, 0.05, seed + k) for k, name in enumerate(names)]
    positions = [part.positions + [5.0 * k, 0.3 * k, 0.0] for k, part in enumerate(parts)]
    ids = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    return Frame(np.concatenate([p.numbers for p in parts]), np.vstack(positions), molecules=ids)


def atoms_of(name):
    """Return (charge, σ, ε in kJ/mol, arithmetic) of each atom."""
    if name != NAME:
        return [(a.charge, a.sigma, a.epsilon, False) for a in find_table(name).atoms]
    return [
        (q, 2 ** (5 / 6) * field.ATOMS[t][0], 4.184 * field.ATOMS[t][1], True)
        for q, t in zip(field.FAIR, field.TYPES, strict=True)
    ]


@pytest.mark.parametrize("scale", [1.0, 0.8])
def test_a_mixed_cluster_takes_each_pair_s_own_mean(fake, scale):
    (fake() / "supplement").write_text("remark\n")
    names = ["Li+", NAME, "PF6-", "EC", NAME]
    frame = cluster(names)
    expected, start = 0.0, 0
    rows = []
    for name in names:
        own = atoms_of(name)
        positions = frame.positions[start : start + len(own)]
        if name == NAME:
            expected += field.energy(positions, charges=[scale * q for q in field.FAIR])
        elif len(own) > 1:
            expected += sum(classical_naive.energy(name, positions, scale))
        rows.append([(*atom, x) for atom, x in zip(own, positions, strict=True)])
        start += len(own)
    for one in range(len(rows)):
        for other in range(one):
            for q, s, e, mean, x in rows[one]:
                for p, t, f, also, y in rows[other]:
                    r = np.linalg.norm(x - y)
                    sigma = (s + t) / 2 if mean or also else sqrt(s * t)
                    lj = 4 * sqrt(e * f) * ((sigma / r) ** 12 - (sigma / r) ** 6)
                    expected += field.KJ * (classical_naive.COULOMB * scale**2 * q * p / r + lj)
    potential = ClassicalPotential(scale, platform="Reference", molecules=(NAME,))
    assert potential.evaluate([frame])[0].energy == pytest.approx(expected, abs=1e-8)


def test_forces_are_derivatives_in_a_mixed_box(fake):
    fake()
    box = pack_box({"Li+": 1, "PF6-": 1, NAME: 1}, 0.5, seed=2)
    potential = ClassicalPotential(platform="Reference", cutoff=4.5, molecules=(NAME,))
    labels = potential.evaluate([box])[0]
    direction, h = np.random.default_rng(0).normal(size=box.positions.shape), 1e-4

    def at(frame):
        plain = ClassicalPotential(
            platform="Reference", cutoff=4.5, stress="none", molecules=(NAME,)
        )
        return plain.evaluate([frame])[0].energy

    ends = [at(box.moved(box.positions + s * h * direction)) for s in (1, -1)]
    slope = -(ends[0] - ends[1]) / 2 / h
    assert (labels.forces * direction).sum() == pytest.approx(slope, abs=1e-3)
    grown = [at(box.moved(box.positions * g, box.cell * g)) for g in (1.0003, 0.9997)]
    slope = (grown[0] - grown[1]) / 0.0006
    assert np.trace(labels.stress) * box.volume == pytest.approx(slope, abs=2e-2)


def test_a_frame_s_atoms_may_have_any_order(fake):
    fake()
    frame = cluster([NAME, "water", NAME])
    potential = ClassicalPotential(platform="Reference", molecules=(NAME,))
    mixed = np.random.default_rng(3).permutation(len(frame))
    bare = Frame(frame.numbers[mixed], frame.positions[mixed])
    found, expected = (potential.evaluate([f])[0] for f in (bare, frame))
    assert found.energy == pytest.approx(expected.energy, abs=1e-9)
    assert found.forces == pytest.approx(expected.forces[mixed], abs=1e-9)
    with pytest.raises(UnknownSpecies, match="no molecule C3H6O2"):
        ClassicalPotential(platform="Reference").evaluate([frame])
