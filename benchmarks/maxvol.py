"""Time the active set: building, grading and selecting at the sizes that learning meets.

    python benchmarks/maxvol.py [--quick]

Rows are made like those of a moment tensor potential of level 16: for an atom of species z the
columns of z's own coefficient, of all moments, and of the radial functions (z, ·, ·, ·) are not
zero, and their singular values fall over many decades. The last run selects from 10 000 candidates
with 651 parameters: seconds are wanted.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from elyte.core import Frame
from elyte.selection import ActiveSet


@dataclass
class Synthetic:
    """A "potential" whose derivatives depend on an atom's number and a hash of its position."""

    species: tuple[int, ...]
    moments: int
    radial: int  # per pair of species: radial functions × polynomials
    decades: float = 6.0
    parameters: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        s = len(self.species)
        size = s + self.moments + s * s * self.radial
        self.parameters = np.zeros(size)
        random = np.random.default_rng(0)
        inner = self.moments + s * self.radial
        self.mixing = random.normal(size=(inner, inner)) / np.sqrt(inner)
        self.fall = 10.0 ** (-self.decades * np.arange(inner) / inner)

    def atom_gradients(self, frame: Frame) -> np.ndarray:
        s, moments = len(self.species), self.moments
        random = np.random.default_rng(int(frame.positions[0, 0] * 1e9) % 2**32)
        rows = np.zeros((len(frame), len(self.parameters)))
        inner = (random.normal(size=(len(frame), len(self.fall))) * self.fall) @ self.mixing
        for kind, z in enumerate(self.species):
            atoms = np.flatnonzero(frame.numbers == z)
            rows[atoms, kind] = 1.0
            rows[atoms, s : s + moments] = inner[atoms, :moments]
            first = s + moments + kind * s * self.radial
            rows[atoms, first : first + s * self.radial] = inner[atoms, moments:]
        return rows


def frames(count: int, numbers: list[int], seed: int) -> list[Frame]:
    """Return frames whose only use is to be told apart."""
    random = np.random.default_rng(seed)
    return [Frame(numbers, random.uniform(0, 10, (len(numbers), 3))) for _ in range(count)]


@dataclass
class Clock:
    """Runs, prints and keeps the seconds of the parts of a run."""

    title: str
    rows: list[dict[str, Any]]

    def timed(self, work: str, call: Callable[[], Any]) -> Any:
        """Return what a call returns."""
        start = time.perf_counter()
        result = call()
        seconds = time.perf_counter() - start
        print(f"  {work:<58}{seconds:8.2f} s", flush=True)
        self.rows.append({"run": self.title, "work": work, "seconds": seconds})
        return result


def run(
    rows: list[dict[str, Any]],
    title: str,
    potential: Synthetic,
    numbers: list[int],
    count: int,
    **options: Any,
) -> None:
    """Build from `count` frames, select from as many others, grade a box of 500 atoms."""
    size, timed = len(potential.parameters), Clock(title, rows).timed
    print(f"{title}: P = {size}, {count} frames × {len(numbers)} atoms, {options}")
    training = frames(count, numbers, 1)
    timed("(making the rows)", lambda: [potential.atom_gradients(f) for f in training])
    active = timed("build", lambda: ActiveSet.build(potential, training, **options))
    candidates = frames(count, numbers, 2)
    chosen = timed("select, at most 20", lambda: active.select(potential, candidates, limit=20))
    chosen = timed("select, no limit", lambda: active.select(potential, candidates))
    print(f"  {'':<58}{len(chosen):8d} frames selected")
    grown = training + [candidates[i] for i in chosen[:20]]
    timed(
        "build again with 20 more, from the previous",
        lambda: ActiveSet.build(potential, grown, previous=active, **options),
    )
    grade = active.grade_function(potential)
    box = frames(1, (numbers * 20)[:500], 3)[0]
    alone = []
    for work in (grade, potential.atom_gradients):
        work(box)
        start = time.perf_counter()
        for _ in range(5):
            work(box)
        alone.append((time.perf_counter() - start) / 5)
    label = "grade of 500 atoms, without their derivatives"
    print(f"  {label:<58}{1e3 * (alone[0] - alone[1]):8.2f} ms")


def main() -> None:
    """Run all sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the frames")
    parser.add_argument("--threads", type=int, default=1)
    chosen = parser.parse_args()
    part = 10 if chosen.quick else 1
    rows: list[dict[str, Any]] = []
    salt = Synthetic((1, 3, 6, 8, 9, 15), 92, 32)
    ec_salt = [6] * 24 + [8] * 24 + [1] * 32 + [3] + [15] + [9] * 6
    solvent = Synthetic((1, 6, 8), 288, 40)
    ec = [6] * 24 + [8] * 24 + [1] * 32
    with threadpool_limits(chosen.threads):
        for by_species in (True, False):
            run(rows, "LiPF6 in EC, level 16", salt, ec_salt, 200 // part, by_species=by_species)
        for by_species in (True, False):
            run(rows, "EC, level 20", solvent, ec, 125 // part, by_species=by_species)
        wanted = Synthetic((1, 6, 8), 288, 40)
        assert len(wanted.parameters) == 651
        run(rows, "10 000 candidates", wanted, ec[:1], 10000 // part, mode="configuration")
    output = Path(__file__).parent / "results" / "maxvol.json"
    output.parent.mkdir(exist_ok=True)
    output.write_text(json.dumps({"rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
