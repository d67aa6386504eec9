"""The programs behind GAFF2: run once, in time, and what they say when they fail."""

from __future__ import annotations

import os
import subprocess
import time

import fake_antechamber
import numpy as np
import pytest
import small_field as field

from elyte.chemistry import conformer, pack_box
from elyte.chemistry.conformers import bonds_of
from elyte.core import InputError, UnknownSpecies
from elyte.core.errors import MissingDependency
from elyte.reference.classical import (
    antechamber,
    gaff,
    parameter_notes,
    species_table,
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


def test_the_programs_run_once_for_a_molecule(fake):
    folder = fake()
    table = species_table(NAME)
    assert fake_antechamber.calls(folder) == ["antechamber", "parmchk2"]
    assert species_table(NAME) is table
    fake_antechamber.forget()  # another process
    assert species_table(NAME) == table
    assert fake_antechamber.calls(folder) == ["antechamber", "parmchk2"]
    kept = next((folder.parent / "cache" / "elyte" / "gaff2").iterdir())
    kept.write_text("{")
    fake_antechamber.forget()
    assert species_table(NAME) == table  # damage costs time alone
    assert len(fake_antechamber.calls(folder)) == 4
    (folder / "dat" / "leap" / "parm" / "gaff2.dat").write_text(field.force_field() + "\n")
    gaff.antechamber._hash.cache_clear()
    fake_antechamber.forget()
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
    fake_antechamber.forget()
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
    fake_antechamber.forget()
    assert fingerprints(frame, "classical", chosen.options) != first


real = pytest.mark.skipif(
    not antechamber.available().done, reason=f"antechamber: {antechamber.available().reason}"
)


@real
def test_antechamber_describes_a_molecule(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    fake_antechamber.forget()
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
    fake_antechamber.forget()
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
    frame = field.rattled(NAME)
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
    fake_antechamber.forget()
    frame = pack_box({"Li+": 1, "PF6-": 1, NAME: 12}, 0.9, seed=0)
    settings = ClassicalRun(
        steps=100, timestep=1.0, series_every=50, frames_every=50, cutoff=4.5, molecules=(NAME,)
    )
    found = run_classical(frame, settings)
    assert found.outcome.done
    assert len(found.frames) == 2
    assert 0.5 < found.series["density"][-1] < 1.5
