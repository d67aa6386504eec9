"""`simulate`: resuming bit for bit, records, ramps, threads, potentials of every kind."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase.calculators.lj import LennardJones
from dynamics_systems import argon, gas, lennard_jones

from elyte._native import dynamics as native
from elyte.core.errors import DamagedData, InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter, read_h5md, read_steps
from elyte.core.units import BAR, MASS_VELOCITY2_TO_EV
from elyte.dynamics import (
    Checkpoint,
    Evaluator,
    Flux,
    MDState,
    Moment,
    RunSettings,
    maxwell_boltzmann,
    relax,
    simulate,
)

ENSEMBLES = [
    ("NVE", "bussi", "scr"),
    ("NVT", "bussi", "scr"),
    ("NVT", "langevin", "scr"),
    ("NVT", "nose-hoover", "scr"),
    ("NPT", "bussi", "scr"),
    ("NPT", "nose-hoover", "mtk"),
    ("NPT", "langevin", "mtk"),
]


def assert_same(a: MDState, b: MDState) -> None:
    """Every bit of two states is the same."""
    for name in ("velocities", "forces", "energy", "strain_gradient", "step", "time", "extended"):
        np.testing.assert_array_equal(getattr(a, name), getattr(b, name), err_msg=name)
    np.testing.assert_array_equal(a.random, b.random)
    np.testing.assert_array_equal(a.frame.positions, b.frame.positions)
    np.testing.assert_array_equal(a.frame.cell, b.frame.cell)


@pytest.mark.parametrize(("ensemble", "thermostat", "barostat"), ENSEMBLES)
def test_a_run_resumed_from_a_file_is_the_run_itself(
    ensemble: str, thermostat: str, barostat: str, tmp_path: Path
) -> None:
    settings = RunSettings(
        ensemble,
        (80.0, 160.0),
        (1.0, 900.0),
        steps=500,
        timestep=4,
        thermostat=thermostat,
        barostat=barostat,
    )
    frame = argon()
    whole = simulate(frame, lennard_jones(), settings, seed=7)
    path = tmp_path / "state.npz"

    class Interruption:
        every = 230

        def __call__(self, moment: Moment) -> None:
            if moment.step:
                raise KeyboardInterrupt

    observers = [Checkpoint(path, every=100), Interruption()]
    with pytest.raises(KeyboardInterrupt):
        simulate(frame, lennard_jones(), settings, seed=7, observers=observers)
    state = MDState.load(path)
    assert state.step == 200
    rest = simulate(frame, lennard_jones(), settings, state, began=0)
    assert_same(rest.state, whole.state)
    np.testing.assert_array_equal(rest.series["conserved"], whole.series["conserved"][21:])


@pytest.mark.parametrize(("ensemble", "thermostat", "barostat"), ENSEMBLES)
def test_split_equals_unsplit_bit_for_bit(ensemble: str, thermostat: str, barostat: str) -> None:
    settings = RunSettings(
        ensemble, 120.0, 500.0, steps=400, timestep=4, thermostat=thermostat, barostat=barostat
    )
    frame = argon()
    whole = simulate(frame, lennard_jones(), settings, seed=7)
    state = None
    series = []
    for steps in (100, 200, 100):
        result = simulate(frame, lennard_jones(), replace(settings, steps=steps), state, seed=7)
        state = result.state
        series.append(result.series["conserved"])
    assert state is not None
    assert_same(state, whole.state)
    np.testing.assert_array_equal(np.concatenate(series), whole.series["conserved"])


def test_a_run_can_pause_within_a_ramp() -> None:
    settings = RunSettings("NPT", (60.0, 200.0), (1.0, 500.0), steps=400, timestep=4)
    whole = simulate(argon(), lennard_jones(), settings, seed=3)
    first = simulate(argon(), lennard_jones(), settings, seed=3, until=200)
    assert first.state.step == 200
    rest = simulate(argon(), lennard_jones(), settings, first.state, began=0)
    assert_same(rest.state, whole.state)


def test_a_state_moved_elsewhere_has_its_forces_evaluated_anew() -> None:
    settings = RunSettings("NVE", 60.0, steps=50, timestep=4, series_every=1)
    state = simulate(argon(), lennard_jones(), settings, seed=3).state
    other = argon(seed=4)
    moved = simulate(other, lennard_jones(), settings, state.changed(other))
    fresh = simulate(other, lennard_jones(), settings, velocities=state.velocities)
    np.testing.assert_array_equal(moved.state.frame.positions, fresh.state.frame.positions)


def test_split_anywhere_without_a_neighbour_list() -> None:
    settings = RunSettings("NVT", 300.0, steps=50, thermostat="langevin", free_momentum=True)
    frame = gas()
    wells = native.harmonic_wells(frame.positions, 1.0)
    whole = simulate(frame, wells, settings, seed=1)
    first = simulate(frame, wells, replace(settings, steps=17), seed=1)
    second = simulate(frame, wells, replace(settings, steps=33), first.state)
    assert_same(second.state, whole.state)


def test_looking_at_a_run_does_not_change_it() -> None:
    settings = RunSettings("NVT", 120.0, steps=300, timestep=4)
    plain = simulate(argon(), lennard_jones(), settings, seed=2)
    moments: list[Moment] = []

    class Observer:
        every = 7

        def __call__(self, moment: Moment) -> None:
            moments.append(moment)

    seen = simulate(argon(), lennard_jones(), settings, seed=2, observers=[Observer()])
    assert_same(plain.state, seen.state)
    assert [m.step for m in moments] == list(range(0, 300, 7))
    assert moments[3].time == 84.0
    assert moments[3].target == 120.0


def test_two_threads_are_independent() -> None:
    settings = RunSettings("NPT", 120.0, steps=400, timestep=4)
    field = lennard_jones()
    alone = [simulate(argon(), field, settings, seed=seed) for seed in range(4)]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda s: simulate(argon(), field, settings, seed=s), range(4)))
    for a, b in zip(alone, together, strict=True):
        assert_same(a.state, b.state)
    assert alone[0].state.energy != alone[1].state.energy


def test_records_are_where_they_belong() -> None:
    settings = RunSettings(
        "NVT",
        120.0,
        steps=105,
        timestep=2,
        series_every=7,
        frames_every=10,
        flux_every=5,
        velocities=True,
    )
    frame = argon()
    charges = np.resize([1.0, -1.0], len(frame))
    result = simulate(frame, lennard_jones(), settings, flux=Flux.charge(charges))
    assert result.trajectory is not None
    assert result.trajectory.velocities is not None
    np.testing.assert_array_equal(result.series["step"], np.arange(0, 106, 7))
    np.testing.assert_array_equal(result.trajectory.times, 2.0 * np.arange(0, 101, 10))
    assert result.series["flux"].shape == (22, 1, 3)
    np.testing.assert_array_equal(result.series["flux_time"], 2.0 * np.arange(0, 106, 5))
    more = simulate(frame, lennard_jones(), settings, result.state, flux=Flux.charge(charges))
    np.testing.assert_array_equal(more.series["flux_time"], 2.0 * np.arange(110, 211, 5))
    current = (charges[:, None] * result.trajectory.velocities).sum(axis=1)
    np.testing.assert_allclose(result.series["flux"][::2, 0], current, atol=1e-15)
    np.testing.assert_array_equal(result.trajectory.positions[0], frame.positions)
    np.testing.assert_array_equal(result.trajectory.molecules, frame.molecules)
    energy = Evaluator(lennard_jones(), frame)(frame.positions, frame.cell)[0]
    assert result.series["potential"][0] == pytest.approx(energy, rel=1e-12)


def test_the_pressure_tensor_is_that_of_forces_and_velocities() -> None:
    frame, dt = argon(rattle=0.1), 4.0
    frame = frame.moved(frame.positions, frame.cell @ (np.eye(3) + 0.02 * np.eye(3)[[1, 2, 0]]))
    settings = RunSettings(
        "NVE", 150.0, steps=20, timestep=dt, series_every=5, frames_every=5, velocities=True
    )
    run = simulate(frame, lennard_jones(), settings, seed=3)
    assert run.trajectory is not None
    assert run.trajectory.velocities is not None
    mass = frame.masses[:, None] * MASS_VELOCITY2_TO_EV
    field = Evaluator(lennard_jones(), frame)
    for row, (x, v) in enumerate(
        zip(run.trajectory.positions, run.trajectory.velocities, strict=True)
    ):
        _, forces, strain = field(x, frame.cell)
        # of the mean of both neighbouring half steps, whose velocities are v ± a dt/2
        halves = [v + sign * 0.5 * dt * forces / mass for sign in (-1, 1)]
        kinetic = sum((mass * u).T @ u for u in halves) / 2
        wanted = (kinetic - strain) / frame.volume / BAR
        for k, name in enumerate(("pxx", "pyy", "pzz")):
            assert run.series[name][row] == pytest.approx(wanted[k, k], rel=1e-9)
        for name, i, j in (("pyz", 1, 2), ("pxz", 0, 2), ("pxy", 0, 1)):
            assert run.series[name][row] == pytest.approx(wanted[i, j], rel=1e-9, abs=1e-6)
        mean = np.mean([run.series[name][row] for name in ("pxx", "pyy", "pzz")])
        assert run.series["pressure_bar"][row] == pytest.approx(mean, rel=1e-12)


def test_frames_go_to_a_file_while_it_runs_and_join_where_it_was_split(tmp_path: Path) -> None:
    settings = RunSettings("NVT", 120.0, steps=200, timestep=2, frames_every=20)
    frame = argon()
    kept = simulate(frame, lennard_jones(), settings, seed=3)
    assert kept.trajectory is not None
    path = tmp_path / "run.h5md"
    with TrajectoryWriter(path, frame) as writer:
        first = simulate(
            frame, lennard_jones(), replace(settings, steps=100), seed=3, writer=writer
        )
        assert first.trajectory is None
    with TrajectoryWriter(path, frame, append_after=first.state.step) as writer:
        simulate(frame, lennard_jones(), settings, first.state, began=0, writer=writer)
    read = read_h5md(path)
    np.testing.assert_array_equal(read_steps(path), np.arange(0, 201, 20))
    np.testing.assert_array_equal(read.positions, kept.trajectory.positions)


def test_positions_are_unwrapped() -> None:
    frame = gas(4, 5.0)
    velocity = np.tile([0.01, 0.0, -0.02], (4, 1))
    settings = RunSettings("NVE", 300.0, steps=1000, timestep=5, free_momentum=True)
    state = simulate(frame, native.ideal_gas(), settings, velocities=velocity).state
    np.testing.assert_allclose(state.frame.positions, frame.positions + 5000 * velocity)


def test_a_temperature_ramp_is_followed() -> None:
    settings = RunSettings(
        "NVT", (100.0, 900.0), steps=20_000, timestep=5, thermostat_time=20, series_every=5
    )
    series = simulate(gas(64, 200.0), native.ideal_gas(), settings, seed=1).series
    target = 100 + 800 * series["step"] / 20_000
    for part in np.array_split(np.arange(len(target)), 8):
        assert series["temperature"][part].mean() == pytest.approx(target[part].mean(), rel=0.05)


def test_a_volume_schedule_is_followed_exactly() -> None:
    frame = argon()
    settings = RunSettings(
        "NVT", 100.0, steps=200, timestep=4, volume=(frame.volume, 1.2 * frame.volume)
    )
    series = simulate(frame, lennard_jones(), settings).series
    wanted = frame.volume * (1 + 0.2 * series["step"] / 200)
    np.testing.assert_allclose(series["volume"], wanted, rtol=1e-12)


class ByEvaluate:
    """A potential without a native face."""

    species = (18,)
    cutoff = 6.0

    def __init__(self) -> None:
        self.calls = 0

    def evaluate(self, frames: list[Frame]) -> list[SimpleNamespace]:
        results = []
        for frame in frames:
            self.calls += 1
            energy, forces, strain = Evaluator(lennard_jones(), frame)(frame.positions, frame.cell)
            stress = strain / frame.volume
            results.append(SimpleNamespace(energy=energy, forces=forces, stress=stress))
        return results


@pytest.mark.parametrize(("ensemble", "thermostat", "barostat"), ENSEMBLES[:5])
def test_a_potential_in_python_runs_the_same(ensemble: str, thermostat: str, barostat: str) -> None:
    settings = RunSettings(ensemble, 100.0, steps=40, timestep=4, thermostat=thermostat)
    potential = ByEvaluate()
    slow = simulate(argon(), potential, settings, seed=1)
    fast = simulate(argon(), lennard_jones(), settings, seed=1)
    np.testing.assert_allclose(slow.state.frame.positions, fast.state.frame.positions, atol=1e-9)
    assert potential.calls == 41


def test_an_ase_calculator_runs_with_its_stress() -> None:
    calculator = LennardJones(epsilon=0.0104, sigma=3.4, rc=5.0, smooth=True)
    frame = argon(cells=2)
    settings = RunSettings("NPT", 100.0, 1000.0, steps=60, timestep=4, barostat_time=200)
    result = simulate(frame, calculator, settings, seed=1)
    assert result.outcome.done
    assert result.state.frame.volume < frame.volume
    atoms = frame.to_ase()
    atoms.calc = calculator
    assert result.series["potential"][0] == pytest.approx(atoms.get_potential_energy())


def test_atoms_of_ase_are_taken_as_they_are() -> None:
    frame = argon()
    settings = RunSettings("NVT", 100.0, steps=20)
    atoms = simulate(frame.to_ase(), lennard_jones(), settings, seed=1)
    assert_same(atoms.state, simulate(frame, lennard_jones(), settings, seed=1).state)
    assert relax(frame.to_ase(), lennard_jones(), 0.5).outcome.done


def test_an_error_in_a_potential_in_python_comes_through() -> None:
    class Broken:
        def evaluate(self, frames: list[Frame]) -> None:
            raise ArithmeticError("no convergence")

    with pytest.raises(ArithmeticError, match="no convergence"):
        simulate(argon(), Broken(), RunSettings(steps=5))


def test_molecules_without_a_box_run() -> None:
    frame = Frame([6, 6, 8], np.eye(3))
    wells = native.harmonic_wells(frame.positions, 1.0)
    series = simulate(frame, wells, RunSettings("NVT", 300.0, steps=100)).series
    assert np.isnan(series["pressure_bar"]).all()
    assert np.isfinite(series["temperature"]).all()


def test_what_does_not_go_together_is_refused() -> None:
    frame, field = argon(), lennard_jones()
    open_frame = Frame(frame.numbers, frame.positions)
    with pytest.raises(InputError, match="periodic"):
        simulate(open_frame, field, RunSettings("NPT", steps=1))
    with pytest.raises(InputError, match="no atoms"):
        simulate(gas(0), field, RunSettings(steps=1))
    with pytest.raises(InputError, match="single atom"):
        simulate(gas(1), field, RunSettings(steps=1))
    state = simulate(frame, field, RunSettings(steps=1)).state
    with pytest.raises(InputError, match="other atoms"):
        simulate(gas(32), field, RunSettings(steps=1), state)
    with pytest.raises(InputError, match="no potential"):
        simulate(frame, object(), RunSettings(steps=1))
    with pytest.raises(InputError, match="did you mean 'langevin'"):
        RunSettings(thermostat="langvin")
    with pytest.raises(InputError, match="above 0 K"):
        RunSettings(temperature=(300.0, -5.0))
    with pytest.raises(InputError, match="timestep"):
        RunSettings(timestep=0)
    with pytest.raises(InputError, match="NVT"):
        RunSettings("NPT", volume=100.0)
    settings = RunSettings(steps=1, flux_every=1)
    with pytest.raises(InputError, match="one group"):
        simulate(frame, field, settings, flux=Flux.charge([1.0]))


def test_npt_needs_a_stress() -> None:
    class NoStress(LennardJones):
        implemented_properties = ("energy", "forces")

    calculator = NoStress(epsilon=0.0104, sigma=3.4, rc=5.0)
    with pytest.raises(InputError, match="stress"):
        simulate(argon(), calculator, RunSettings("NPT", 100.0, steps=1))


def test_velocities_are_drawn_at_the_temperature() -> None:
    frame = gas(4000, 100.0)
    velocities = maxwell_boltzmann(frame, 350.0, 1)
    settings = RunSettings("NVE", 350.0, steps=0)
    series = simulate(frame, native.ideal_gas(), settings, velocities=velocities).series
    assert series["temperature"][0] == pytest.approx(350.0, rel=0.03)
    momentum = (frame.masses[:, None] * velocities).sum(axis=0)
    assert np.abs(momentum).max() < 1e-10
    np.testing.assert_array_equal(velocities, maxwell_boltzmann(frame, 350.0, 1))
    with pytest.raises(InputError, match="-1"):
        maxwell_boltzmann(frame, -1.0, 1)


def test_a_damaged_state_is_told(tmp_path: Path) -> None:
    path = tmp_path / "state.npz"
    simulate(argon(), lennard_jones(), RunSettings(steps=1)).state.save(path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(DamagedData, match="no state"):
        MDState.load(path)
    with pytest.raises(InputError, match="no such file"):
        MDState.load(tmp_path / "none.npz")


def test_progress_is_reported_to_the_end() -> None:
    calls: list[tuple[float, float, str]] = []
    simulate(
        argon(),
        lennard_jones(),
        RunSettings("NVT", 100.0, steps=300),
        progress=lambda done, total, note="": calls.append((done, total, note)),
    )
    assert calls[-1][:2] == (300, 300)
    assert "steps/s" in calls[-1][2]
