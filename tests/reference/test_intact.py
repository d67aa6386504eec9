"""Molecules that broke, merged, or are odd ones among good ones."""

from __future__ import annotations

import numpy as np
import pytest
from firewall_cases import kinds

from elyte.core import Dataset, Frame, LabelledFrame, Labels
from elyte.reference.audit import audit
from elyte.reference.intact import check_molecules, odd_ones


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
