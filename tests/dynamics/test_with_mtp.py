"""The native loop over a moment tensor potential, through its capsule."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from scipy import stats

from elyte.core.frame import Frame
from elyte.core.neighbours import neighbours
from elyte.dynamics import RunSettings, simulate
from elyte.potentials.mtp import MTP


@pytest.fixture(scope="module")
def potential() -> MTP:
    """Weak random interactions, under which a crystal only shivers."""
    return MTP.initial(8, ["Li", "Cl"], cutoff=4.5, min_distance=1.5, seed=1)


@pytest.fixture(scope="module")
def crystal() -> Frame:
    corners = np.stack(np.meshgrid(*[np.arange(3)] * 3, indexing="ij"), -1).reshape(-1, 3)
    positions = np.concatenate([corners, corners + 0.5]) * 4.0
    return Frame(np.repeat([3, 17], 27), positions, np.eye(3) * 12.0, True)


def test_energy_is_conserved(potential: MTP, crystal: Frame) -> None:
    settings = RunSettings("NVE", 150.0, steps=10_000, timestep=1.0)
    result = simulate(crystal, potential, settings, seed=1)
    assert result.outcome.done
    series = result.series
    assert np.std(series["potential"]) > 0.005  # it does move
    fit = stats.linregress(series["time"], series["conserved"])
    per_atom_and_ns = 1e6 / 54 / 0.0433641  # kcal/mol from eV/fs
    assert abs(fit.slope) * per_atom_and_ns < max(0.002, 3 * fit.stderr * per_atom_and_ns)
    assert np.std(series["conserved"]) < 0.01 * np.std(series["potential"])


def test_native_and_called_back_are_the_same(potential: MTP, crystal: Frame) -> None:
    settings = RunSettings("NPT", 150.0, 500.0, steps=60)
    slow = SimpleNamespace(evaluate=potential.evaluate, cutoff=potential.cutoff)
    a = simulate(crystal, potential, settings, seed=1).state.frame
    b = simulate(crystal, slow, settings, seed=1).state.frame
    np.testing.assert_allclose(a.positions, b.positions, atol=1e-10)
    np.testing.assert_allclose(a.cell, b.cell, atol=1e-10)


def test_split_equals_unsplit_although_lists_have_a_skin(potential: MTP, crystal: Frame) -> None:
    settings = RunSettings("NVT", 400.0, steps=600, timestep=2.0)
    whole = simulate(crystal, potential, settings, seed=1)
    first = simulate(crystal, potential, replace(settings, steps=300), seed=1)
    second = simulate(crystal, potential, replace(settings, steps=300), first.state)
    np.testing.assert_array_equal(whole.state.frame.positions, second.state.frame.positions)
    np.testing.assert_array_equal(whole.state.velocities, second.state.velocities)


def test_the_closest_contact_of_a_run_is_told(potential: MTP, crystal: Frame) -> None:
    settings = RunSettings("NVE", 150.0, steps=10, frames_every=1)
    assert simulate(crystal, potential, settings, seed=1).closest is None
    weak = 1e-9 * potential.moment_coefficients
    wide = replace(potential, min_distance=3.6, moment_coefficients=weak)
    run = simulate(crystal, wide, settings, seed=1)
    assert run.outcome.done
    assert run.closest is not None
    assert run.trajectory is not None
    distance, i, j, step = run.closest
    assert 3.0 < distance < 3.6
    assert i != j
    assert 0 < step <= 10
    pairs = [neighbours(frame, 3.6).distance for frame in run.trajectory]
    assert step == np.argmin([of_step.min(initial=np.inf) for of_step in pairs])
    assert pairs[step].min() == pytest.approx(distance, rel=1e-12)
