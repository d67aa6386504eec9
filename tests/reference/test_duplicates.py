"""Structures that are known again in any guise."""

from __future__ import annotations

import numpy as np
import pytest
from firewall_cases import changed, data_set, good, kinds
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.core import Dataset, Frame, LabelledFrame
from elyte.reference.audit import audit
from elyte.reference.duplicates import near_duplicates


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
