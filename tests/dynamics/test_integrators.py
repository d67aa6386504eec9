"""The native loop: order, reversibility, conserved quantities, sampled distributions."""

from __future__ import annotations

import numpy as np
import pytest
from dynamics_systems import argon, gas, lennard_jones
from scipy import stats

from elyte._native import dynamics as native
from elyte.core.frame import Frame
from elyte.core.units import BAR, BOLTZMANN, MASS_VELOCITY2_TO_EV
from elyte.dynamics import RunSettings, maxwell_boltzmann, simulate

KT = BOLTZMANN * 300.0


@pytest.mark.parametrize(
    ("ensemble", "thermostat", "barostat"),
    [("NVE", "bussi", "scr"), ("NVT", "nose-hoover", "scr"), ("NPT", "nose-hoover", "mtk")],
)
def test_conserved_quantity_fluctuates_with_the_square_of_the_time_step(
    ensemble: str, thermostat: str, barostat: str
) -> None:
    spreads = []
    for timestep in (8.0, 4.0):
        settings = RunSettings(
            ensemble,
            60.0,
            100.0,
            steps=round(2400 / timestep),
            timestep=timestep,
            thermostat=thermostat,
            barostat=barostat,
            thermostat_time=100,
            barostat_time=400,
            series_every=round(16 / timestep),
        )
        conserved = simulate(argon(), lennard_jones(), settings, seed=2).series["conserved"]
        spreads.append(np.std(conserved))
    assert 3.2 < spreads[0] / spreads[1] < 4.8


def test_constant_energy_runs_backwards_to_where_they_came_from() -> None:
    frame = argon()
    settings = RunSettings("NVE", 80.0, steps=300, timestep=4)
    forth = simulate(frame, lennard_jones(), settings, seed=1).state
    back = simulate(forth.frame, lennard_jones(), settings, velocities=-forth.velocities)
    np.testing.assert_allclose(back.state.frame.positions, frame.positions, atol=1e-8)


def test_constant_energy_does_not_drift() -> None:
    settings = RunSettings("NVE", 80.0, steps=20_000, timestep=4, series_every=20)
    series = simulate(argon(), lennard_jones(), settings, seed=1).series
    slope = stats.linregress(series["time"], series["conserved"]).slope
    per_atom_and_ns = slope / 32 * 1e6 / 0.0433641  # kcal/mol
    assert abs(per_atom_and_ns) < 0.002


def test_one_step_of_velocity_verlet_against_its_equations() -> None:
    frame, dt = gas(3), 0.7
    v = maxwell_boltzmann(frame, 300.0, 3)
    centres, k = frame.positions + 0.1, 2.0
    a0 = -k * (frame.positions - centres) / (frame.masses[:, None] * MASS_VELOCITY2_TO_EV)
    x1 = frame.positions + v * dt + 0.5 * a0 * dt**2
    a1 = -k * (x1 - centres) / (frame.masses[:, None] * MASS_VELOCITY2_TO_EV)
    v1 = v + 0.5 * (a0 + a1) * dt
    settings = RunSettings("NVE", 300.0, steps=1, timestep=dt, free_momentum=True)
    wells = native.harmonic_wells(centres, k)
    state = simulate(frame, wells, settings, velocities=v).state
    np.testing.assert_allclose(state.frame.positions, x1, rtol=1e-12)
    np.testing.assert_allclose(state.velocities, v1, rtol=1e-10)


@pytest.mark.parametrize("thermostat", ["bussi", "nose-hoover", "langevin"])
def test_kinetic_energy_of_a_liquid_is_gamma_distributed(thermostat: str) -> None:
    # K/kT ~ Gamma(g/2); mean g/2 and variance g/2 therefore.
    settings = RunSettings(
        "NVT",
        150.0,
        steps=60_000,
        timestep=5,
        thermostat=thermostat,
        thermostat_time=60,
        series_every=50,
    )
    frame = argon(lattice=6.0)
    result = simulate(frame, lennard_jones(), settings, seed=4)
    dof = settings.degrees_of_freedom(frame)
    assert dof == (96 if thermostat == "langevin" else 93)
    reduced = result.series["kinetic"][40:] / (BOLTZMANN * 150.0)
    assert stats.kstest(reduced, stats.gamma(dof / 2).cdf).pvalue > 1e-3
    assert np.mean(reduced) / (dof / 2) == pytest.approx(1.0, abs=0.015)
    assert np.var(reduced) / (dof / 2) == pytest.approx(1.0, abs=0.2)
    assert np.mean(result.series["temperature"]) == pytest.approx(150.0, rel=0.015)


@pytest.mark.parametrize("thermostat", ["bussi", "langevin"])
def test_every_species_has_the_same_temperature(thermostat: str) -> None:
    frame = argon(lattice=6.0)
    numbers = np.where(np.arange(32) % 2, 54, 10)  # xenon and neon
    frame = Frame(numbers, frame.positions, frame.cell, frame.pbc)
    settings = RunSettings(
        "NVT",
        150.0,
        steps=60_000,
        timestep=3,
        thermostat=thermostat,
        frames_every=60,
        velocities=True,
    )
    trajectory = simulate(frame, lennard_jones(), settings, seed=4).trajectory
    assert trajectory is not None
    assert trajectory.velocities is not None
    energy = MASS_VELOCITY2_TO_EV * frame.masses[:, None] * trajectory.velocities[20:] ** 2
    for number in (10, 54):
        mine = numbers == number
        temperature = energy[:, mine].mean() / BOLTZMANN
        # Without a total momentum ⟨m v²⟩ = kT (1 − m/M): 5 % less for a xenon atom here.
        share = 0.0 if thermostat == "langevin" else frame.masses[mine][0] / frame.masses.sum()
        assert temperature == pytest.approx(150.0 * (1 - share), rel=0.015)


@pytest.mark.parametrize("thermostat", ["bussi", "langevin"])
def test_positions_are_sampled_well_at_a_long_time_step(thermostat: str) -> None:
    # ω dt = 0.9: with the thermostat in the middle, ⟨U⟩ = 3N kT/2 all the same.
    frame = Frame(np.full(8, 6), np.zeros((8, 3)), np.eye(3) * 10, True)
    stiffness = 0.81 * 12.011 * MASS_VELOCITY2_TO_EV
    settings = RunSettings(
        "NVT",
        300.0,
        steps=400_000,
        timestep=1,
        thermostat=thermostat,
        thermostat_time=10,
        free_momentum=True,
        series_every=20,
    )
    wells = native.harmonic_wells(np.zeros((8, 3)), stiffness)
    series = simulate(frame, wells, settings, seed=1).series
    assert np.mean(series["potential"]) == pytest.approx(12 * KT, rel=0.015)
    assert np.mean(series["temperature"]) == pytest.approx(300.0, rel=0.015)
    # … while the kinetic energy at the step is known to be too low by ω²dt²/4:
    assert np.mean(series["kinetic"]) == pytest.approx(12 * KT * (1 - 0.81 / 4), rel=0.02)


def test_stiff_molecules_have_the_pressure_of_a_gas_of_molecules() -> None:
    # Dimers that do not interact: P V = molecules × kT,
    # however stiff the bond is against the time step (ω dt = 1 here).
    rng = np.random.default_rng(1)
    centres = rng.uniform(0, 30, (12, 1, 3))
    bonds = rng.normal(size=(12, 1, 3))
    bonds *= 1.2 / np.linalg.norm(bonds, axis=2, keepdims=True)
    positions = (centres + np.concatenate([-bonds / 2, bonds / 2], axis=1)).reshape(-1, 3)
    frame = Frame(np.full(24, 6), positions, np.eye(3) * 30, True)
    reduced_mass = 12.011 / 2 * MASS_VELOCITY2_TO_EV
    springs = native.springs(np.arange(24), 1.0 * reduced_mass, 1.2)
    # the bonds swing once in six steps: rows further apart would not average over that
    settings = RunSettings(
        "NVT", 300.0, steps=400_000, thermostat="langevin", thermostat_time=20, series_every=2
    )
    series = simulate(frame, springs, settings, seed=3).series
    ratio = series["pressure_bar"].mean() * BAR * frame.volume / KT
    assert ratio == pytest.approx(12, rel=0.02)
    # With the kinetic energy of the step instead it would be 1 kT less.
    missing = (0.5 * 72 * KT - series["kinetic"].mean()) * 2 / (3 * KT)
    assert missing == pytest.approx(1.0, rel=0.15)


PRESSURE = 5000.0


@pytest.mark.parametrize(
    ("thermostat", "barostat"),
    [
        ("bussi", "scr"),
        ("langevin", "scr"),
        ("nose-hoover", "scr"),
        ("bussi", "mtk"),
        ("langevin", "mtk"),
        ("nose-hoover", "mtk"),
    ],
)
def test_volume_of_an_ideal_gas_is_gamma_distributed(thermostat: str, barostat: str) -> None:
    # p(V) ∝ V^N exp(−PV/kT) for N free atoms. Without a total momentum one atom's worth of
    # momentum space, V^(−1), is missing: p(V) ∝ V^(N−1) exp(−PV/kT) = Gamma(N, kT/P).
    n = 8
    shape = n + 1 if thermostat == "langevin" else n
    settings = RunSettings(
        "NPT",
        300.0,
        PRESSURE,
        steps=800_000,
        thermostat=thermostat,
        thermostat_time=20,
        barostat=barostat,
        barostat_time=30 if barostat == "mtk" else 200,
        compressibility=1 / PRESSURE,
        series_every=400,
        max_temperature=1e9,
        max_volume_change=1,
    )
    edge = (n * KT / (PRESSURE * BAR)) ** (1 / 3)
    result = simulate(gas(n, edge), native.ideal_gas(), settings, seed=3)
    assert result.outcome.done
    reduced = result.series["volume"][10:] * PRESSURE * BAR / KT
    assert reduced.mean() == pytest.approx(shape, rel=0.03)
    assert reduced.var() == pytest.approx(shape, rel=0.15)
    assert stats.kstest(reduced, stats.gamma(shape).cdf).pvalue > 1e-3
    assert result.series["pressure_bar"].mean() == pytest.approx(PRESSURE, rel=0.05)


@pytest.mark.parametrize("barostat", ["scr", "mtk"])
def test_both_barostats_find_the_same_density_and_pressure(barostat: str) -> None:
    settings = RunSettings(
        "NPT",
        100.0,
        300.0,
        steps=24_000,
        timestep=5,
        barostat=barostat,
        barostat_time=500,
        compressibility=2e-4,
        series_every=20,
    )
    series = simulate(argon(lattice=5.6), lennard_jones(), settings, seed=5).series
    late = slice(len(series["volume"]) // 5, None)
    assert series["pressure_bar"][late].mean() == pytest.approx(300.0, abs=40)
    assert series["volume"][late].mean() / 32 == pytest.approx(DENSE, rel=0.02)


DENSE = 52.7  # Å³ per atom, the mean of long runs with either barostat


def test_volume_changes_leave_the_centre_of_mass_alone() -> None:
    settings = RunSettings("NPT", 100.0, 5000.0, steps=500, timestep=4, barostat_time=200)
    frame = argon()
    frame = frame.moved(frame.positions + [1000.0, 0, 0])
    state = simulate(frame, lennard_jones(), settings).state
    masses = frame.masses[:, None]
    drift = (masses * (state.frame.positions - frame.positions)).sum(axis=0) / masses.sum()
    assert np.abs(drift).max() < 1e-9
    assert abs(state.frame.volume / frame.volume - 1) > 0.01


def test_total_momentum_stays_zero() -> None:
    for thermostat in ("bussi", "nose-hoover"):
        settings = RunSettings("NPT", 100.0, steps=2000, timestep=4, thermostat=thermostat)
        state = simulate(argon(), lennard_jones(), settings).state
        momentum = (state.velocities * argon().masses[:, None]).sum(axis=0)
        assert np.abs(momentum).max() < 1e-10


def test_random_numbers_have_their_distributions() -> None:
    normal = np.array(native.random_numbers(1, "normal", 50_000))
    assert stats.kstest(normal, "norm").pvalue > 1e-3
    assert abs(np.corrcoef(normal[1:], normal[:-1])[0, 1]) < 0.02
    uniform = np.array(native.random_numbers(2, "uniform", 50_000))
    assert stats.kstest(uniform, "uniform").pvalue > 1e-3
    for shape in (0.5, 1.0, 46.0):
        gamma = np.array(native.random_numbers(3, "gamma", 50_000, shape))
        assert stats.kstest(gamma, stats.gamma(shape).cdf).pvalue > 1e-3


def test_normal_numbers_are_normal_in_every_layer_and_beyond() -> None:
    """Bins of 1/1000 of all, and the tail, which is drawn in another way."""
    normal = np.array(native.random_numbers(4, "normal", 1_000_000))
    counts = np.histogram(stats.norm.cdf(normal), np.linspace(0, 1, 1001))[0]
    assert stats.chisquare(counts).pvalue > 1e-3
    begin = 3.6541528853610088
    tail = normal[np.abs(normal) > begin]
    expected = 2e6 * stats.norm.sf(begin)
    assert abs(len(tail) - expected) < 4 * np.sqrt(expected)
    assert stats.kstest(stats.norm.sf(np.abs(tail)) / stats.norm.sf(begin), "uniform").pvalue > 1e-3
    assert abs(np.sign(tail).sum()) < 4 * np.sqrt(len(tail))
    for power, value in ((2, 1.0), (4, 3.0), (6, 15.0)):
        moments = normal**power
        assert abs(moments.mean() - value) < 4 * moments.std() / 1000
    squares = normal**2 - 1
    assert abs((squares[1:] * squares[:-1]).mean()) < 4 * 2 / 1000
