"""What the production of a finished run left: whole trajectories out of their segments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter
from elyte.core.trajectory import Trajectory
from elyte.learning.project import Project
from elyte.learning.state import Chain, State


@dataclass(frozen=True, eq=False)
class ProductionRun:
    """One trajectory of the production.

    Args:
        temperature: K.
        replica: from 0.
        species: species of each molecule, in their order.
        equilibration: series at constant pressure ("time", "volume", …), each (rows,).
        series: series at constant volume; "flux" has the centre-of-mass velocity sums of the
            species in order of appearance, (samples, species, 3), Å/fs.
        trajectory: positions at constant volume, unwrapped.
        reference: the box as it was packed; molecules and masses.
        largest_grade: largest extrapolation grade met.
        extrapolating: fraction of graded frames above the stopping threshold.
    """

    temperature: float
    replica: int
    species: Sequence[str]
    equilibration: dict[str, NDArray[np.float64]]
    series: dict[str, NDArray[np.float64]]
    trajectory: Trajectory
    reference: Frame
    largest_grade: float
    extrapolating: float


def production_runs(state: State, project: Project) -> list[ProductionRun]:
    """Join the segments of every chain that has some at constant volume."""
    return [_join(chain, project) for chain in state.chains if chain.production]


def _join(chain: Chain, project: Project) -> ProductionRun:
    before = [project.result(key) for key in chain.equilibration]
    parts = [project.result(key) for key in chain.production]
    reference: Frame = parts[0]["reference"]
    pieces = [part["trajectory"] for part in parts]
    trajectory = Trajectory(
        numbers=reference.numbers,
        # The segments meet in one frame: the later one does not repeat it.
        positions=np.concatenate([p["positions"] for p in pieces]).astype(float),
        cells=np.concatenate([p["cells"] for p in pieces]),
        times=np.concatenate([p["times"] for p in pieces]),
        molecules=reference.molecules,
        pbc=reference.pbc,
    )
    keep = np.concatenate([[True], np.diff(trajectory.times) > 0])
    summaries = [part["summary"] for part in parts]
    return ProductionRun(
        temperature=chain.temperature,
        replica=chain.replica,
        species=parts[0]["species"],
        equilibration=_series([b["series"] for b in before]),
        series=_series([p["series"] for p in parts]),
        trajectory=trajectory if keep.all() else _select(trajectory, keep),
        reference=reference,
        largest_grade=max(s["max_grade"] for s in summaries),
        extrapolating=float(np.mean([s["extrapolating"] for s in summaries])),
    )


def _select(trajectory: Trajectory, keep: NDArray[np.bool_]) -> Trajectory:
    return Trajectory(
        trajectory.numbers,
        trajectory.positions[keep],
        trajectory.cells[keep],
        trajectory.times[keep],
        molecules=trajectory.molecules,
        pbc=trajectory.pbc,
    )


def _series(parts: Sequence[dict[str, NDArray[np.float64]]]) -> dict[str, NDArray[np.float64]]:
    """Join the series of segments; a row that two of them share is kept once."""
    if not parts:
        return {}
    joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    for prefix, clock in (("flux", "flux_time"), ("grade", "grade_step"), ("", "time")):
        names = [n for n in joined if _clock_prefix(n) == prefix]
        if clock in joined:
            keep = np.concatenate([[True], np.diff(joined[clock]) > 0])
            joined |= {name: joined[name][keep] for name in names}
    return joined


def _clock_prefix(name: str) -> str:
    """Return which of the three clocks a series follows: fluxes and grades have their own."""
    return next((prefix for prefix in ("flux", "grade") if name.startswith(prefix)), "")


def write_trajectories(runs: Sequence[ProductionRun], folder: Path) -> list[Path]:
    """Write every trajectory as H5MD, `T350K-run1.h5`, for any other tool; return the paths."""
    paths = []
    for run in runs:
        path = folder / f"T{run.temperature:g}K-run{run.replica + 1}.h5"
        path.parent.mkdir(parents=True, exist_ok=True)
        with TrajectoryWriter(path, run.reference) as writer:
            t = run.trajectory
            writer.extend(t.positions, t.cells, t.times, np.arange(len(t)))
        paths.append(path)
    return paths
