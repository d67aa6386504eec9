"""Radial distribution, 500 frames × 4000 particles to 10 Å, beside MDAnalysis and freud.

`python benchmarks/rdf.py [threads]`
"""

from __future__ import annotations

import os
import sys
import time
import warnings

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402

from elyte.analysis.structure.rdf import radial_distribution  # noqa: E402

FRAMES, PARTICLES, LENGTH, R_MAX, BINS = 500, 4000, 34.2, 10.0, 200


def main() -> None:
    """Print seconds for each program; the slow ones are measured on fewer frames."""
    positions = np.random.default_rng(0).random((FRAMES, PARTICLES, 3)) * LENGTH
    cells = np.broadcast_to(np.eye(3) * LENGTH, (FRAMES, 3, 3))
    seconds: dict[str, float] = {}
    start = time.perf_counter()
    ours = radial_distribution(positions, None, cells, R_MAX, BINS)
    seconds["elyte"] = time.perf_counter() - start
    seconds["freud"], g = freud_seconds(positions, FRAMES // 5)
    np.testing.assert_allclose(ours.g[20:], g[20:], rtol=0.02)
    seconds["MDAnalysis"] = mdanalysis_seconds(positions, FRAMES // 25)
    print(f"{THREADS} threads")
    for name, value in seconds.items():
        print(f"{name:12s} {value:8.2f} s   {value / seconds['elyte']:6.1f} ×")


def freud_seconds(positions: np.ndarray, frames: int) -> tuple[float, np.ndarray]:
    """Time freud on some frames; return seconds for all, and its g(r)."""
    import freud

    freud.set_num_threads(THREADS)
    rdf = freud.density.RDF(bins=BINS, r_max=R_MAX)
    box = freud.box.Box.cube(LENGTH)
    start = time.perf_counter()
    for frame in positions[:frames]:
        rdf.compute((box, frame - LENGTH / 2), reset=False)
    return (time.perf_counter() - start) * FRAMES / frames, rdf.rdf


def mdanalysis_seconds(positions: np.ndarray, frames: int) -> float:
    """Time MDAnalysis' InterRDF on some frames; return seconds for all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import MDAnalysis
        from MDAnalysis.analysis.rdf import InterRDF

        universe = MDAnalysis.Universe.empty(PARTICLES, trajectory=True)
        box = np.array([LENGTH, LENGTH, LENGTH, 90, 90, 90])
        universe.load_new(positions[:frames].astype(np.float32), dimensions=box)
        start = time.perf_counter()
        InterRDF(universe.atoms, universe.atoms, BINS, (0.0, R_MAX), exclusion_block=(1, 1)).run()
    return (time.perf_counter() - start) * FRAMES / frames


if __name__ == "__main__":
    main()
