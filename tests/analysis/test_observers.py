"""Properties accumulated while a run goes on equal those of the run when it is over."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from elyte._native import dynamics as native
from elyte.analysis import SystemDescription, conductivity_from_current, self_diffusion
from elyte.analysis.observation import observe
from elyte.analysis.observers import (
    CurrentObserver,
    DiffusionObserver,
    restore_observers,
    save_observers,
    species_currents,
)
from elyte.analysis.transport.onsager import collective, onsager
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory
from elyte.dynamics import MDState, RunResult, RunSettings, simulate

VOLUME, TEMPERATURE, EVERY = 22.0**3, 600.0, 5
# half of the run: a slope that only longer times show is one that an observer cannot find
LONGEST = 6000.0
NUMBERS = [3] * 12 + [17] * 12 + [18] * 24
SYSTEM = SystemDescription.from_molecules(NUMBERS, np.arange(48))


def fluid() -> Frame:
    """Li+, Cl- and Ar that all are Lennard-Jones atoms: what matters is that they move."""
    sites = np.stack(np.unravel_index(np.arange(48), (4, 4, 3)), axis=1) * 5.5 + 1.0
    rng = np.random.default_rng(0)
    order = rng.permutation(48)
    return Frame(NUMBERS, sites[order] + rng.normal(0, 0.1, (48, 3)), np.eye(3) * 22.0, True,
                 np.arange(48))  # type: ignore[arg-type]  # fmt: skip


def run(
    currents: CurrentObserver,
    walks: DiffusionObserver,
    state: MDState | None = None,
    until: int | None = None,
) -> RunResult:
    settings = RunSettings(
        "NVT", TEMPERATURE, steps=3000, timestep=4.0, thermostat="langevin", thermostat_time=200.0,
        frames_every=EVERY, flux_every=EVERY,
    )  # fmt: skip
    found = simulate(
        fluid(), native.lennard_jones(0.004, 3.0, 6.0, 0.6), settings, state, 3,
        observers=[walks], flux=currents.flux(), began=0, until=until,
    )  # fmt: skip
    currents.take(found.series["flux"])
    return found


@pytest.fixture(scope="module")
def done() -> tuple[CurrentObserver, DiffusionObserver, RunResult]:
    currents = CurrentObserver(SYSTEM, 4.0 * EVERY, LONGEST)
    walks = DiffusionObserver(SYSTEM, EVERY, 4.0, LONGEST)
    return currents, walks, run(currents, walks)


def alike(found: Quantity, offline: Quantity) -> None:
    assert found.name == offline.name
    assert not offline.withheld
    assert found.value == pytest.approx(offline.value, rel=1e-6)
    assert found.error == pytest.approx(offline.error, rel=1e-6)


def test_conductivity_equals_that_of_the_recorded_currents(
    done: tuple[CurrentObserver, DiffusionObserver, RunResult],
) -> None:
    currents, _, result = done
    quantities, curves = currents.results(VOLUME, TEMPERATURE)
    series = species_currents(result.series["flux"], SYSTEM)
    step = 4.0 * EVERY
    alike(quantities[0], conductivity_from_current(series.sum(axis=1), step, VOLUME, TEMPERATURE))
    dipoles = np.concatenate([
        np.zeros((1, 2, 3)), np.cumsum((series[1:] + series[:-1]) * step / 2, axis=0)
    ])  # fmt: skip
    total = collective([dipoles.sum(axis=1)], step, VOLUME, TEMPERATURE)
    parts = onsager([[dipoles[:, 0], dipoles[:, 1]]], ["Li+", "Cl-"], step, VOLUME, TEMPERATURE,
                    total)  # fmt: skip
    assert quantities[2].species == "Li+, Cl-"
    assert quantities[2].value == pytest.approx(parts.matrix[0, 1], rel=1e-6)
    assert quantities[-1].value == pytest.approx(parts.transference[1], rel=1e-6)
    assert curves[0].x[1] == pytest.approx(step / 1000)


def test_currents_are_those_of_the_velocities_of_ions(
    done: tuple[CurrentObserver, DiffusionObserver, RunResult],
) -> None:
    series = species_currents(done[2].series["flux"], SYSTEM)
    positions = done[2].trajectory.positions  # type: ignore[union-attr]
    centre = np.einsum("tnx,n->tx", positions, SYSTEM.masses / SYSTEM.masses.sum())
    moved = (positions[:, :12] - centre[:, None]).sum(axis=1)
    integral = np.cumsum((series[1:, 0] + series[:-1, 0]) * 2.0 * EVERY, axis=0)
    for axis in range(3):  # up to the noise of a trapezoidal rule of 20 fs in a heat bath
        x, y = integral[:, axis], moved[1:, axis] - moved[0, axis]
        assert np.sum(x * y) / np.sum(y**2) == pytest.approx(1, abs=0.1)
        assert np.corrcoef(x, y)[0, 1] > 0.98


def test_diffusion_equals_that_of_the_saved_frames(
    done: tuple[CurrentObserver, DiffusionObserver, RunResult],
) -> None:
    _, walks, result = done
    quantities, curves = walks.results(TEMPERATURE)
    assert isinstance(result.trajectory, Trajectory)
    seen = observe(result.trajectory, SYSTEM)
    masses = SYSTEM.molecular_masses
    centres = seen.centres - np.einsum("tmx,m->tx", seen.centres, masses / masses.sum())[:, None]
    for quantity, curve, group in zip(quantities, curves, SYSTEM.species, strict=True):
        offline, line = self_diffusion([centres[:, group.molecules]], 4.0 * EVERY, group.name)
        alike(quantity, offline)
        shared = min(len(curve.y), len(line.y))
        np.testing.assert_allclose(curve.y[:shared], line.y[:shared], rtol=1e-6, atol=1e-9)


def test_a_run_in_two_parts_with_saved_observers_is_one_run(
    tmp_path: Path, done: tuple[CurrentObserver, DiffusionObserver, RunResult]
) -> None:
    def fresh() -> tuple[CurrentObserver, DiffusionObserver]:
        return (CurrentObserver(SYSTEM, 4.0 * EVERY, LONGEST),
                DiffusionObserver(SYSTEM, EVERY, 4.0, LONGEST))  # fmt: skip

    first = fresh()
    half = run(*first, until=1500)
    path = tmp_path / "observed.npz"
    save_observers(path, half.state.step, first)
    second = fresh()
    restore_observers(path, 1500, second)
    run(*second, state=half.state)
    for whole, parts in zip(
        done[0].results(VOLUME, TEMPERATURE)[0] + done[1].results(TEMPERATURE)[0],
        second[0].results(VOLUME, TEMPERATURE)[0] + second[1].results(TEMPERATURE)[0],
        strict=True,
    ):
        assert parts.value == pytest.approx(whole.value, rel=1e-6, nan_ok=True)
    with pytest.raises(InputError, match="step 1500"):
        restore_observers(path, 1000, second)
    with pytest.raises(InputError, match="other properties"):
        restore_observers(path, 1500, [*fresh(), fresh()[0]])


def test_a_window_shorter_than_the_run_is_enough() -> None:
    """A fit within the window: the number agrees with the whole within its error."""
    rng = np.random.default_rng(5)
    speeds = rng.normal(size=(20_000, 3, 3)) * 0.01
    observer = CurrentObserver(SYSTEM, 10.0, 500.0)
    for block in np.split(speeds, 40):
        observer.take(block)
    found = observer.results(VOLUME, TEMPERATURE)[0][0]
    whole = conductivity_from_current(
        species_currents(speeds, SYSTEM).sum(axis=1), 10.0, VOLUME, TEMPERATURE
    )
    assert found.value == pytest.approx(whole.value, abs=3 * whole.error)
    assert found.error < 2 * whole.error
    assert found.details["fit_window_ps"][1] <= 0.5


def test_refusals() -> None:
    neutral = SystemDescription.from_molecules([18, 18], [0, 1])
    with pytest.raises(InputError, match="two charged species"):
        CurrentObserver(neutral, 10.0, 100.0)
    uneven = SystemDescription.from_molecules([3, 3, 17], [0, 1, 2])
    with pytest.raises(InputError, match="add up to"):
        CurrentObserver(uneven, 10.0, 100.0)
    with pytest.raises(InputError, match="window"):
        DiffusionObserver(SYSTEM, 10, 1.0, 2.0)
