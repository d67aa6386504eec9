"""Runs on disk: the same numbers as in memory, parts of a run, memory that does not grow."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

from elyte.analysis import analyse, describe, stream
from elyte.analysis.loading import load, record
from elyte.analysis.observation import observe, time_problem
from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter
from elyte.testing.synthetic import autoregressive, brownian

WATER = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
NUMBERS = [3] * 6 + [17] * 6 + [8, 1, 1] * 8


def positions(frames: int, edges: np.ndarray, seed: int = 0) -> np.ndarray:
    """Li+, Cl- and water that walk and are carried along by the box, by lattice vectors."""
    rng = np.random.default_rng(seed)
    sites = (np.stack(np.unravel_index(np.arange(20), (3, 3, 3)), axis=1) + 0.3) / 3
    moves = brownian(rng, frames, 20, 0.3**2)
    walk = sites + (moves - moves[0]) / edges.mean()
    centres = walk * edges[:, None, None]
    water = (centres[:, 12:, None] + WATER).reshape(frames, -1, 3)
    return np.concatenate([centres[:, :12], water], axis=1)


def images(frames: int, breath: float) -> list[ase.Atoms]:
    edges = 14 * (1 + breath * autoregressive(np.random.default_rng(1), frames, 0.8))
    result = []
    for edge, where in zip(edges, positions(frames, edges), strict=True):
        result.append(ase.Atoms(NUMBERS, where, cell=[edge] * 3, pbc=True))
    return result


@pytest.mark.parametrize("breath", [0.0, 0.01])
def test_streamed_equals_in_memory(
    breath: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = images(150, breath)
    frame = Frame.from_ase(run[0])
    with TrajectoryWriter(tmp_path / "a.h5", frame) as writer:
        for k, atoms in enumerate(run):
            writer.append(atoms.positions, atoms.cell.array, 100.0 * k, k)
    for atoms in run:
        atoms.wrap()
    ase.io.write(tmp_path / "a.extxyz", run, columns=["symbols", "positions"])
    system = describe(frame)
    whole = analyse(load(tmp_path / "a.h5"), system, 300.0)
    monkeypatch.setattr(stream, "BLOCK_BYTES", 24 * 36 * 7)  # seven frames at a time
    for name in ("a.h5", "a.extxyz"):
        streamed = analyse(record(tmp_path / name, timestep=100.0), system, 300.0)
        # Eight decimals in the text; and in a box that breathes walks are known only up to where
        # in the box a molecule counts as being.
        rel = 1e-9 if name == "a.h5" else 1e-5
        for one, other in zip(streamed.quantities, whole.quantities, strict=True):
            assert (one.name, one.species) == (other.name, other.species)
            assert bool(one.withheld) == bool(other.withheld)
            if not one.withheld:
                loose = breath and name == "a.extxyz" and one.unit in ("m²/s", "S/m", "1")
                room = one.error if loose else rel * one.error
                assert one.value == pytest.approx(other.value, rel=rel, abs=room)
        for one, other in zip(streamed.curves, whole.curves, strict=True):
            if one.group == "rdf":
                np.testing.assert_allclose(one.y, other.y, atol=1e-4 * other.y.max())


def test_several_parts_are_one_run(tmp_path: Path) -> None:
    run = images(30, 0.0)
    for atoms in run:
        atoms.wrap()
    ase.io.write(tmp_path / "all.extxyz", run)
    ase.io.write(tmp_path / "1.extxyz", run[:12])
    ase.io.write(tmp_path / "2.extxyz", run[11:])  # begins with the last frame of the first part
    joined = record([tmp_path / "1.extxyz", tmp_path / "2.extxyz"], timestep=10.0)
    whole = record(tmp_path / "all.extxyz", timestep=10.0)
    np.testing.assert_array_equal(joined.positions, whole.positions)
    np.testing.assert_allclose(joined.times, 10.0 * np.arange(30))
    few = record([tmp_path / "1.extxyz", tmp_path / "2.extxyz"], frames=slice(5, 28, 4))
    np.testing.assert_array_equal(few.positions, whole.positions[5:28:4])
    system = describe(whole[0])
    centres = observe(whole, system).centres
    np.testing.assert_array_equal(observe(joined, system).centres, centres)
    other = ase.Atoms("He", cell=[9] * 3, pbc=True)
    ase.io.write(tmp_path / "3.extxyz", other)
    with pytest.raises(InputError, match="no part of that run"):
        record([tmp_path / "1.extxyz", tmp_path / "3.extxyz"])


def test_parts_with_times_overlap_and_are_in_order(tmp_path: Path) -> None:
    run = images(20, 0.0)
    frame = Frame.from_ase(run[0])
    for name, chosen in (("1.h5", range(12)), ("2.h5", range(8, 20))):
        with TrajectoryWriter(tmp_path / name, frame) as writer:
            for k in chosen:
                writer.append(run[k].positions, run[k].cell.array, 50.0 * k, k)
    joined = record([tmp_path / "1.h5", tmp_path / "2.h5"])
    np.testing.assert_allclose(joined.times, 50.0 * np.arange(20))
    np.testing.assert_allclose(joined.positions[:], [a.positions for a in run])
    assert joined.continuous
    with pytest.raises(InputError, match="order"):
        record([tmp_path / "1.h5", tmp_path / "1.h5"])


def test_a_step_given_does_not_mend_frames_out_of_order(tmp_path: Path) -> None:
    run = images(6, 0.0)
    with TrajectoryWriter(tmp_path / "a.h5", Frame.from_ase(run[0])) as writer:
        for time, atoms in zip([0, 10, 20, 20, 30, 40], run, strict=True):
            writer.append(atoms.positions, atoms.cell.array, float(time), time)
    assert "frame 3" in time_problem(record(tmp_path / "a.h5", timestep=5.0))
    assert not time_problem(record(tmp_path / "a.h5", timestep=5.0, frames=slice(0, 3)))


def test_bad_parts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no trajectory"):
        record([])
    with pytest.raises(FormatError, match="no such file"):
        record([tmp_path / "nothing.h5"])


MEMORY = """
import resource, sys
import numpy as np
from elyte.analysis.loading import record
from elyte.analysis.observation import observe
from elyte.analysis.recognise import describe
from elyte.analysis.speciation.shells import contacts, coordination_number
from elyte.analysis.structure.rdf import radial_distribution

run = record(sys.argv[1])
system = describe(run[0])
o = observe(run, system)
atoms = np.arange(900)
radial_distribution(o.positions.select(atoms), None, o.cells, 4.0, 50)
found = contacts(o.positions.select(atoms[:9]), o.positions.select(atoms), atoms, o.cells, 3.0)
coordination_number([found.counts])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)
"""


def test_memory_does_not_grow_with_the_number_of_frames(tmp_path: Path) -> None:
    """1800 atoms: 2000 frames more are 86 MB of positions, of which a block is in memory."""
    rng = np.random.default_rng(0)
    base = rng.random((1800, 3)) * 30
    frame = Frame([18] * 1800, base, 30 * np.eye(3), True)  # type: ignore[arg-type]
    peaks = []
    for frames in (500, 2500):
        path = tmp_path / f"{frames}.h5"
        with TrajectoryWriter(path, frame, flush_every=frames) as writer:
            for start in range(0, frames, 100):
                block = base + rng.normal(size=(100, 1800, 3)) * 0.1
                steps = np.arange(start, start + 100)
                cells = np.broadcast_to(frame.cell, (100, 3, 3))
                writer.extend(block, cells, 10.0 * steps, steps)
        done = subprocess.run(
            [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
        )
        peaks.append(int(done.stdout))
    assert peaks[1] < peaks[0] + 30
