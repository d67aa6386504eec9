"""Each fault, put into a good label, is caught by name; good labels pass."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data import shared_data
from elyte.core import Dataset, Frame, LabelledFrame, Labels, Outcome
from elyte.core.formats import read_dataset
from elyte.reference.audit import audit
from elyte.reference.duplicates import near_duplicates
from elyte.reference.firewall import Context, Limits, faults, inspect
from elyte.reference.intact import check_molecules, odd_ones
from elyte.reference.kinetic import kinetic_slope, kinetic_stress
from elyte.reference.suggested import Extremes, suggested_limits

N = 6
ATOMS = {1: -13.0, 8: -430.0}


def good(seed=0, energy=None):
    rng = np.random.default_rng(seed)
    frame = Frame([8, 1, 1] * 2, rng.uniform(0, 6, (N, 3)), 6 * np.eye(3), True)
    forces = rng.normal(size=(N, 3))
    forces -= forces.mean(axis=0)
    stress = rng.normal(size=(3, 3)) * 0.01
    energy = 2 * ATOMS[8] + 4 * ATOMS[1] - 20.0 if energy is None else energy
    return frame, Labels(energy + 0.01 * rng.normal(), forces, stress + stress.T)


def changed(labels, **fields):
    values = {name: getattr(labels, name) for name in ("energy", "forces", "stress", "level")}
    return Labels(**{**values, **fields})


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


def data_set(count=20):
    return [LabelledFrame(*good(seed)) for seed in range(count)]


def kinds(items):
    return {finding.kind: finding.frames for finding in audit(Dataset(items))}


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


# --- what the set says of itself --------------------------------------------------------------


def test_a_set_suggests_its_own_limits():
    known = [Extremes(2.0 + 0.1 * (i % 10), 0.01 + 0.001 * (i % 7)) for i in range(30)]
    limits = suggested_limits(known)
    assert 20 < limits.force < 60
    assert 0.1 < limits.stress < 0.2
    assert suggested_limits(known[:10]) == Limits()  # too few to say anything
    assert suggested_limits(known, Limits(force=5.0)).force == 5.0
    spoilt = [*known, *[Extremes(1e4, 1e3)] * 7]  # a fifth of bad frames does not move them
    assert suggested_limits(spoilt).force < 60
    wide = [Extremes(10 ** (i / 10), None) for i in range(-20, 15)]
    assert suggested_limits(wide).force == 60.0


def test_a_force_that_no_other_frame_has():
    items = data_set(30)
    forces = np.array(items[4].labels.forces)
    forces[0] += [40, 0, 0]
    forces[1] -= [40, 0, 0]
    items[4] = LabelledFrame(items[4].frame, changed(items[4].labels, forces=forces))
    assert kinds(items) == {"force_too_large": (4,)}


def test_a_wrong_number_of_electrons_by_count():
    frame, labels = good()
    outcome = inspect(frame, labels, Context(electrons=(15.0, 16.0)))
    assert outcome.kind == "wrong_electrons"
    assert "15 electrons" in outcome.reason
    assert inspect(frame, labels, Context(electrons=(16.0, 16.0))).done


# --- duplicates --------------------------------------------------------------------------------


def rotation(seed):
    q, r = np.linalg.qr(np.random.default_rng(seed).normal(size=(3, 3)))
    return q * np.sign(np.diag(r))


def disguised(frame, seed, displacement=0.0):
    """Return the same structure turned, moved, with other images and another order of atoms."""
    rng = np.random.default_rng(seed)
    turn, order = rotation(seed), rng.permutation(len(frame))
    positions = frame.positions + displacement * rng.normal(size=frame.positions.shape)
    whole = rng.integers(-2, 3, frame.positions.shape) @ frame.cell
    moved = (positions + whole + rng.normal(size=3)) @ turn
    return Frame(frame.numbers[order], moved[order], frame.cell @ turn, frame.pbc)


@given(st.integers(0, 1000))
@settings(max_examples=25, deadline=None)
def test_a_structure_is_known_again_in_any_guise(seed):
    frames = [good(s)[0] for s in range(4)]
    (twins,) = near_duplicates([*frames, disguised(frames[2], seed)])
    assert (twins.first, twins.second) == (2, 4)
    assert twins.distance < 1e-9


@pytest.mark.parametrize("displacement", [2e-4, 5e-3])
def test_the_distance_of_near_duplicates_is_about_right(displacement):
    frames = [good(s)[0] for s in range(4)]
    near = disguised(frames[1], 7, displacement)
    (twins,) = near_duplicates([*frames, near], closest=0.05)
    assert 0.2 < twins.distance / (np.sqrt(3) * displacement) < 5
    assert bool(near_duplicates([*frames, near])) is (displacement < 1e-3)


def test_near_duplicates_are_named_once():
    items = data_set()
    frame, labels = items[3].frame, items[3].labels
    again = [
        LabelledFrame(disguised(frame, s), changed(labels, forces=labels.forces)) for s in (1, 2)
    ]
    assert audit(Dataset([*items, *again])) != []
    assert list(kinds([*items, *again])) == ["near_duplicate"]
    found = [f.frames for f in audit(Dataset([*items, *again]))]
    assert found == [(20,), (21,)]


# --- molecules ---------------------------------------------------------------------------------


def two_waters(stretch=0.0, approach=0.0, ids=True):
    """Return two water molecules; the first O–H stretched, or the other molecule brought near."""
    one = np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
    positions = np.concatenate([one, one + [4.0 - approach, 0, 0.3]])
    positions[2] += stretch * np.array([-0.25, 0.968, 0])
    return Frame(
        [8, 1, 1] * 2, positions, 12 * np.eye(3), True, [0, 0, 0, 1, 1, 1] if ids else None
    )


def test_molecules_that_broke_or_merged():
    assert check_molecules(two_waters()).done
    assert check_molecules(two_waters(stretch=0.25)).done  # a vibration
    broken = check_molecules(two_waters(stretch=1.2))
    assert broken.kind == "molecule_broken"
    assert "molecule 0 is now HO + H" in broken.reason
    merged = check_molecules(two_waters(approach=2.0))
    assert merged.kind == "molecules_merged"
    assert "molecule 0" in merged.reason
    assert check_molecules(two_waters(stretch=1.2, ids=False)).done
    ion = Frame([3, 8], [[0, 0, 0], [0, 0, 1.5]], molecules=[0, 1])
    assert check_molecules(ion).done  # a coordinated metal ion is no bond


@pytest.mark.parametrize("ids", [True, False])
def test_an_odd_molecule_among_good_ones(ids):
    rng = np.random.default_rng(0)
    frames = [two_waters(rng.uniform(0, 0.1), rng.uniform(-1, 0.5), ids) for _ in range(12)]
    frames[5] = two_waters(stretch=1.2, ids=ids)
    assert list(odd_ones(frames)) == [5]
    items = []
    for index, frame in enumerate(frames):
        forces = rng.normal(size=(6, 3))
        labels = Labels(-900 + 0.01 * index, forces - forces.mean(axis=0))
        items.append(LabelledFrame(frame, labels))
    assert kinds(items) == {"bonds_changed": (5,)}
    assert audit(Dataset(items), reactions=True) == []


# --- levels of theory, charges, motion -----------------------------------------------------------


def test_two_levels_of_theory_without_a_name():
    """A quarter of the frames has energies 0.1 eV per atom lower, with nothing between."""
    items = data_set(40)
    for index in range(0, 40, 4):
        labels = changed(items[index].labels, energy=items[index].labels.energy - 0.6)
        items[index] = LabelledFrame(items[index].frame, labels)
    assert kinds(items) == {"two_levels": tuple(range(0, 40, 4))}


def test_a_broad_distribution_is_one_level():
    rng = np.random.default_rng(0)
    items = [LabelledFrame(*good(seed)) for seed in range(60)]
    spread = [changed(x.labels, energy=x.labels.energy + rng.uniform(-3, 3)) for x in items]
    assert kinds([LabelledFrame(x.frame, y) for x, y in zip(items, spread, strict=True)]) == {}


def test_a_charged_cell_among_neutral_ones():
    rng = np.random.default_rng(0)
    items = []
    for seed in range(20):
        frame, labels = good(seed)
        charges = rng.normal(size=N)
        charges += (float(seed == 6) - charges.sum()) / N
        items.append(
            LabelledFrame(frame, Labels(labels.energy, labels.forces, labels.stress, charges))
        )
    assert kinds(items) == {"wrong_charge": (6,)}


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_the_motion_of_atoms_in_the_stress(share):
    rng = np.random.default_rng(1)
    items, momenta = [], []
    for seed in range(40):
        frame, labels = good(seed)
        p = rng.normal(size=(N, 3)) * np.sqrt(0.0259 * frame.masses)[:, None]
        stress = labels.stress + share * kinetic_stress(p, frame.masses, frame.volume)
        items.append(LabelledFrame(frame, changed(labels, stress=stress)))
        momenta.append(p)
    slope = kinetic_slope(Dataset(items), momenta)
    assert abs(slope.value - share) < 4 * slope.error + 1e-9
    found = [finding.kind for finding in audit(Dataset(items), momenta=momenta)]
    assert found == (["stress_kinetic"] if slope.found else [])


def test_a_kinetic_part_is_found_with_little_scatter():
    """A dilute, hot set: the kinetic part is large beside the scatter of the static stress."""
    rng = np.random.default_rng(2)
    items, momenta = [], []
    for seed in range(60):
        frame, labels = good(seed)
        p = rng.normal(size=(N, 3)) * np.sqrt(0.05 * frame.masses)[:, None]
        static = 1e-4 * labels.stress
        kinetic = kinetic_stress(p, frame.masses, frame.volume)
        items.append(LabelledFrame(frame, changed(labels, stress=static + kinetic)))
        momenta.append(p)
    assert kinetic_slope(Dataset(items), momenta).found
    static = [
        LabelledFrame(
            x.frame,
            changed(
                x.labels, stress=x.labels.stress - kinetic_stress(p, x.frame.masses, x.frame.volume)
            ),
        )
        for x, p in zip(items, momenta, strict=True)
    ]
    assert not kinetic_slope(Dataset(static), momenta).found


def test_the_force_on_a_lone_atom_is_that_of_its_grid():
    frame = Frame([8], np.zeros((1, 3)))
    labels = Labels(ATOMS[8], np.array([[0.0, 0.03, 0.0]]), None)
    assert inspect(frame, labels, Context(atom_energies=ATOMS)).done
    two = Frame([8, 8], [[0, 0, 0], [0, 0, 1.2]])
    drifting = Labels(2 * ATOMS[8] - 5, np.array([[0.0, 0.03, 0.0]] * 2), None)
    assert inspect(two, drifting, Context(atom_energies=ATOMS)).kind == "net_force"
