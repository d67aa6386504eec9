"""Which frames before the end of a failed run are worth a label."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np

from elyte.core import Frame
from elyte.learning.work.exploration import SOUND_APART, last_sound_frames

CELL = np.eye(3) * 12.0


class Soft:
    """A potential whose largest force is what is said of a frame by its first atom's height."""

    def evaluate(self, frames: list[Frame]) -> list[Any]:
        return [SimpleNamespace(forces=np.array([[0.0, 0.0, f.positions[0, 2]]])) for f in frames]


def water(bond: float, force: float = 1.0) -> Frame:
    positions = np.array([[0.0, 0, force], [0.96, 0, force], [-0.3, bond, force]])
    return Frame([8, 1, 1], positions, CELL, True, molecules=[0, 0, 0])


def ended(*frames: Frame) -> Any:
    """A run that ended early; its last frames are far enough apart."""
    return SimpleNamespace(last_frames=[(i * SOUND_APART, f) for i, f in enumerate(frames)])


WHOLE, BROKEN, ABSURD = water(0.93), water(3.5), water(3.6, 1e6)


def test_a_frame_with_whole_molecules_is_taken() -> None:
    run = ended(WHOLE, BROKEN, ABSURD)
    assert last_sound_frames(run, Soft()) == [WHOLE]
    assert last_sound_frames(run, Soft(), 2) == [WHOLE]
    assert last_sound_frames(ended(BROKEN), Soft()) == []


def test_where_reactions_are_wanted_a_broken_molecule_is_what_there_is_to_learn() -> None:
    run = ended(WHOLE, BROKEN, ABSURD)
    assert last_sound_frames(run, Soft(), whole=False) == [BROKEN]
    assert last_sound_frames(run, Soft(), 2, whole=False) == [BROKEN, WHOLE]
