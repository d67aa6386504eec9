"""The classical force field against its equation written out anew, and its own derivatives."""

from __future__ import annotations

import numpy as np
import pytest
from classical_naive import KJ, energy

from elyte.chemistry import SPECIES, conformer, find_species, pack_box
from elyte.core import Frame, InputError, Outcome, UnknownSpecies
from elyte.core.errors import FormatError
from elyte.reference.classical import covered, engine, find_table, species_topology
from elyte.reference.classical.cells import reduced_cell, repeats, whole_molecules
from elyte.reference.classical.recognise import recognise
from elyte.reference.classical.tables import read_table
from elyte.reference.engines import ENGINES
from elyte.reference.settings import EngineSettings

pytest.importorskip("openmm", reason="OpenMM is not installed")
from elyte.reference.classical.dynamics import ClassicalRun, run_classical
from elyte.reference.classical.field import ClassicalPotential

MOLECULES = [name for name in covered() if len(find_table(name).atoms) > 1]
SETTINGS = EngineSettings(engine="classical", method="OPLS-AA").as_dict()
# The planar centres by hand: outer, outer, centre, outer atom in the table's order, V₂ (kJ/mol).
PLANAR = {
    "acetamide": {(2, 0, 1, 3): 87.864, (7, 8, 2, 1): 8.368},
    "urea": {(0, 2, 1, 3): 87.864, (4, 5, 0, 1): 8.368, (6, 7, 2, 1): 8.368},
    "C4F9CO2-": {(3, 0, 1, 2): 87.864},
    "EMIM+": {
        (7, 3, 2, 1): 8.368,
        (7, 4, 5, 6): 8.368,
        (2, 5, 7, 18): 9.2048,
        (2, 4, 3, 13): 9.2048,
        (5, 3, 4, 14): 9.2048,
    },
}


def rattled(name, seed=1, size=0.1):
    frame = conformer(name)
    shift = np.random.default_rng(seed).normal(0, size, frame.positions.shape)
    return frame.moved(frame.positions + shift)


def reference(**settings):
    return ClassicalPotential(platform="Reference", **settings)


@pytest.mark.parametrize("name", covered())
def test_every_table_fits_its_species(name):
    table, species = find_table(name), find_species(name)
    assert table.charge == pytest.approx(species.charge, abs=1e-9)
    assert len(table.atoms) == len(conformer(name))
    assert table.source
    topology = species_topology(name)  # raises when a term is missing
    # what a molecule has, no more: every entry of a table is used
    classes = {atom.name for atom in table.atoms}
    for terms in (table.bonds, table.angles, table.dihedrals, table.impropers):
        assert all(set(key) <= classes for key in terms)
    assert (topology.epsilon >= 0).all()


def test_a_bond_energy_by_hand():
    """C–H of OPLS-AA: 340 kcal/mol/Å² stands before (r − r₀)², without a half."""
    length, k = find_table("EC").bonds["CT", "HC"]
    assert (length, 0.5 * k) == (1.09, pytest.approx(340 * 4.184))
    # C–F of CL&P stands with the half already in: k/2 with k = 3698 kJ/mol/Å²
    assert find_table("TFSI-").bonds["FB", "CF"] == (1.323, 3698.0)
    # A hydrogen of BF4-'s size: 0.1 Å on one bond of 3235 kJ/mol/Å² costs 16.175 kJ/mol
    table = find_table("BF4-")
    assert 0.5 * table.bonds["B", "F"][1] * 0.1**2 == pytest.approx(16.175)


@pytest.mark.parametrize("name", MOLECULES)
def test_energies_of_single_molecules_are_those_of_the_equation(name):
    frame = rattled(name)
    found = reference().evaluate([frame])[0].energy
    planar = PLANAR.get(name)
    if planar is None and find_table(name).impropers:
        topology, chains = species_topology(name), naive_dihedrals(name)
        terms = zip(topology.dihedrals.tolist(), topology.dihedral_values, strict=True)
        planar = {tuple(a): 2 * v[2] / KJ for a, v in terms if tuple(a) not in chains}
    bonded, pairs = energy(name, frame.positions, improper_of=planar)
    assert found == pytest.approx(bonded + pairs, abs=1e-8)


def naive_dihedrals(name):
    from elyte.chemistry.conformers import bonds_of

    pairs = bonds_of(name).tolist()
    near = {i: [b if a == i else a for a, b in pairs if i in (a, b)] for p in pairs for i in p}
    return [
        (i, j, k, m)
        for j, k in pairs
        for i in near[j]
        for m in near[k]
        if i != k and m != j and i != m
    ]


def test_scaled_charges_scale_the_coulomb_energy_by_their_square():
    frame = rattled("TFSI-")
    for scale in (1.0, 0.8):
        expected = sum(energy("TFSI-", frame.positions, scale))
        assert reference(charge_scale=scale).evaluate([frame])[0].energy == pytest.approx(
            expected, abs=1e-8
        )


def small_box(seed=0):
    return pack_box({"Li+": 1, "PF6-": 1, "EC": 2}, 1.2, seed=seed)


def test_forces_and_stress_are_derivatives_of_the_energy_in_a_small_oblique_box():
    box = small_box()
    shear = np.array([[1, 0, 0], [0.2, 1, 0], [-0.1, 0.15, 1.0]])
    frame = box.moved(box.positions @ shear, box.cell @ shear)
    potential = reference(cutoff=5.0)
    labels = potential.evaluate([frame])[0]
    plain = reference(cutoff=5.0, stress="none")
    rng = np.random.default_rng(0)
    direction, h = rng.normal(size=frame.positions.shape), 1e-4
    ends = [
        plain.evaluate([frame.moved(frame.positions + s * h * direction)])[0].energy
        for s in (1, -1)
    ]
    assert (labels.forces * direction).sum() == pytest.approx(
        -(ends[0] - ends[1]) / 2 / h, abs=1e-3
    )
    strain = 3e-4 * rng.normal(size=(3, 3))
    ends = [
        plain.evaluate(
            [
                frame.moved(
                    frame.positions @ (np.eye(3) + s * strain),
                    frame.cell @ (np.eye(3) + s * strain),
                )
            ]
        )[0].energy
        for s in (1, -1)
    ]
    assert (labels.stress * strain).sum() * frame.volume == pytest.approx(
        (ends[0] - ends[1]) / 2, abs=2e-5
    )
    assert np.abs(labels.forces.sum(axis=0)).max() < 2e-3


def test_the_energy_knows_neither_images_nor_turns_nor_order():
    frame = small_box()
    potential = reference(cutoff=5.0, stress="none")
    expected = potential.evaluate([frame])[0]
    turn = np.linalg.qr(np.random.default_rng(2).normal(size=(3, 3)))[0]
    images = (
        frame.positions + np.random.default_rng(1).integers(-1, 2, (len(frame), 3)) @ frame.cell
    )
    turned = frame.moved(images @ turn, frame.cell @ turn)
    found = potential.evaluate([turned])[0]
    assert found.energy == pytest.approx(expected.energy, abs=1e-6)
    assert found.forces == pytest.approx(expected.forces @ turn, abs=1e-5)
    order = np.random.default_rng(3).permutation(len(frame))
    bare = Frame(frame.numbers[order], frame.positions[order], frame.cell, frame.pbc)
    assert potential.evaluate([bare])[0].energy == pytest.approx(expected.energy, abs=1e-6)


def test_float_is_near_double_and_pressure_is_the_trace():
    frame = small_box()
    full = reference(cutoff=5.0).evaluate([frame])[0]
    quick = ClassicalPotential(cutoff=5.0, stress="pressure").evaluate([frame])[0]
    assert quick.forces == pytest.approx(full.forces, abs=2e-2)
    assert np.trace(quick.stress) == pytest.approx(np.trace(full.stress), abs=2e-3)


def test_molecules_are_recognised_by_their_bonds():
    frame = pack_box({"Li+": 1, "TFSI-": 1, "DME": 1, "water": 2}, 0.8, seed=3)
    bare = Frame(frame.numbers[::-1], frame.positions[::-1], frame.cell, frame.pbc)
    names = sorted(name for name, _ in recognise(bare))
    assert names == ["DME", "Li+", "TFSI-", "water", "water"]


def test_a_molecule_without_parameters_is_named():
    frame = conformer("smiles:CCO")
    with pytest.raises(UnknownSpecies, match="C2H6O"):
        recognise(frame)
    answer = engine.label(frame, SETTINGS)
    assert isinstance(answer, Outcome)
    assert answer.kind == "unknown_molecule"
    with pytest.raises(UnknownSpecies, match=r"no parameters for 'emc'.*did you mean 'EMC'"):
        find_table("emc")


def test_a_table_that_is_not_whole_is_refused():
    with pytest.raises(FormatError, match="not whole"):
        read_table('name = "X"\natoms = "A"\n[types]\n')


def test_the_engine_is_registered_and_labels():
    assert ENGINES["classical"].available().done
    frame = rattled("EC", size=0.02)
    answer = engine.label(frame, SETTINGS)
    assert answer["energy"] == pytest.approx(sum(energy("EC", frame.positions)), abs=1e-8)
    assert answer["stress"] is None
    atom = Frame(np.array([6]), np.zeros((1, 3)))
    assert engine.label(atom, SETTINGS)["energy"] == 0.0
    scaled = EngineSettings(engine="classical", method="OPLS-AA/0.8")
    engine.check(frame, scaled)
    assert engine.level(scaled).startswith("OPLS-AA/0.8/openmm-")
    with pytest.raises(InputError, match=r"OPLS-AA/0\.8"):
        engine.check(frame, EngineSettings(engine="classical", method="OPLS"))


def test_species_without_parameters_are_known():
    """What the docs say is not covered."""
    missing = {name for name, s in SPECIES.items() if s.role != "element"} - set(covered())
    assert missing == {"Zn2+", "AsF6-", "ClO4-", "BOB-"}


def test_cells():
    rng = np.random.default_rng(0)
    for _ in range(20):
        cell = 5 * np.eye(3) + 2 * rng.normal(size=(3, 3))
        lower, turn = reduced_cell(cell)
        assert np.abs(np.triu(lower, 1)).max() < 1e-12
        assert abs(np.linalg.det(lower)) == pytest.approx(abs(np.linalg.det(cell)))
        assert turn @ turn.T == pytest.approx(np.eye(3))
        same = lower @ np.linalg.inv(cell @ turn)
        assert same == pytest.approx(np.round(same), abs=1e-9)
        counts = repeats(cell, 12.0)
        assert np.diag(reduced_cell(cell * np.array(counts)[:, None])[0]).min() >= 12.0
    positions = np.array([[0.5, 0, 0], [4.8, 0, 0], [4.0, 0, 0]])
    whole = whole_molecules(positions, 5.0 * np.eye(3), np.array([[0, 1], [1, 2]]))
    assert whole[:, 0] == pytest.approx([0.5, -0.2, -1.0])


def test_a_run_is_repeatable_and_keeps_its_temperature():
    frame = pack_box({"EC": 12}, 1.1, seed=0)
    run = ClassicalRun(
        temperature=(300.0, 330.0),
        steps=400,
        timestep=1.0,
        frames_every=200,
        series_every=50,
        cutoff=4.5,
    )
    seen = []
    first = run_classical(
        frame, run, seed=5, progress=lambda done, total, note="": seen.append(done)
    )
    second = run_classical(frame, run, seed=5)
    assert first.outcome.done
    assert seen[-1] == 400
    assert len(first.frames) == 2
    assert np.array_equal(first.frames[-1].positions, second.frames[-1].positions)
    assert len(first.series["density"]) == 8
    other = run_classical(frame, run, seed=6)
    assert not np.array_equal(first.frames[-1].positions, other.frames[-1].positions)


def test_runs_refuse_nonsense():
    with pytest.raises(InputError, match="ensemble"):
        ClassicalRun(ensemble="NVE")
    with pytest.raises(InputError, match="positive"):
        ClassicalRun(timestep=0)
    with pytest.raises(InputError, match="periodic"):
        run_classical(conformer("EC"), ClassicalRun())
    with pytest.raises(InputError, match="stress"):
        ClassicalPotential(stress="some")
