"""Trajectories in memory."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.trajectory import Trajectory

RNG = np.random.default_rng(5)
FRAME = Frame(
    [8, 1, 1], RNG.uniform(0, 5, (3, 3)), np.diag([5.0, 6.0, 7.0]), [True, True, False], [3, 3, 4]
)


def test_trajectory_gives_frames_and_slices() -> None:
    positions = RNG.normal(0, 1, (4, 3, 3))
    frames = [FRAME.moved(p) for p in positions]
    trajectory = Trajectory.from_frames(frames, [0, 1, 2, 3])
    np.testing.assert_array_equal(trajectory[-1].positions, positions[3])
    assert len(trajectory[1:3]) == 2
    assert trajectory[0].molecules is not None
    np.testing.assert_allclose(trajectory.volumes, 210.0)
    assert len(trajectory.frames) == 4
    with pytest.raises(IndexError):
        trajectory[4]
    with pytest.raises(InputError, match="shape"):
        Trajectory(FRAME.numbers, positions, np.zeros((3, 3, 3)), np.arange(4))
