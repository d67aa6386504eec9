"""GAFF2 parameters: from what the programs write to energies, and what goes wrong on the way."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import replace
from math import sqrt

import classical_naive
import fake_antechamber
import numpy as np
import pytest
import small_field as field

from elyte.chemistry import conformer, find_species, pack_box
from elyte.chemistry.conformers import bonds_of, molecule_of
from elyte.core import Frame, InputError, UnknownSpecies
from elyte.core.errors import FormatError, MissingDependency
from elyte.reference.classical import (
    antechamber,
    find_table,
    gaff,
    parameter_notes,
    species_table,
    species_topology,
    without_parameters,
    without_tables,
)
from elyte.reference.classical.amber_files import joined, read_force_field, read_supplement
from elyte.reference.classical.species import fingerprint
from elyte.reference.classical.topology import build
from elyte.reference.fingerprints import fingerprints
from elyte.reference.settings import EngineSettings

pytest.importorskip("openmm", reason="OpenMM is not installed")
import openmm
from openmm import app

from elyte.reference.classical import engine
from elyte.reference.classical.dynamics import ClassicalRun, run_classical
from elyte.reference.classical.field import ClassicalPotential
from elyte.reference.classical.system import make_system

NAME = field.NAME
FIELD = read_force_field(field.force_field())
TYPING = antechamber.Typing(field.TYPES, field.CHARGES, "")


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Put programs in place that know methyl acetate, or others by arguments; caches are empty."""

    def put(**changed):
        folder = tmp_path / f"amber{len(list(tmp_path.iterdir()))}"
        fake_antechamber.make(folder, **changed)
        monkeypatch.setenv("AMBERHOME", str(folder))
        return folder

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    forget()
    yield put
    forget()


def forget():
    species_topology.cache_clear()
    gaff._gaff_table.cache_clear()


def rattled(name, size=0.1, seed=1):
    frame = conformer(name)
    shift = np.random.default_rng(seed).normal(0, size, frame.positions.shape)
    return frame.moved(frame.positions + shift)


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
        frame = rattled(NAME, seed=seed)
        expected = field.energy(frame.positions, torsions=torsions, planar=planar)
        assert potential.evaluate([frame])[0].energy == pytest.approx(expected, abs=1e-8)


def cluster(names, seed=0):
    """Return molecules side by side in vacuum, with their ids."""
    parts = [rattled(name, 0.05, seed + k) for k, name in enumerate(names)]
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


def test_the_programs_run_once_for_a_molecule(fake):
    folder = fake()
    table = species_table(NAME)
    assert fake_antechamber.calls(folder) == ["antechamber", "parmchk2"]
    assert species_table(NAME) is table
    forget()  # another process
    assert species_table(NAME) == table
    assert fake_antechamber.calls(folder) == ["antechamber", "parmchk2"]
    kept = next((folder.parent / "cache" / "elyte" / "gaff2").iterdir())
    kept.write_text("{")
    forget()
    assert species_table(NAME) == table  # damage costs time alone
    assert len(fake_antechamber.calls(folder)) == 4
    (folder / "dat" / "leap" / "parm" / "gaff2.dat").write_text(field.force_field() + "\n")
    gaff.antechamber._hash.cache_clear()
    forget()
    species_table(NAME)  # another version of the force field
    assert len(fake_antechamber.calls(folder)) == 6


FATAL = """echo; echo 'path/antechamber: Fatal Error!'; echo 'Weird atomic valence (4) for atom.'
echo '   Please check atomic connectivity.'; exit 1"""
CRASH = "echo ' QMMM: ERROR! SCF did not converge.' > sqm.out; echo 'Cannot run sqm'; exit 1"


@pytest.mark.parametrize(
    ("program", "command", "words"),
    [
        ("antechamber", FATAL, r"antechamber fails for smiles:COC\(C\)=O: Weird atomic valence"),
        ("antechamber", CRASH, "sqm: QMMM: ERROR! SCF did not converge"),
        ("antechamber", "exit 3", "antechamber fails .*: it says nothing"),
        ("antechamber", "true", "antechamber fails"),
        ("antechamber", "echo nothing > out.mol2", "mol2 of .* cannot be read"),
        ("antechamber", 'sed "s/ os / DU /" "$AMBERHOME/mol2" > out.mol2', "no atom type for A2"),
        ("parmchk2", "echo 'no such file'; exit 1", "parmchk2 fails .*: no such file"),
        ("parmchk2", "printf 'remark\\nBOND\\nc3-os  x  1\\n' > out.frcmod", "cannot be read"),
    ],
)
def test_failures_say_which_molecule_and_why(fake, program, command, words):
    fake(**{program: command})
    with pytest.raises(UnknownSpecies, match=words):
        species_table(NAME)
    assert list(without_parameters([NAME, "EC"])) == [NAME]
    answer = engine.label(conformer(NAME), {"engine": "classical", "molecules": [NAME]})
    assert answer.kind == "unknown_molecule"


def test_a_program_that_hangs_is_ended_with_what_it_started(fake):
    folder = fake(antechamber='sleep 300 & echo $! > "$AMBERHOME/child"; wait')
    begin = time.monotonic()
    with pytest.raises(InputError, match=r"antechamber did not end within 0\.5 s for NAME"):
        antechamber.parametrise("", "NAME", 0, limit=0.5)
    assert time.monotonic() - begin < 60
    child = int((folder / "child").read_text())
    for _ in range(100):
        status = subprocess.run(
            ["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True, check=False
        ).stdout.strip()
        if not status or status.startswith("Z"):
            return
        time.sleep(0.05)
    pytest.fail("the child still runs")


def test_a_library_that_sqm_lacks_is_named(fake):
    text = "sqm: error while loading shared libraries: libarpack.so.2: cannot open"
    fake(sqm=f"echo '{text}' >&2; false")
    assert "needs libarpack.so.2: Debian: apt install libarpack2" in antechamber.available().reason
    with pytest.raises(MissingDependency, match=r"libarpack\.so\.2"):
        species_table(NAME)


def test_without_the_programs_the_molecule_has_no_parameters(monkeypatch):
    monkeypatch.delenv("AMBERHOME", raising=False)
    monkeypatch.setattr(antechamber, "find_spec", lambda name: None)
    forget()
    assert antechamber.available().kind == "missing"
    assert "pip install acpype" in antechamber.available().reason
    with pytest.raises(MissingDependency, match="pip install acpype"):
        species_table(NAME)
    assert "pip install acpype" in without_parameters(["EC", NAME])[NAME]
    assert without_parameters(["EC", "Li+", "PF6-"]) == {}
    answer = engine.label(conformer(NAME), {"engine": "classical", "molecules": [NAME]})
    assert answer.kind == "unknown_molecule"
    assert "acpype" in answer.reason


def test_single_atoms_and_other_elements_are_no_matter_of_gaff(fake):
    folder = fake()
    with pytest.raises(UnknownSpecies, match="no parameters for Si, which smiles:C"):
        species_table("smiles:C[Si](C)(C)C")
    with pytest.raises(UnknownSpecies, match=r"single atom Zn2\+"):
        species_table("Zn2+")
    assert fake_antechamber.calls(folder) == []


def test_labels_know_the_parameters_that_they_rest_on(fake, monkeypatch):
    fake()
    plain = EngineSettings("classical")
    assert "molecules" not in plain.as_dict()
    chosen = EngineSettings("classical", molecules=(NAME,))
    assert EngineSettings.from_mapping(chosen.as_dict()) == chosen
    frame = conformer(NAME)
    assert fingerprints(frame, "classical", plain.options) == {}
    first = fingerprints(frame, "classical", chosen.options)
    assert first == {"gaff2": fingerprint([NAME])}
    assert f"+GAFF2-{first['gaff2'][:8]}/openmm-" in engine.level(chosen)
    with pytest.raises(UnknownSpecies, match="unknown species 'methyl acetate'"):
        engine.check(frame, EngineSettings("classical", molecules=("methyl acetate",)))
    (fake() / "mol2").write_text(field.mol2().replace("0.630000", "0.640000"))
    monkeypatch.setenv("XDG_CACHE_HOME", "/not/there")
    forget()
    assert fingerprints(frame, "classical", chosen.options) != first


real = pytest.mark.skipif(
    not antechamber.available().done, reason=f"antechamber: {antechamber.available().reason}"
)


@real
def test_antechamber_describes_a_molecule(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    table = species_table(NAME)
    assert [a.name for a in table.atoms] == list(field.TYPES)
    assert table.charge == pytest.approx(0.0, abs=1e-12)
    charges = np.array([a.charge for a in table.atoms])
    assert charges[4] == pytest.approx(-0.54, abs=0.03)  # AM1-BCC of an ester's carbonyl oxygen
    assert np.ptp(charges[5:8]) < 1e-12
    missing = without_parameters(["ClO4-", "BOB-", "EC"])
    assert "no parameters for B, which" in missing["BOB-"]
    assert "the angle o-cl-o of ClO4-" in missing["ClO4-"]
    assert len(missing) == 2
    assert parameter_notes([NAME, "EC"]) == []
    assert without_tables([NAME, "EC"]) == (NAME,)
    forces = (
        ClassicalPotential(platform="Reference", molecules=(NAME,))
        .evaluate([conformer(NAME)])[0]
        .forces
    )
    assert np.abs(forces).max() < 5.0


def parametrised(monkeypatch):
    """Return what antechamber says of the molecule, and its own mol2 text."""
    kept, read = [], antechamber.read_mol2
    monkeypatch.setattr(
        antechamber, "read_mol2", lambda text, name: (kept.append(text), read(text, name))[1]
    )
    return antechamber.parametrise(gaff._mol_block(NAME), NAME, 0), kept[0]


def with_charges(mol2, charges):
    """Return a mol2 text with other charges in its last column, to more digits."""
    before, part, after = mol2.partition("@<TRIPOS>ATOM\n")
    rows = after.split("\n")
    for k, charge in enumerate(charges):
        rows[k] = f"{rows[k].rsplit(None, 1)[0]} {charge:.12f}"
    return before + part + "\n".join(rows)


@real
def test_the_terms_are_those_that_parmchk2_finds(tmp_path, monkeypatch):
    """parmchk2 can print all terms that it would use: rounded, but looked up by itself."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    table = species_table(NAME)
    (tmp_path / "m.mol2").write_text(parametrised(monkeypatch)[1])
    home = antechamber.home()
    subprocess.run(
        [home / "bin" / "parmchk2", "-i", "m.mol2", "-f", "mol2", "-o", "all", "-a", "Y",
         "-p", home / "dat" / "leap" / "parm" / "gaff2.dat"],
        cwd=tmp_path, env={**os.environ, "AMBERHOME": str(home)}, check=True, capture_output=True,
    )  # fmt: skip
    theirs = read_supplement((tmp_path / "all").read_text())
    for key, (length, k) in table.bonds.items():
        assert theirs.find("bonds", key) == pytest.approx((k / 8.368, length), abs=0.006)
    for key, (angle, k) in table.angles.items():
        assert theirs.find("angles", key) == pytest.approx((k / 8.368, angle), abs=0.06)
    for atom in table.atoms:
        half, depth = theirs.atoms[(atom.name,)]
        assert (half * 2 ** (5 / 6), depth * 4.184) == pytest.approx(
            (atom.sigma, atom.epsilon), abs=1e-4
        )
    for key, series in table.dihedrals.items():
        mine = sorted(np.reshape(series, (-1, 3)).tolist())
        found = np.reshape(theirs.find("dihedrals", key), (-1, 3))[:, [2, 1, 0]]
        found[:, 2] *= 4.184
        assert np.array(mine) == pytest.approx(np.array(sorted(found.tolist())), abs=5e-3)
    assert len(table.impropers) == len(theirs.impropers) == 1


@real
def test_tleap_makes_the_same_system_of_it(tmp_path, monkeypatch):
    """AMBER's own program joins the same pieces; OpenMM's own reader evaluates the result."""
    home = antechamber.home()
    leap = home / "bin" / "teLeap"
    if (
        not leap.exists()
        or subprocess.run([leap, "-h"], capture_output=True, check=False).returncode
    ):
        pytest.skip("tleap does not start here (acpype's lacks libraries)")
    frame = rattled(NAME)
    typing, mol2 = parametrised(monkeypatch)
    field2 = read_force_field(antechamber.force_field(home))
    table = gaff.assemble(NAME, typing, joined(read_supplement(typing.supplement), field2), "")
    (tmp_path / "m.mol2").write_text(with_charges(mol2, [a.charge for a in table.atoms]))
    (tmp_path / "f").write_text(typing.supplement)
    (tmp_path / "in").write_text(
        f"addPath {home}/dat/leap/parm\nloadamberparams gaff2.dat\nloadamberparams f\n"
        "set default PBRadii mbondi2\nm = loadmol2 m.mol2\nsaveamberparm m m.prmtop m.inpcrd\n"
        "quit\n"
    )
    environment = {**os.environ, "AMBERHOME": str(home)}
    subprocess.run([leap, "-f", "in"], cwd=tmp_path, env=environment, check=True,
                   capture_output=True)  # fmt: skip
    system = app.AmberPrmtopFile(str(tmp_path / "m.prmtop")).createSystem(
        nonbondedMethod=app.NoCutoff
    )
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )
    context.setPositions(0.1 * frame.positions)
    theirs = context.getState(getEnergy=True).getPotentialEnergy()._value * field.KJ
    topology = build(table, bonds_of(NAME), conformer(NAME).positions)
    mine = energy_of(topology, frame)
    assert mine == pytest.approx(theirs, abs=2e-5)  # AMBER writes π with seven digits


def energy_of(topology, frame):
    system = make_system(topology, frame.masses, None, 9.0, False)
    context = openmm.Context(
        system, openmm.VerletIntegrator(0.001), openmm.Platform.getPlatformByName("Reference")
    )
    context.setPositions(0.1 * frame.positions)
    return context.getState(getEnergy=True).getPotentialEnergy()._value * field.KJ


@real
def test_a_box_of_it_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    forget()
    frame = pack_box({"Li+": 1, "PF6-": 1, NAME: 12}, 0.9, seed=0)
    settings = ClassicalRun(
        steps=100, timestep=1.0, series_every=50, frames_every=50, cutoff=4.5, molecules=(NAME,)
    )
    found = run_classical(frame, settings)
    assert found.outcome.done
    assert len(found.frames) == 2
    assert 0.5 < found.series["density"][-1] < 1.5
