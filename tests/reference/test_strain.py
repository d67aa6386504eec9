"""The strain test passes xTB and finds a stress of the wrong sign, unit or order."""

from __future__ import annotations

from dataclasses import replace

import ase.build
import numpy as np
import pytest

from elyte.core import Frame, LabelledFrame
from elyte.reference import EngineSettings, label_frames, strain_test
from elyte.reference.strain import was_tested
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
        assert not was_tested(settings, ledger)
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


def test_without_a_box(labelled):
    item, settings, ledger = labelled
    alone = replace(item, labels=replace(item.labels, stress=None))
    assert strain_test(alone, settings, ledger).kind == "failed"
