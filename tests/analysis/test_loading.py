"""Trajectories of other programs, and files that cannot be used."""

from __future__ import annotations

from pathlib import Path

import ase
import ase.io
import numpy as np
import pytest

from data import shared_data
from elyte.analysis.curve import Curve
from elyte.analysis.export import write_curves
from elyte.analysis.loading import load
from elyte.core.errors import FormatError, InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter


def walk(frames: int = 12) -> np.ndarray:
    steps = np.random.default_rng(0).normal(size=(frames, 4, 3)) * 0.5
    return np.cumsum(steps, axis=0) + 3.0


def write_extxyz(path: Path, positions: np.ndarray) -> None:
    images = []
    for frame in positions:
        atoms = ase.Atoms("LiOLiO", frame, cell=[9, 8, 7], pbc=True)
        atoms.wrap()
        images.append(atoms)
    ase.io.write(path, images)


def test_extxyz_is_unwrapped_and_its_time_step_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.extxyz"
    write_extxyz(path, walk())
    trajectory = load(path)
    np.testing.assert_allclose(
        np.diff(trajectory.positions, axis=0), np.diff(walk(), axis=0), atol=1e-6
    )
    assert np.isnan(trajectory.times).all()
    timed = load(path, timestep=50.0, frames=slice(2, None, 3))
    np.testing.assert_allclose(timed.times, [0, 150, 300, 450])
    assert len(timed) == 4


def test_h5md_keeps_its_times_and_positions(tmp_path: Path) -> None:
    positions = walk() * 3
    frame = Frame([3, 8, 3, 8], positions[0], np.eye(3) * 9, True)  # type: ignore[arg-type]
    with TrajectoryWriter(tmp_path / "a.h5", frame) as writer:
        for k, p in enumerate(positions):
            writer.append(p, frame.cell, 20.0 * k, k)
    trajectory = load(tmp_path / "a.h5")
    np.testing.assert_allclose(trajectory.positions, positions)
    np.testing.assert_allclose(trajectory.times, 20.0 * np.arange(12))


def test_a_dcd_tells_no_time_but_its_topology_tells_molecules() -> None:
    pytest.importorskip("MDAnalysis")
    folder = shared_data("trajectories/bn_fec")
    trajectory = load(folder / "bn_fec_short_wrap.dcd", folder / "bn_fec.data", frames=slice(0, 2))
    assert np.isnan(trajectory.times).all()
    assert trajectory.molecules is not None
    assert trajectory.molecules.max() + 1 == 363 + 237 + 49 + 49
    symbols, counts = np.unique(trajectory.numbers, return_counts=True)
    assert dict(zip(symbols.tolist(), counts.tolist(), strict=True)) == {
        1: 3252, 3: 49, 6: 2163, 7: 363, 8: 711, 9: 531, 15: 49
    }  # fmt: skip


def test_bad_files_and_parameters_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.extxyz"
    write_extxyz(path, walk(3))
    with pytest.raises(FormatError, match="no such file"):
        load(tmp_path / "b.xyz")
    for step in (0.0, -1.0, np.nan):
        with pytest.raises(InputError, match="time step"):
            load(path, timestep=step)
    with pytest.raises(InputError, match="no frames"):
        load(path, frames=slice(9, None))
    (tmp_path / "c.extxyz").write_text("nonsense\n")
    with pytest.raises(FormatError):
        load(tmp_path / "c.extxyz")
    (tmp_path / "d.dcd").write_bytes(b"nonsense")
    pytest.importorskip("MDAnalysis")
    with pytest.raises(FormatError, match="topology"):
        load(tmp_path / "d.dcd")


def test_curves_become_files_of_their_own(tmp_path: Path) -> None:
    x = np.arange(3.0)
    curves = [
        Curve("g(r)", x, x**2, x / 10, "Å", "1", "Li+–O(EC)"),
        Curve("g(r)", x, x, None, "Å", "1", "Li+–O(EC)"),
    ]
    first, second = write_curves(curves, tmp_path)
    assert first.name == "g_r_Liplus-O_EC.csv"
    assert second.name == "g_r_Liplus-O_EC-2.csv"
    assert first.read_text().splitlines()[:2] == ["x (Å),g(r) (1),standard error", "0.0,0.0,0.0"]
