"""What a watch of grades misses: `python benchmarks/grades.py POTENTIAL STRUCTURE`.

POTENTIAL is an .almtp file with its active set (.active.npz) beside it, STRUCTURE a frame of its
liquid. In one run all atoms are graded at every step; in runs of the same trajectory only those
that are due. How much of the largest grade is seen at each step? And of each stretch of 500 steps
(after the first 500): how much of the largest, by these or by all atoms at every few steps?
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from pathlib import Path

import numpy as np

from elyte.core.formats import read_frames
from elyte.core.frame import Frame
from elyte.core.h5md import read_h5md
from elyte.dynamics import GradeWatch, RunSettings, simulate
from elyte.potentials.mtp import MTP
from elyte.selection import ActiveSet

STRETCH, SPACINGS = 500, (2, 4, 10, 20, 200)
DUE = {"default": {}, "production": {"rotation": 32, "margin": 2.0}}


def last_frame(path: Path) -> Frame:
    """Return the last frame of a trajectory or a file of structures."""
    return read_h5md(path)[-1] if path.suffix == ".h5" else read_frames(path)[-1]


def largest_grades(
    potential: MTP, active: ActiveSet, frame: Frame, settings: RunSettings, seed: int, **due: float
) -> np.ndarray:
    """Return the largest grade of each step that is seen when the atoms that are due are graded."""
    grade = active.grade_function(potential)
    watch = GradeWatch(grade, 1e8, 1e9, spacing=1, **due)  # type: ignore[arg-type]
    run = simulate(frame, potential, settings, seed=seed, stop_rules=[watch])
    assert run.outcome.done, run.outcome
    return np.array([value for _, value, _ in watch.records])


def seen(grades: np.ndarray, spacing: int) -> np.ndarray:
    """Return the largest grade seen, in units of the largest there was, for every phase."""
    stretches = grades[: len(grades) // STRETCH * STRETCH].reshape(-1, STRETCH)
    parts = [stretches[:, phase::spacing].max(axis=1) for phase in range(spacing)]
    return np.concatenate(parts) / np.tile(stretches.max(axis=1), spacing)


def compare_due(true: list[np.ndarray], found: list[np.ndarray], name: str) -> dict[str, float]:
    """Print and return what part is seen of the largest grade, of each step and each stretch."""
    steps = np.concatenate([f[STRETCH:] / t[STRETCH:] for t, f in zip(true, found, strict=True)])
    stretches = np.concatenate([largest(f) / largest(t) for t, f in zip(true, found, strict=True)])
    result = {
        "step_mean": float(steps.mean()),
        "step_least": float(steps.min()),
        "steps_missed": float((steps < 0.999).mean()),
        "mean": float(stretches.mean()),
        "least": float(stretches.min()),
    }
    print(f"{name:>10s} steps   {result['mean']:8.2%} {result['least']:8.2%};  of each step "
          f"{result['step_mean']:.3%} {result['step_least']:.1%}, "
          f"less than all of it at {result['steps_missed']:.2%}")  # fmt: skip
    return result


def largest(grades: np.ndarray) -> np.ndarray:
    """Return the largest grade of each stretch after the first."""
    return grades[STRETCH : len(grades) // STRETCH * STRETCH].reshape(-1, STRETCH).max(axis=1)


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
    run = partial(largest_grades, potential, active, frame, settings)
    runs = [run(seed, rotation=1) for seed in range(chosen.runs)]
    every = np.concatenate([run[STRETCH:] for run in runs])
    print(f"{len(frame)} atoms, {active.mode} grades; largest grade of a step: "
          f"median {np.median(every):.2f}, largest {every.max():.2f}")  # fmt: skip
    print("graded at      seen of the largest grade in 500 steps: mean, least")
    due = {}
    for name, options in DUE.items():
        found = [run(seed, **options) for seed in range(chosen.runs)]
        due[name] = compare_due(runs, found, name)
    rows = {}
    for spacing in SPACINGS:
        share = np.concatenate([seen(run[STRETCH:], spacing) for run in runs])
        rows[spacing] = {"mean": float(share.mean()), "least": float(share.min())}
        print(f"every {spacing:4d} steps   {share.mean():8.1%} {share.min():8.1%}")
    output = Path(__file__).parent / "results" / "grades.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(
        json.dumps({"mode": active.mode, "due": due, "spacings": rows}, indent=1) + "\n"
    )


if __name__ == "__main__":
    main()
