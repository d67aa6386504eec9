"""Any ASE calculator, and the cost before a batch."""

from __future__ import annotations

from pathlib import Path

import ase.build
import numpy as np
import pytest
from ase.calculators.emt import EMT

from elyte.core import Frame, InputError, LabelledFrame, MissingDependency, Outcome
from elyte.reference import (
    EngineSettings,
    ase_engine,
    isolated_atom_energies,
    label_frames,
)
from elyte.reference.cost import Cost, estimate_cost
from elyte.workflow import Ledger

EMT_SETTINGS = EngineSettings("ase", calculator="ase.calculators.emt:EMT")


def copper() -> Frame:
    atoms = ase.build.bulk("Cu", cubic=True)
    atoms.rattle(0.05, seed=1)
    return Frame.from_ase(atoms)


def test_an_ase_calculator_by_its_import_path(tmp_path: Path) -> None:
    frame = copper()
    with Ledger(tmp_path) as ledger:
        item = label_frames([frame], EMT_SETTINGS, ledger, 1, config_type="copper")[0]
        atoms = isolated_atom_energies([29], EMT_SETTINGS, ledger)
        (entry,) = (e for e in ledger.entries() if e.config_type == "copper")
    assert isinstance(item, LabelledFrame)
    expected = frame.to_ase()
    expected.calc = EMT()
    assert item.labels.energy == pytest.approx(expected.get_potential_energy())
    assert np.allclose(item.labels.forces, expected.get_forces())
    assert np.allclose(item.labels.stress, expected.get_stress(voigt=False))
    assert item.labels.level.startswith("EMT/ase ")
    assert atoms[29] > item.labels.energy / 4
    assert entry.provenance["seconds"] >= 0
    assert entry.provenance["settings"]["calculator"] == "ase.calculators.emt:EMT"


def test_what_a_calculator_cannot_do_is_said() -> None:
    frame = copper()
    for path, message in (
        ("nothing", "is not the import path"),
        ("ase.calculators.emt:EMTT", "has no calculator 'EMTT'"),
    ):
        with pytest.raises(InputError, match=message):
            ase_engine.check(frame, EngineSettings("ase", calculator=path))
    with pytest.raises(MissingDependency, match="install no_such_package"):
        ase_engine.check(frame, EngineSettings("ase", calculator="no_such_package.x:Y"))
    with pytest.raises(InputError, match="charge_argument"):
        ase_engine.check(
            frame, EngineSettings("ase", charge=1, calculator="ase.calculators.emt:EMT")
        )
    unknown = Frame([3, 3], [[0, 0, 0], [0, 0, 3.0]])
    outcome = ase_engine.label(unknown, EMT_SETTINGS.as_dict())
    assert isinstance(outcome, Outcome)
    assert outcome.reason.startswith("EMT failed: NotImplementedError")


def test_charge_and_spin_reach_a_calculator_by_the_names_it_has() -> None:
    from elyte.reference.ase_engine import _charge_and_spin

    settings = EngineSettings(
        "ase",
        charge=-1,
        unpaired_electrons=2,
        calculator="a:B",
        charge_argument="charge",
        spin_argument="uhf",
    )
    assert _charge_and_spin(settings) == {"charge": -1.0, "uhf": 2}
    assert _charge_and_spin(EMT_SETTINGS) == {}


def test_the_cost_is_measured_once_there_are_labels(tmp_path: Path) -> None:
    frame = copper()
    with Ledger(tmp_path) as ledger:
        before = estimate_cost([frame], EMT_SETTINGS, ledger)
        assert before.basis == "unknown"
        assert "duration unknown" in str(before)
        label_frames([frame], EMT_SETTINGS, ledger, workers=1)
        seconds = [e.provenance["seconds"] for e in ledger.entries() if e.atoms > 1]
        large = Frame.from_ase(frame.to_ase() * (2, 1, 1))
        after = estimate_cost([large] * 3, EMT_SETTINGS, ledger, workers=2)
    assert after.basis == "measured"
    assert after.each == pytest.approx(4 * np.median(seconds))
    assert after.seconds == pytest.approx(2 * after.each)  # three labels on two workers


def test_a_cost_in_words() -> None:
    assert str(Cost(10, 90.0, 2, "formula")) == "10 labels, about 7.5 min (a rough guess)"
    assert (
        str(Cost(500, 1000.0, 2, "measured")) == "500 labels, about 2.9 days (as measured before)"
    )
    assert str(Cost(0, 1.0, 2, "formula")) == "no labels"


def test_the_estimate_is_shown_before_the_first_label(tmp_path: Path) -> None:
    notes: list[str] = []
    with Ledger(tmp_path) as ledger:
        label_frames(
            [copper()], EMT_SETTINGS, ledger, 1, lambda done, total, note="": notes.append(note)
        )
    assert notes[0] == "1 labels, duration unknown"
