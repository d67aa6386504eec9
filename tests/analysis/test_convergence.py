"""Length of runs: found starts, drifts, and how much longer for a wanted error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.analysis import SystemDescription, analyse
from elyte.analysis.convergence import (
    Start,
    convergence_curves,
    convergence_table,
    equilibration,
    fraction_of,
    halves,
    judged,
    start_warnings,
)
from elyte.analysis.observation import observe
from elyte.analysis.steps.context import Options
from elyte.analysis.transport.diffusion import self_diffusion
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory
from elyte.testing.synthetic import autoregressive, brownian

LENGTH = 20.0
SYSTEM = SystemDescription.from_molecules([18] * 30, np.arange(30))


def argon(frames: int, slope: np.ndarray | float = 0.1, seed: int = 0) -> Trajectory:
    rng = np.random.default_rng(seed)
    steps = rng.normal(size=(frames, 30, 3)) * np.sqrt(slope)
    positions = rng.random((30, 3)) * LENGTH + np.cumsum(steps, axis=0)
    cells = np.broadcast_to(LENGTH * np.eye(3), (frames, 3, 3))
    return Trajectory([18] * 30, positions, cells, 100.0 * np.arange(frames))  # type: ignore[arg-type]


def test_needed_length_follows_from_the_error() -> None:
    long = self_diffusion([brownian(np.random.default_rng(0), 4000, 10, 1.0)], 100.0)[0]
    part = [self_diffusion([brownian(np.random.default_rng(k), 2000, 10, 1.0)], 100.0)[0]
            for k in (1, 2)]  # fmt: skip
    found = judged([long], [[part[0]], [part[1]]], 4000 * 100.0, 0.01, [Start(0)])[0]
    told = found.details["convergence"]
    relative = long.error / long.value
    assert told["length_ps"] == 400.0
    assert told["needed_ps"] == pytest.approx(400.0 * (relative / 0.01) ** 2)
    assert told["enough"] == (relative <= 0.01)
    assert told["effective_samples"] == long.n_effective
    assert abs(told["drift"]) < 3
    # The error shrinks with the root of the length: about √2 from the half to the whole.
    half, whole = told["error_over_length"]
    assert 1 < half[1] / whole[1] < 3
    assert found.value == long.value
    row = convergence_table([found])[0]
    assert row["relative error"] == pytest.approx(relative)


def test_without_a_time_step_lengths_are_not_known_but_their_ratio_is() -> None:
    found = judged([Quantity("x", 2.0, 0.4, "1")], [[], []], np.nan, 0.05)
    (row,) = convergence_table(found)
    assert np.isnan(row["length (ps)"])
    assert np.isnan(row["needed (ps)"])
    assert row["needed (times the length)"] == pytest.approx(16.0)
    assert convergence_curves(found, []) == []


def test_a_run_that_changes_drifts() -> None:
    slope = np.where(np.arange(1600) < 800, 0.1, 0.25)[:, None, None]
    options = Options(properties=["diffusion"])
    drifting = analyse(argon(1600, slope), SYSTEM, 300.0, options=options, wanted_error=0.02)
    d = drifting.find("self-diffusion coefficient", "Ar")
    told = d.details["convergence"]
    assert told["drift"] > 3
    assert not told["enough"]
    assert any("drifts" in w for w in drifting.warnings)
    steady = analyse(argon(1600), SYSTEM, 300.0, options=options, wanted_error=0.2)
    d = steady.find("self-diffusion coefficient", "Ar")
    assert d.details["convergence"]["enough"]
    assert not any("drifts" in w for w in steady.warnings)
    assert {c.group for c in steady.curves if "Convergence" in c.group} == {
        "Convergence: relative error over length",
        "Convergence: error of the mean over length of blocks",
    }


def test_the_start_that_relaxes_is_found_and_left_out() -> None:
    trajectory = argon(600)
    volume = 1 + 0.3 * np.exp(-np.arange(600) / 20)
    noise = 0.005 * autoregressive(np.random.default_rng(1), 600, 0.8)
    cells = np.cbrt(volume + noise)[:, None, None] * LENGTH * np.eye(3)
    relaxing = replace(trajectory, cells=cells)
    start = equilibration(observe(relaxing, SYSTEM))
    assert start.series in ("volume", "neighbours")
    assert 40 <= start.frame <= 250
    result = analyse(
        relaxing, SYSTEM, 300.0, options=Options(properties=["density"]), wanted_error=0.05
    )
    told = result.find("density").details["convergence"]
    assert told["equilibrated_from"] == [start.frame]
    assert any("left out" in w for w in result.warnings)
    assert told["length_ps"] == pytest.approx((600 - start.frame) * 0.1)
    kept = analyse(relaxing, SYSTEM, 300.0, options=Options(properties=["density"]))
    assert "convergence" not in kept.find("density").details


def test_stationary_and_short_runs_are_taken_whole() -> None:
    cuts = [equilibration(observe(argon(300, 0.3, seed), SYSTEM)).frame for seed in range(12)]
    assert sum(c > 0 for c in cuts) <= 2
    assert equilibration(observe(argon(49), SYSTEM)) == Start(0)
    assert start_warnings([Start(0), Start(7, "volume")]) == [
        "run 2: the first 7 frames are left out, its volume still relaxed"
    ]


def test_recorded_series_are_cut_with_their_frames() -> None:
    series = {"energy": np.arange(1000.0), "timestep": 2.0}
    first, second = (fraction_of(series, 10, part) for part in halves(10))
    np.testing.assert_array_equal(first["energy"], np.arange(500.0))
    np.testing.assert_array_equal(second["energy"], np.arange(500.0, 1000.0))
    assert first["timestep"] == 2.0


def test_withheld_and_exact_quantities_are_not_judged() -> None:
    exact = Quantity("density", 1.0, 0.0, "g/cm³")
    withheld = Quantity.withhold("x", "1", "too short")
    assert [q.details for q in judged([exact, withheld], [[], []], 1e5, 0.05)] == [{}, {}]
    for wanted in (0.0, 1.5):
        with pytest.raises(InputError, match="between 0 and 1"):
            judged([exact], [[], []], 1e5, wanted)
