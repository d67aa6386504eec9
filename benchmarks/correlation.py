"""Displacements and velocity autocorrelation, 300 particles × 20 000 frames, beside tidynamics.

`python benchmarks/correlation.py [threads]`; then Onsager coefficients of 3 species from 100 000
frames.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import Any

THREADS = int(sys.argv[1]) if len(sys.argv) > 1 else 1
os.environ["OMP_NUM_THREADS"] = str(THREADS)

import numpy as np  # noqa: E402
import tidynamics  # noqa: E402

from elyte.analysis.correlation import autocorrelation, mean_squared_displacement  # noqa: E402
from elyte.analysis.transport.onsager import collective, onsager  # noqa: E402
from elyte.testing.synthetic import correlated_walks  # noqa: E402


def timed(function: Callable[[], Any], repeats: int = 3) -> tuple[float, Any]:
    """Return the best time of some runs, and the result."""
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        result = function()
        best = min(best, time.perf_counter() - start)
    return best, result


def main() -> None:
    """Print seconds and ratios."""
    walk = np.cumsum(np.random.default_rng(0).normal(size=(20_000, 300, 3)), axis=0)
    pairs = {
        "MSD": (mean_squared_displacement, tidynamics.msd),
        "VACF": (autocorrelation, tidynamics.acf),
    }
    print(f"{THREADS} threads")
    for name, (ours, theirs) in pairs.items():
        a, x = timed(lambda f=ours: f(walk))
        b, y = timed(lambda f=theirs: np.mean([f(walk[:, i]) for i in range(300)], axis=0), 1)
        np.testing.assert_allclose(x[1:], y[1:], rtol=1e-8, atol=1e-6 * y.max())
        print(f"{name}: elyte {a:.2f} s, tidynamics {b:.2f} s, {b / a:.1f} ×")
    matrix = np.array([[1.0, -0.3, 0.1], [-0.3, 1.5, -0.2], [0.1, -0.2, 0.7]])
    walks = list(correlated_walks(np.random.default_rng(1), 100_000, matrix))

    def coefficients() -> object:
        total = collective([np.sum(walks, axis=0)], 10.0, 1e4, 300.0)
        return onsager([walks], ["a", "b", "c"], 10.0, 1e4, 300.0, total)

    print(f"Onsager coefficients of 3 species, 100 000 frames: {timed(coefficients, 1)[0]:.1f} s")


if __name__ == "__main__":
    main()
