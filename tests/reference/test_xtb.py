"""xTB labels against finite differences and tblite's own ASE calculator."""

from __future__ import annotations

import ase.build
import numpy as np
import pytest

from elyte.core import Frame, InputError, MissingDependency, Outcome
from elyte.reference import xtb
from elyte.reference.engines import ENGINES, find_engine
from elyte.reference.settings import EngineSettings

pytest.importorskip("tblite", reason="tblite is not installed")
METHODS = ["GFN1-xTB", "GFN2-xTB"]


def crowded_box():
    """Return H2O and LiF in a small, skewed box, off every symmetry."""
    atoms = ase.build.molecule("H2O")
    atoms += ase.Atoms("LiF", [[2.9, 1.1, 0.4], [3.4, 2.6, 0.9]])
    atoms.set_cell([[5.6, 0.0, 0.0], [0.7, 5.9, 0.0], [-0.4, 0.5, 6.3]])
    atoms.pbc = True
    atoms.positions += np.random.default_rng(3).normal(0, 0.05, atoms.positions.shape)
    return Frame.from_ase(atoms)


def tight(method):
    return EngineSettings(method=method, accuracy=1e-3).as_dict()


def strained(frame, strain):
    return frame.moved(frame.positions @ (np.eye(3) + strain), frame.cell @ (np.eye(3) + strain))


@pytest.mark.parametrize("method", METHODS)
def test_forces_are_the_derivative_of_the_energy(method):
    frame = crowded_box()
    forces = xtb.label(frame, tight(method))["forces"]
    h = 1e-3
    for atom, axis in [(0, 0), (1, 2), (3, 1), (4, 0)]:
        shift = np.zeros((len(frame), 3))
        shift[atom, axis] = h
        plus, minus = (
            xtb.label(frame.moved(frame.positions + sign * shift), tight(method))["energy"]
            for sign in (1, -1)
        )
        assert forces[atom, axis] == pytest.approx(-(plus - minus) / (2 * h), abs=2e-4)
    assert np.abs(forces.sum(axis=0)).max() < 1e-5


@pytest.mark.parametrize("method", METHODS)
def test_stress_is_the_strain_derivative_of_the_energy_in_ases_sign(method):
    frame = crowded_box()
    stress = xtb.label(frame, tight(method))["stress"]
    assert np.array_equal(stress, stress.T)
    h = 1e-4  # longer strains now and then move a pair over a cut-off, where the energy jumps
    for i, j in [(0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2)]:
        strain = np.zeros((3, 3))
        strain[i, j] += 0.5 * h
        strain[j, i] += 0.5 * h
        plus, minus = (
            xtb.label(strained(frame, sign * strain), tight(method))["energy"] for sign in (1, -1)
        )
        numeric = (plus - minus) / (2 * h * frame.volume)
        assert stress[i, j] == pytest.approx(numeric, abs=1e-6)


def test_the_energy_is_the_free_energy_at_the_electronic_temperature():
    """At a high temperature the smearing has an entropy; forces still are its derivative."""
    frame = crowded_box()
    hot = EngineSettings(accuracy=1e-3, electronic_temperature=20000.0).as_dict()
    label = xtb.label(frame, hot)
    shift = np.zeros((len(frame), 3))
    shift[1, 0] = 1e-3
    plus, minus = (
        xtb.label(frame.moved(frame.positions + s * shift), hot)["energy"] for s in (1, -1)
    )
    assert label["forces"][1, 0] == pytest.approx(-(plus - minus) / 2e-3, abs=2e-4)
    cold = xtb.label(frame, tight("GFN1-xTB"))
    assert label["energy"] < cold["energy"] - 0.1


def test_labels_equal_those_of_tblites_own_calculator():
    tblite = pytest.importorskip("tblite.ase")
    frame = crowded_box()
    atoms = frame.to_ase()
    atoms.calc = tblite.TBLite(method="GFN1-xTB", verbosity=0, accuracy=1.0)
    label = xtb.label(frame, EngineSettings().as_dict())
    assert label["energy"] == pytest.approx(atoms.get_potential_energy(), abs=1e-5)
    assert np.allclose(label["forces"], atoms.get_forces(), atol=1e-5)
    assert np.allclose(label["stress"], atoms.get_stress(voigt=False), atol=1e-7)
    assert np.allclose(label["charges"], atoms.get_charges(), atol=1e-6)


def test_labels_are_deterministic():
    frame = crowded_box()
    first, second = (xtb.label(frame, EngineSettings().as_dict()) for _ in range(2))
    assert first["energy"] == second["energy"]
    assert np.array_equal(first["forces"], second["forces"])
    assert np.array_equal(first["stress"], second["stress"])


def test_charge_goes_into_the_calculation():
    ion = Frame([8, 1], [[0, 0, 0], [0, 0, 0.97]])
    label = xtb.label(ion, EngineSettings(charge=-1).as_dict())
    assert label["charges"].sum() == pytest.approx(-1.0, abs=1e-6)
    assert label["stress"] is None


def test_an_scf_that_does_not_converge_is_an_outcome():
    outcome = xtb.label(crowded_box(), EngineSettings(max_iterations=1).as_dict())
    assert isinstance(outcome, Outcome)
    assert outcome.kind == "scf_not_converged"
    assert "1 iterations" in outcome.reason


def test_what_tblite_refuses_is_an_outcome():
    outcome = xtb.label(Frame([1, 1], np.zeros((2, 3))), EngineSettings().as_dict())
    assert outcome.kind == "failed"
    assert "close" in outcome.reason


def test_what_cannot_be_asked():
    slab = Frame([8], np.zeros((1, 3)), 5 * np.eye(3), [True, True, False])
    with pytest.raises(InputError, match="pbc"):
        xtb.check(slab, EngineSettings())
    with pytest.raises(InputError, match="GFN7"):
        xtb.check(crowded_box(), EngineSettings(method="GFN7-xTB"))
    with pytest.raises(InputError, match="did you mean 'xtb'"):
        find_engine("xbt")
    with pytest.raises(InputError, match="did you mean 'accuracy'"):
        EngineSettings.from_mapping({"acuracy": 1})
    with pytest.raises(InputError):
        EngineSettings(accuracy=0)


def test_an_engine_that_is_not_installed(monkeypatch):
    monkeypatch.setattr(xtb.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependency, match="pip install tblite"):
        find_engine("xtb")


def test_an_engine_that_is_too_old(monkeypatch):
    monkeypatch.setattr(xtb, "version", lambda: "0.6.0")
    with pytest.raises(MissingDependency, match="wrong stress"):
        find_engine("xtb")


def test_the_level_names_what_is_not_usual():
    engine = ENGINES["xtb"]
    version = engine.version()
    assert engine.level(EngineSettings()) == f"GFN1-xTB/tblite-{version}"
    hot = EngineSettings(electronic_temperature=500)
    assert engine.level(hot) == f"GFN1-xTB/tblite-{version}/electronic_temperature=500.0"


def test_openblas_is_preloaded_where_it_is_found(monkeypatch, tmp_path):
    library = tmp_path / "libopenblas.so.0"
    library.write_bytes(b"")
    monkeypatch.setenv("ELYTE_OPENBLAS", str(library))
    monkeypatch.setenv("LD_PRELOAD", "/lib/other.so")
    assert xtb.environment()["LD_PRELOAD"] == f"{library}:/lib/other.so"
    monkeypatch.setenv("ELYTE_OPENBLAS", "")
    assert "LD_PRELOAD" not in xtb.environment()
    assert xtb.environment()["OMP_NUM_THREADS"] == "1"
