"""The strain test passes xTB and finds a stress of the wrong sign, unit or order."""

from __future__ import annotations

from dataclasses import replace

import ase.build
import numpy as np
import pytest

from elyte.core import Frame, LabelledFrame, Outcome
from elyte.reference import EngineSettings, label_frames, strain_test
from elyte.reference.engines import ENGINES
from elyte.reference.labelling import was_tested
from elyte.reference.strain import cause
from elyte.testing.fake_engine import fake_engine
from elyte.workflow import Ledger

pytest.importorskip("tblite", reason="tblite is not installed")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """A crowded box and its xTB label, in an open ledger."""
    atoms = ase.build.molecule("CH3OH")
    atoms.set_cell([[4.6, 0, 0], [0.3, 4.4, 0], [-0.2, 0.4, 4.5]])
    atoms.pbc = True
    atoms.positions += np.random.default_rng(0).normal(0, 0.03, atoms.positions.shape)
    settings = EngineSettings()
    with Ledger(tmp_path_factory.mktemp("ledger")) as ledger:
        item = label_frames([Frame.from_ase(atoms)], settings, ledger)[0]
        assert isinstance(item, LabelledFrame)
        assert was_tested(settings, ledger)  # by itself, with the first label
        yield item, settings, ledger


def test_xtb_passes_and_is_tested_once(labelled):
    item, settings, ledger = labelled
    outcome = strain_test(item, settings, ledger)
    assert outcome.done
    assert outcome.details["given"] == pytest.approx(outcome.details["numeric"], abs=1e-4)
    assert was_tested(settings, ledger)
    assert not was_tested(EngineSettings(method="GFN2-xTB"), ledger)
    assert len(ledger.dataset()) == 1
    assert len(ledger.dataset(config_type="StrainTest")) == 2


@pytest.mark.parametrize(
    "fault",
    [
        lambda s: -s,
        lambda s: s / 0.00624,
        lambda s: np.zeros((3, 3)),
        lambda s: s[::-1, ::-1],
        lambda s: s + 0.01 * np.eye(3),
    ],
    ids=["sign", "unit", "absent", "order", "kinetic part"],
)
def test_a_wrong_stress_is_found(labelled, fault):
    item, settings, ledger = labelled
    wrong = replace(item, labels=replace(item.labels, stress=fault(item.labels.stress)))
    assert strain_test(wrong, settings, ledger).kind == "stress_wrong"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda s, v: -s, "sign is the opposite"),
        (lambda s, v: s / 0.006241509, "as if it were in GPa"),
        (lambda s, v: -s / 6.241509e-4, "opposite sign, as if it were in kbar"),
        (lambda s, v: s * v, "as if it had the volume multiplied in"),
        (lambda s, v: s * 5.4458e-3, "as if it were in Hartree/bohr³"),
        (lambda s, v: 0 * s, "it is zero"),
        (lambda s, v: s[::-1, ::-1], "another order"),
        (lambda s, v: s - 6 * 8.617e-5 * 300 / v * np.eye(3), "atoms at about 300 K"),
        (lambda s, v: s + 0.3 * np.eye(3)[[1, 0, 2]], ""),
    ],
)
def test_the_cause_is_named(fault, words):
    sigma = np.array([[0.02, 0.004, -0.007], [0.004, -0.03, 0.011], [-0.007, 0.011, 0.045]])
    frame = Frame([1] * 6, np.random.default_rng(0).uniform(0, 5, (6, 3)), 5 * np.eye(3), True)
    found = cause(fault(sigma, frame.volume), sigma, frame)
    assert words in found
    assert bool(words) is bool(found)
    assert cause(fault(sigma, frame.volume), sigma, frame) == found


FAKE = EngineSettings(engine="fake")


def waters(count):
    rng = np.random.default_rng(4)
    atoms = ase.build.molecule("H2O")
    start = Frame([8, 1, 1], atoms.positions, 6 * np.eye(3), True)
    return [start.moved(start.positions + rng.normal(0, 0.05, (3, 3))) for _ in range(count)]


def test_a_new_level_is_tested_before_the_most_is_computed(tmp_path, fake_log, monkeypatch):
    """The stress of this engine is no derivative of its energy: all goes into quarantine, what is
    there with its labels, and nothing more is computed. Once it is put right, `retry` goes on."""
    frames = waters(8)
    with Ledger(tmp_path / "l") as ledger:
        results = label_frames(frames, FAKE, ledger)
        assert {item.kind for item in results} == {"stress_wrong"}
        assert "along a strain" in results[0].reason
        digests = [line.split()[1] for line in fake_log.read_text().splitlines()]
        assert len({f.digest() for f in frames} & set(digests)) == 3
        assert len(ledger.dataset()) == 0
        kept = [e.energy is not None for e in ledger.entries(quarantined=True)]
        assert sorted(kept) == [False] * 5 + [True] * 3
        assert ledger.test("fake", "strain").kind == "stress_wrong"
        more = waters(9)[8:]
        assert label_frames(more, FAKE, ledger)[0].kind == "stress_wrong"
        monkeypatch.setitem(ENGINES, "fake", fake_engine(name="fake"))
        better = EngineSettings(engine="fake", method="GFN2-xTB")
        assert isinstance(label_frames(more, better, ledger)[0], LabelledFrame)


def test_retry_tests_again(tmp_path, monkeypatch):
    monkeypatch.setitem(ENGINES, "fake", fake_engine(name="fake"))
    with Ledger(tmp_path / "l") as ledger:
        level = ENGINES["fake"].level(FAKE)
        ledger.note_test(level, "strain", Outcome("stress_wrong", "it was"))
        assert {x.kind for x in label_frames(waters(3), FAKE, ledger)} == {"stress_wrong"}
        results = label_frames(waters(3), FAKE, ledger, retry=True)
        assert all(isinstance(item, LabelledFrame) for item in results)
        assert ledger.test(level, "strain").done
        assert len(ledger.dataset()) == 3


def test_without_a_box(labelled):
    item, settings, ledger = labelled
    alone = replace(item, labels=replace(item.labels, stress=None))
    assert strain_test(alone, settings, ledger).kind == "failed"
