"""Each fault, put into a good label, is caught by name; good labels pass."""

from __future__ import annotations

import numpy as np
import pytest
from firewall_cases import ATOMS, N, changed, data_set, good, kinds

from data import shared_data
from elyte.core import Dataset, Frame, LabelledFrame, Labels, Outcome
from elyte.core.formats import read_dataset
from elyte.reference.audit import audit
from elyte.reference.firewall import Context, Limits, faults, inspect


def broken_forces(labels, fault):
    forces = np.array(labels.forces)
    fault(forces)
    return changed(labels, forces=forces)


def set_nan(forces):
    forces[2, 1] = np.nan


def set_huge(forces):
    forces[3] = [0, 0, 61.0]
    forces[4] -= [0, 0, 61.0]


def set_zero(forces):
    forces[:2] = 0.0


def set_drift(forces):
    forces += [0.1, 0, 0]


FAULTS = {
    "not_finite": [
        lambda x: changed(x, energy=np.nan),
        lambda x: broken_forces(x, set_nan),
        lambda x: changed(x, stress=np.full((3, 3), np.inf)),
    ],
    "forces_missing": [
        lambda x: changed(x, forces=None),
        lambda x: changed(x, forces=x.forces[:-1]),
    ],
    "stress_missing": [lambda x: changed(x, stress=None)],
    "force_too_large": [lambda x: broken_forces(x, set_huge)],
    "forces_zeroed": [lambda x: broken_forces(x, set_zero)],
    "net_force": [lambda x: broken_forces(x, set_drift)],
    "stress_asymmetric": [lambda x: changed(x, stress=x.stress + [[0, 1e-3, 0]] * 3)],
    "stress_too_large": [lambda x: changed(x, stress=x.stress * 1602.0)],
    "energy_out_of_range": [
        lambda x: changed(x, energy=x.energy / 27.2114),
        lambda x: changed(x, energy=x.energy + 60.0),
    ],
}


@pytest.mark.parametrize(
    ("kind", "fault"), [(kind, fault) for kind, list_ in FAULTS.items() for fault in list_]
)
def test_a_fault_is_caught_by_name(kind, fault):
    frame, labels = good()
    context = Context(atom_energies=ATOMS)
    assert inspect(frame, labels, context).done
    outcome = inspect(frame, fault(labels), context)
    assert outcome.kind == kind
    assert len(outcome.reason) > 10
    assert kind in [fault.kind for fault in faults(frame, fault(labels), context)]


def test_a_stress_without_a_box():
    frame, labels = good()
    alone = Frame(frame.numbers, frame.positions)
    assert inspect(alone, labels).kind == "stress_without_box"
    assert inspect(alone, changed(labels, stress=None)).done


def test_a_wrong_number_of_electrons():
    frame, labels = good()
    ionised = Labels(labels.energy, labels.forces, labels.stress, np.full(N, 1 / N))
    assert inspect(frame, ionised, Context(charge=0.0)).kind == "wrong_charge"
    assert inspect(frame, ionised, Context(charge=1.0)).done
    assert inspect(frame, ionised).done


def test_zeros_by_symmetry_pass():
    frame, labels = good()
    assert inspect(frame, changed(labels, forces=np.zeros((N, 3)))).done
    forces = np.zeros((N, 3))
    forces[0], forces[1] = [1, 0, 0], [-1, 0, 0]
    assert inspect(frame, changed(labels, forces=forces)).done


def test_limits_and_the_callers_judgement():
    frame, labels = good()
    assert inspect(frame, labels, Context(Limits(force=0.1))).kind == "force_too_large"
    broken = Outcome("decomposed", "EC lost a CO2")
    assert inspect(frame, labels, Context(accept=lambda f: broken)) == broken
    relaxed = Context(forces_expected=False, stress_expected=False)
    assert inspect(frame, changed(labels, forces=None, stress=None), relaxed).done


def test_a_good_set_has_no_findings():
    assert audit(Dataset(data_set())) == []


def test_duplicates_and_contradictions():
    items = data_set()
    same = [*items, items[3]]
    assert kinds(same) == {"duplicate": (20,)}
    other = LabelledFrame(items[3].frame, changed(items[3].labels, energy=-1000.0))
    assert kinds([*items, other])["contradiction"] == (3, 20)


def test_mixed_levels_of_theory():
    items = [LabelledFrame(x.frame, changed(x.labels, level="PBE")) for x in data_set()]
    items[7] = LabelledFrame(items[7].frame, changed(items[7].labels, level="SCAN"))
    assert kinds(items) == {"mixed_levels": (7,)}


def test_an_energy_that_does_not_fit_the_rest():
    items = data_set()
    labels = changed(items[5].labels, energy=items[5].labels.energy + 10.0)
    items[5] = LabelledFrame(items[5].frame, labels)
    assert kinds(items) == {"energy_outlier": (5,)}


def test_isolated_atoms_in_the_set_are_its_reference():
    atoms = [
        LabelledFrame(Frame([z], np.zeros((1, 3))), Labels(e), "IsolatedAtom")
        for z, e in ATOMS.items()
    ]
    assert kinds([*data_set(), *atoms]) == {}
    wrong = [LabelledFrame(x.frame, Labels(x.labels.energy / 27.2)) for x in atoms]
    assert "energy_out_of_range" in kinds([*data_set(), *wrong])


def test_some_frames_without_stress():
    items = data_set()
    items[2] = LabelledFrame(items[2].frame, changed(items[2].labels, stress=None))
    assert kinds(items) == {"stress_missing": (2,)}


GOOD_FILES = {
    "LiTi2O4_01_train.cfgs": {"species": ["Li", "Ti", "O"]},
    "NaClVasp300.cfgs": {"species": ["Na", "Cl"]},
    "ar_dft/Ar_dft_short.extxyz": {},
    "carbonates_xtb/xtb_md.xyz": {},
    "carbonates_xtb/solvent_xtb_train_200.xyz": {
        "energy_key": "energy_xtb",
        "forces_key": "forces_xtb",
    },
    "carbonates_xtb/solvent_xtb_train_50.xyz": {
        "energy_key": "energy_xtb",
        "forces_key": "forces_xtb",
    },
    "deepmd_water": {},
    "n2p2_H2O_RPBE-D3_input.data": {},
    "vasp_outcar/OUTCAR_usual": {},
    "vasp_outcar/OUTCAR_relax": {},
    "vasp_outcar/OUTCAR_converged": {},
    "vasp_outcar/OUTCAR_no_stresses": {},
    "awkward_keys/mlip_train.xyz": {
        "energy_key": "dft_energy",
        "forces_key": "dft_forces",
        "stress_key": "dft_stress",
    },
}


# One molecule in two orientations with energies 1.4e-6 eV apart: rightly named, and no more.
REPEATED = {"carbonates_xtb/solvent_xtb_train_200.xyz": [("near_duplicate", (165,))]}
FRAMES = {"LiTi2O4_01_train.cfgs": 863, "ar_dft/Ar_dft_short.extxyz": 500, "deepmd_water": 400}
"""2568 frames in all, which pass every check."""


@pytest.mark.parametrize("name", GOOD_FILES)
def test_real_good_data_passes(name):
    dataset = read_dataset(shared_data(f"labelled/{name}"), **GOOD_FILES[name])
    found = [(finding.kind, finding.frames) for finding in audit(dataset)]
    assert found == REPEATED.get(name, [])
    assert len(dataset) == FRAMES.get(name, len(dataset))


def scaled_forces(x):
    return changed(x, forces=27.211386 / 0.529177 * x.forces)


REAL_FAULTS = {
    "not_finite": lambda x: changed(x, energy=np.nan),
    "forces_missing": lambda x: changed(x, forces=None),
    "stress_missing": lambda x: changed(x, stress=None),
    "force_too_large": scaled_forces,
    "forces_zeroed": lambda x: changed(x, forces=np.where(np.arange(8)[:, None] < 3, 0, x.forces)),
    "net_force": lambda x: changed(x, forces=x.forces + [0.1, 0, 0]),
    "stress_too_large": lambda x: changed(x, stress=x.stress * 160.2),
    "stress_asymmetric": lambda x: changed(x, stress=x.stress + np.eye(3)[[1, 0, 1]] * 0.01),
    "energy_outlier": lambda x: changed(x, energy=x.energy / 27.211386),
}


@pytest.mark.parametrize("kind", REAL_FAULTS)
def test_each_fault_in_real_good_data(kind):
    """One frame of 60 of a molten salt gets one fault: that frame and that fault are named."""
    whole = read_dataset(shared_data("labelled/NaClVasp300.cfgs"), species=["Na", "Cl"])
    items = list(whole[:60])
    items[17] = LabelledFrame(items[17].frame, REAL_FAULTS[kind](items[17].labels))
    found = kinds(items)
    assert found[kind] == (17,)
    assert all(frames == (17,) for frames in found.values())


def test_real_data_with_a_fault_is_found():
    """Four frames whose forces leave 0.07 to 0.1 eV/Å per atom unbalanced."""
    path = shared_data("labelled/awkward_keys/NaCl_64_Atoms/NaCl_64_Atoms.extxyz")
    findings = audit(read_dataset(path, forces_key="force"))
    assert [finding.kind for finding in findings] == ["net_force"] * 4
    twice = shared_data("labelled/carbonates_xtb/solvent_xtb_train_20.xyz")
    dataset = read_dataset(twice, "energy_xtb", "forces_xtb")
    assert {finding.kind for finding in audit(dataset)} == {"duplicate"}


def test_the_force_on_a_lone_atom_is_that_of_its_grid():
    frame = Frame([8], np.zeros((1, 3)))
    labels = Labels(ATOMS[8], np.array([[0.0, 0.03, 0.0]]), None)
    assert inspect(frame, labels, Context(atom_energies=ATOMS)).done
    two = Frame([8, 8], [[0, 0, 0], [0, 0, 1.2]])
    drifting = Labels(2 * ATOMS[8] - 5, np.array([[0.0, 0.03, 0.0]] * 2), None)
    assert inspect(two, drifting, Context(atom_energies=ATOMS)).kind == "net_force"


def test_a_wrong_number_of_electrons_by_count():
    frame, labels = good()
    outcome = inspect(frame, labels, Context(electrons=(15.0, 16.0)))
    assert outcome.kind == "wrong_electrons"
    assert "15 electrons" in outcome.reason
    assert inspect(frame, labels, Context(electrons=(16.0, 16.0))).done
