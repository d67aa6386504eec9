"""H5MD: round trips, slices, appending, kill -9, and an independent reader."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter, read_h5md, read_steps

RNG = np.random.default_rng(5)
FRAME = Frame(
    [8, 1, 1], RNG.uniform(0, 5, (3, 3)), np.diag([5.0, 6.0, 7.0]), [True, True, False], [3, 3, 4]
)


def written(path: Path, count: int = 7, velocities: bool = True) -> dict[str, np.ndarray]:
    """Write `count` random frames and return what was written."""
    data = {
        "positions": RNG.normal(0, 30, (count, 3, 3)),
        "cells": FRAME.cell + RNG.normal(0, 0.1, (count, 3, 3)),
        "times": np.arange(count) * 2.5,
        "steps": np.arange(count) * 10,
        "velocities": RNG.normal(0, 0.01, (count, 3, 3)),
    }
    with TrajectoryWriter(path, FRAME, velocities=velocities) as writer:
        for i in range(count):
            v = data["velocities"][i] if velocities else None
            writer.append(
                data["positions"][i], data["cells"][i], data["times"][i], data["steps"][i], v
            )
    return data


def test_round_trip_is_exact(tmp_path: Path) -> None:
    data = written(tmp_path / "a.h5md")
    read = read_h5md(tmp_path / "a.h5md")
    for name in ("positions", "cells", "times", "velocities"):
        np.testing.assert_array_equal(getattr(read, name), data[name])
    np.testing.assert_array_equal(read.numbers, FRAME.numbers)
    np.testing.assert_array_equal(read.molecules, FRAME.molecules)
    np.testing.assert_array_equal(read.pbc, FRAME.pbc)
    np.testing.assert_array_equal(read_steps(tmp_path / "a.h5md"), data["steps"])


@pytest.mark.parametrize("part", [slice(2, 5), slice(None, None, 3), slice(-2, None), slice(9, 12)])
def test_slices_are_read_as_they_would_be_taken(tmp_path: Path, part: slice) -> None:
    data = written(tmp_path / "a.h5md", velocities=False)
    read = read_h5md(tmp_path / "a.h5md", part)
    np.testing.assert_array_equal(read.positions, data["positions"][part])
    np.testing.assert_array_equal(read.times, data["times"][part])
    assert read.velocities is None


def test_appending_drops_what_lies_after_the_given_step(tmp_path: Path) -> None:
    data = written(tmp_path / "a.h5md")
    with TrajectoryWriter(tmp_path / "a.h5md", FRAME, True, append_after=35) as writer:
        assert len(writer) == 4
        writer.append(FRAME.positions, FRAME.cell, 100.0, 40, FRAME.positions)
    read = read_h5md(tmp_path / "a.h5md")
    np.testing.assert_array_equal(read.positions[:4], data["positions"][:4])
    np.testing.assert_array_equal(read.times, [0, 2.5, 5, 7.5, 100])


def test_it_can_be_read_while_it_grows(tmp_path: Path) -> None:
    with TrajectoryWriter(tmp_path / "a.h5md", FRAME) as writer:
        for i in range(5):
            writer.append(FRAME.positions + i, FRAME.cell, i, i)
            assert len(read_h5md(tmp_path / "a.h5md")) == i + 1


KILLED = """
import sys
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter
import numpy as np
frame = Frame(np.ones(50, int), np.zeros((50, 3)), np.eye(3) * 9, True)
writer = TrajectoryWriter(sys.argv[1], frame)
print("ready", flush=True)
i = 0
while True:
    writer.append(np.full((50, 3), float(i)), frame.cell, float(i), i)
    i += 1
"""


@pytest.mark.parametrize("delay", [0.05, 0.15, 0.3])
def test_a_killed_writer_leaves_whole_frames(tmp_path: Path, delay: float) -> None:
    path = tmp_path / "a.h5md"
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    read = read_h5md(path)
    assert len(read) > 0
    expected = np.arange(len(read), dtype=float)
    np.testing.assert_array_equal(read.times, expected)
    np.testing.assert_array_equal(read.positions, expected[:, None, None] * np.ones((50, 3)))
    frame = read[0]
    with TrajectoryWriter(path, frame, append_after=3) as writer:
        writer.append(frame.positions, frame.cell, 4.0, 4)
    with h5py.File(path, "r") as file:  # closed cleanly: any HDF5 reader opens it
        assert len(file["particles/trajectory/position/value"]) == min(len(read), 4) + 1


def test_mdanalysis_reads_the_same(tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mda = pytest.importorskip("MDAnalysis")
        data = written(tmp_path / "a.h5md")
        universe = mda.Universe(str(tmp_path / "a.h5md"))
        assert universe.trajectory.n_frames == 7
        for i, frame in enumerate(universe.trajectory):
            np.testing.assert_allclose(frame.positions, data["positions"][i], rtol=1e-6)
            np.testing.assert_allclose(frame.time, data["times"][i] / 1000)  # ps
            velocities = data["velocities"][i] * 1000  # Å/ps
            np.testing.assert_allclose(frame.velocities, velocities, rtol=1e-5)
            lengths = np.linalg.norm(data["cells"][i], axis=1)
            np.testing.assert_allclose(frame.dimensions[:3], lengths, rtol=1e-5)
        universe.trajectory.close()


def test_files_that_are_no_h5md_are_refused_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="no such file"):
        read_h5md(tmp_path / "none.h5md")
    (tmp_path / "text.h5md").write_text("not HDF5")
    with pytest.raises(FormatError, match="not an HDF5 file"):
        read_h5md(tmp_path / "text.h5md")
    with h5py.File(tmp_path / "empty.h5md", "w") as file:
        file["something"] = 1
    with pytest.raises(FormatError, match="particles"):
        read_h5md(tmp_path / "empty.h5md")


def test_foreign_units_are_refused(tmp_path: Path) -> None:
    written(tmp_path / "a.h5md")
    with h5py.File(tmp_path / "a.h5md", "r+") as file:
        file["particles/trajectory/position/value"].attrs["unit"] = "nm"
    with pytest.raises(FormatError, match="nm"):
        read_h5md(tmp_path / "a.h5md")


def test_writer_refuses_what_does_not_fit(tmp_path: Path) -> None:
    with TrajectoryWriter(tmp_path / "a.h5md", FRAME) as writer:
        with pytest.raises(InputError, match="shape"):
            writer.append(np.zeros((2, 3)), FRAME.cell, 0, 0)
        with pytest.raises(InputError, match="velocities"):
            writer.append(FRAME.positions, FRAME.cell, 0, 0, FRAME.positions)
    other = Frame([1, 1, 1], FRAME.positions, FRAME.cell, FRAME.pbc)
    with pytest.raises(InputError, match="other atoms"):
        TrajectoryWriter(tmp_path / "a.h5md", other, append_after=0)
