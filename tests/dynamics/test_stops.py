"""Every way in which a run ends by itself, by injecting the fault."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from dynamics_systems import argon, gas, lennard_jones

from elyte._native import dynamics as native
from elyte.core.frame import Frame
from elyte.dynamics import (
    DecompositionWatch,
    HeatWatch,
    MDState,
    Moment,
    RunSettings,
    VoidWatch,
    VolumeWatch,
    simulate,
)

SETTINGS = RunSettings("NVT", 100.0, steps=300, timestep=4, frames_every=1)


@pytest.mark.parametrize(
    ("factor", "limits", "kind", "words"),
    [
        (np.nan, {}, "exploded", "not finite"),
        (np.inf, {}, "exploded", "not finite"),
        (1e5, {"max_force": 50.0, "max_energy_jump": 1e9}, "exploded", "eV/Å at atom"),
        (1.5, {"max_energy_jump": 0.02}, "exploded", "jumped"),
    ],
)
def test_a_potential_that_goes_wrong_ends_the_run_at_once(
    factor: float, limits: dict[str, float], kind: str, words: str
) -> None:
    broken = native.faulty(lennard_jones(), 101, factor)  # the first evaluation is of step 0
    result = simulate(argon(), broken, replace(SETTINGS, **limits), seed=1)
    assert result.outcome.kind == kind
    assert words in result.outcome.reason
    assert result.outcome.details["step"] == 101
    assert result.trajectory is not None
    assert len(result.trajectory) == 101
    assert np.isfinite(result.trajectory.positions).all()


def test_an_atom_that_flies_ends_the_run_even_without_limits() -> None:
    broken = native.faulty(lennard_jones(), 101, 1e200)
    settings = replace(SETTINGS, ensemble="NVE", max_force=np.inf, max_energy_jump=np.inf)
    result = simulate(argon(), broken, settings, seed=1)
    assert result.outcome.kind == "exploded"
    assert result.state.step == 0 or np.isfinite(result.state.velocities).all()


def test_after_an_explosion_the_state_is_the_last_that_was_good() -> None:
    broken = native.faulty(lennard_jones(), 701, np.nan)
    result = simulate(argon(), broken, replace(SETTINGS, steps=2000), seed=1)
    assert result.outcome.details["step"] == 701
    assert result.state.step == 600


def test_the_last_frames_before_an_explosion_are_kept() -> None:
    broken = native.faulty(lennard_jones(), 101, np.nan)
    result = simulate(argon(), broken, SETTINGS, seed=1)
    good = simulate(argon(), lennard_jones(), SETTINGS, seed=1)
    assert good.trajectory is not None
    assert [step for step, _ in result.last_frames] == list(range(0, 101, 10))
    for step, frame in result.last_frames:
        np.testing.assert_array_equal(frame.positions, good.trajectory.positions[step])
    assert np.isfinite(result.state.forces).all()  # the state is one that can be gone on from


def test_heat_beyond_the_limit_ends_the_run() -> None:
    settings = replace(SETTINGS, max_temperature=90.0)
    result = simulate(argon(rattle=0.0), lennard_jones(), settings, seed=1)
    assert result.outcome.kind == "too_hot"
    assert result.outcome.details["value"] > 90


def test_a_jump_of_the_volume_ends_the_run() -> None:
    settings = RunSettings("NPT", 300.0, 1e6, steps=500, barostat_time=5.0)
    result = simulate(gas(), native.ideal_gas(), settings)
    assert result.outcome.kind == "exploded"
    assert "volume" in result.outcome.reason


class Bonds:
    """Bonds that change at given calls."""

    def __init__(self, *changed: int) -> None:
        self.changed = changed
        self.calls = -1

    def changes(self, frame: Frame) -> list[str]:
        self.calls += 1
        return ["C1–O2 broken"] if self.calls in self.changed else []


def test_lasting_bond_changes_are_a_decomposition() -> None:
    watch = DecompositionWatch(Bonds(2, 4, 5), every=30)
    result = simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[watch])
    assert result.outcome.kind == "decomposed"
    assert result.outcome.details == {"changes": ["C1–O2 broken"], "step": 150}
    passing = DecompositionWatch(Bonds(2, 4, 6), every=30)
    assert simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[passing]).outcome.done


def test_a_runaway_over_the_running_mean_is_told() -> None:
    # Springs become 3000 times stiffer in mid-run: their energy heats everything.
    frame = gas(24, 30.0)
    positions = np.array(frame.positions)
    positions[1::2] = positions[::2] + [1.0, 0, 0]
    frame = frame.moved(positions)
    springs = native.faulty(native.springs(np.arange(24), 0.05, 1.0), 300, 1000.0)
    settings = RunSettings(
        "NVE", 100.0, steps=600, max_temperature=1e12, max_force=1e9, max_energy_jump=1e9
    )
    watch = HeatWatch(every=5)
    result = simulate(frame, springs, settings, seed=1, stop_rules=[watch])
    assert result.outcome.kind == "too_hot"
    assert 300 < result.outcome.details["step"] < 400
    calm = simulate(argon(), lennard_jones(), SETTINGS, stop_rules=[HeatWatch(every=5)])
    assert calm.outcome.done


@pytest.mark.parametrize("atoms", [3, 30, 300])
def test_what_a_few_atoms_reach_by_themselves_is_not_too_hot(atoms: int) -> None:
    """T N_f/T₀ follows χ² with N_f degrees of freedom: a lone molecule is hot now and then."""
    freedoms, target = 3 * (atoms - 1), 300.0
    rng = np.random.default_rng(atoms)
    watch = HeatWatch()
    frame = gas(atoms + atoms % 2, 30.0)
    frame = Frame(frame.numbers[:atoms], frame.positions[:atoms], frame.cell, True)
    zeros = np.zeros((atoms, 3))
    nothing = np.zeros((3, 3))
    state = MDState(frame, zeros, zeros, 0.0, nothing, 0, 0.0, np.zeros(0), np.zeros(6))
    for temperature in target * rng.chisquare(freedoms, 20_000) / freedoms:
        assert watch.check(Moment(state, float(temperature), target)) is None
    hot = [watch.check(Moment(state, 9.0 * target, target)) for _ in range(3)]
    assert hot[-1] is not None
    assert hot[-1].kind == "too_hot"


def test_a_hole_is_told() -> None:
    frame = argon(cells=4)
    centre = np.full(3, 11.0)
    far = np.linalg.norm(frame.positions - centre, axis=1) > 8.0
    hollow = Frame(frame.numbers[far], frame.positions[far], frame.cell, True)
    settings = replace(SETTINGS, temperature=10.0, steps=20)
    result = simulate(hollow, lennard_jones(), settings, stop_rules=[VoidWatch(every=10)])
    assert result.outcome.kind == "void"
    assert result.outcome.details["radius"] > 5.5
    full = simulate(frame, lennard_jones(), settings, stop_rules=[VoidWatch(every=10)])
    assert full.outcome.done


@pytest.mark.parametrize(
    ("pressure", "kind"), [(1e4, "collapsed"), (1.0, "expanded")], ids=["squeezed", "let go"]
)
def test_a_volume_out_of_bounds_is_told(pressure: float, kind: str) -> None:
    frame = gas(64, 25.0)  # at 300 K its pressure is 170 bar
    settings = RunSettings(
        "NPT", 300.0, pressure, steps=50_000, compressibility=5e-3, barostat_time=1000
    )
    rule = VolumeWatch(0.8 * frame.volume, 1.25 * frame.volume)
    result = simulate(frame, native.ideal_gas(), settings, stop_rules=[rule])
    assert result.outcome.kind == kind
