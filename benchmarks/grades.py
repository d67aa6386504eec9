"""What grading every few steps misses: `python benchmarks/grades.py POTENTIAL STRUCTURE`.

POTENTIAL is an .almtp file with its active set (.active.npz) beside it, STRUCTURE a frame of its
liquid. The run is graded at every step; of each stretch of 500 steps (after the first 500) the
largest grade is compared with the largest among every second, fourth, ... step.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from elyte.core.formats import read_frames
from elyte.core.frame import Frame
from elyte.core.h5md import read_h5md
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

STRETCH, SPACINGS = 500, (2, 4, 10, 20)


def last_frame(path: Path) -> Frame:
    """Return the last frame of a trajectory or a file of structures."""
    return read_h5md(path)[-1] if path.suffix == ".h5" else read_frames(path)[-1]


def largest_grades(
    potential: MTP, active: ActiveSet, frame: Frame, settings: RunSettings, seed: int
) -> np.ndarray:
    """Return the largest grade of each step."""
    watch = GradeWatch(active.grade_function(potential), 1e8, 1e9, every=1)
    run = simulate(frame, potential, settings, seed=seed, stop_rules=[watch])
    assert run.outcome.done, run.outcome
    return np.array([value for _, value, _ in watch.records])


def seen(grades: np.ndarray, spacing: int) -> np.ndarray:
    """Return the largest grade seen, in units of the largest there was, for every phase."""
    stretches = grades[: len(grades) // STRETCH * STRETCH].reshape(-1, STRETCH)
    parts = [stretches[:, phase::spacing].max(axis=1) for phase in range(spacing)]
    return np.concatenate(parts) / np.tile(stretches.max(axis=1), spacing)


def main() -> None:
    """Run, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("potential", type=Path)
    parser.add_argument("structure", type=Path)
    parser.add_argument("--temperature", type=float, default=400.0, help="K")
    parser.add_argument("--timestep", type=float, default=0.5, help="fs")
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=3)
    chosen = parser.parse_args()
    potential, frame = MTP.load(chosen.potential), last_frame(chosen.structure)
    active = ActiveSet.load(chosen.potential.with_suffix(".active.npz"), potential)
    settings = RunSettings(
        "NVT", chosen.temperature, steps=chosen.steps, timestep=chosen.timestep, series_every=0
    )
    runs = [largest_grades(potential, active, frame, settings, k) for k in range(chosen.runs)]
    every = np.concatenate([run[STRETCH:] for run in runs])
    print(f"{len(frame)} atoms, {active.mode} grades; largest grade of a step: "
          f"median {np.median(every):.2f}, largest {every.max():.2f}")  # fmt: skip
    rows = {}
    print("graded every   seen of the largest grade in 500 steps: mean, least")
    for spacing in SPACINGS:
        share = np.concatenate([seen(run[STRETCH:], spacing) for run in runs])
        rows[spacing] = {"mean": float(share.mean()), "least": float(share.min())}
        print(f"{spacing:8d} steps   {share.mean():8.1%} {share.min():8.1%}")
    output = Path(__file__).parent / "results" / "grades.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"mode": active.mode, "spacings": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
