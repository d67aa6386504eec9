"""The fakes are what they say: consistent, fitted, failing on demand."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Dataset, FormatError, Frame, InputError, LabelledFrame, Labels, Outcome
from elyte.reference.engines import ENGINES
from elyte.reference.labelling import label_frames
from elyte.reference.settings import EngineSettings
from elyte.testing import FakePotential, fake_engine
from elyte.testing.derivatives import slope
from elyte.testing.fake_engine import KINDS, evaluate, fails, isolated_energies, label
from elyte.testing.structures import cluster, liquid, repeated, small_cell
from elyte.workflow import Ledger

SETTINGS = EngineSettings().as_dict()


def labelled(count: int) -> Dataset:
    items = []
    for seed in range(count):
        frame = liquid((1, 8), (2, 2, 3), seed)
        found = label(frame, SETTINGS)
        labels = Labels(found["energy"], found["forces"], found["stress"])
        items.append(LabelledFrame(frame, labels))
    return Dataset(items)


def test_the_engines_forces_and_stress_are_derivatives_of_its_energy():
    frame = liquid((1, 6, 8), (2, 2, 2), seed=3)
    _, forces, stress = evaluate(frame)
    for atom, axis in ((0, 0), (3, 2), (7, 1)):
        move = np.zeros((len(frame), 3))
        move[atom, axis] = 1.0
        expected = -slope(lambda x, m=move: evaluate(frame.moved(frame.positions + x * m))[0])
        assert forces[atom, axis] == pytest.approx(expected, abs=1e-6)
    for strain in (np.diag([1.0, 0, 0]), np.array([[0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]])):

        def strained(x, e=strain):
            turn = np.eye(3) + x * e
            return evaluate(frame.moved(frame.positions @ turn, frame.cell @ turn))[0]

        assert frame.volume * np.vdot(stress, strain) == pytest.approx(slope(strained), abs=1e-5)


def test_the_engine_binds_molecules_and_is_extensive():
    def water(stretch: float) -> Frame:
        half = np.radians(104.5) / 2
        arms = 0.97 * stretch * np.array([[np.sin(half), np.cos(half), 0]])
        return Frame([8, 1, 1], np.vstack([np.zeros(3), arms, arms * [-1, 1, 1]]))

    apart = isolated_energies(np.array([8, 1, 1])).sum()
    energies = [evaluate(water(x))[0] - apart for x in (0.8, 1.0, 1.3)]
    assert energies[1] < -3
    assert energies[0] > energies[1] < energies[2]
    cell = small_cell((1, 8))
    once, many = evaluate(cell)[0], evaluate(repeated(cell, (2, 2, 2)))[0]
    assert many == pytest.approx(8 * once, rel=1e-12)


@pytest.mark.parametrize("kind", ["scf_not_converged", "failed", "nan"])
def test_failures_come_at_their_rate_and_are_the_same_again(kind, monkeypatch):
    for name, value in fake_engine(kind, 0.3).environment().items():
        monkeypatch.setenv(name, value)
    frames = [cluster((1, 8), (2, 1, 1), seed) for seed in range(300)]
    first = [label(frame, SETTINGS) for frame in frames]
    failed = [
        r.kind == kind if isinstance(r, Outcome) else bool(np.isnan(r["energy"])) for r in first
    ]
    assert failed == [fails(frame, 0.3) for frame in frames]
    assert abs(np.mean(failed) - 0.3) < 0.1


def test_it_labels_through_the_real_workflow_and_a_crash_costs_one_frame(monkeypatch, tmp_path):
    monkeypatch.setitem(ENGINES, "xtb", fake_engine("crash", 0.3))
    frames = [liquid((1, 8), (2, 2, 2), seed) for seed in range(8)]
    expected = [fails(frame, 0.3) for frame in frames]
    assert 0 < sum(expected) < 8
    with Ledger(tmp_path / "ledger") as ledger:
        results = label_frames(frames, EngineSettings(), ledger, workers=1)
    assert [isinstance(result, Outcome) for result in results] == expected
    for frame, result in zip(frames, results, strict=True):
        if isinstance(result, Outcome):
            assert result.kind == "crashed"
        else:
            assert result.labels.energy == evaluate(frame)[0]


def test_no_failures_without_asking_and_unknown_kinds_are_refused(monkeypatch):
    for name, value in fake_engine().environment().items():
        monkeypatch.setenv(name, value)
    assert isinstance(label(cluster((1, 8)), SETTINGS), dict)
    with pytest.raises(ValueError, match=KINDS[0]):
        fake_engine("sulks", 0.1)


def test_the_potential_can_be_fitted_to_the_engine():
    train, test = labelled(25), labelled(32)[25:]
    potential = FakePotential.fitted(train, cutoff=5.0, size=12)
    results = potential.evaluate(test.frames)
    errors = [
        np.abs(r.forces - item.labels.forces).mean() for r, item in zip(results, test, strict=True)
    ]
    size = np.mean([np.abs(item.labels.forces).mean() for item in test])
    assert np.mean(errors) < 0.35 * size
    untrained = FakePotential.initial((1, 8), 5.0, 12).evaluate(test.frames)
    far = [np.abs(r.forces - i.labels.forces).mean() for r, i in zip(untrained, test, strict=True)]
    assert np.mean(errors) < 0.3 * np.mean(far)


def test_files_that_are_no_potential_and_wrong_counts_are_refused(tmp_path):
    (tmp_path / "bad.json").write_text("{}")
    with pytest.raises(FormatError, match=r"bad\.json"):
        FakePotential.load(tmp_path / "bad.json")
    with pytest.raises(InputError, match="expected"):
        FakePotential((1,), 4.0, np.zeros(3))
