"""The whole analysis on an electrolyte made of random walkers, and on bad input."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import shared_data
from elyte.analysis import SystemDescription, analyse, describe, unwrap
from elyte.analysis.loading import load
from elyte.analysis.observation import observe, time_problem
from elyte.analysis.thermo.density import density
from elyte.core.errors import InputError, UnknownSpecies
from elyte.core.frame import Frame
from elyte.core.quantity import Quantity
from elyte.core.trajectory import Trajectory
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import autoregressive

WATER = np.array([[0.0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]])
IONS, WATERS, LENGTH = 8, 30, 25.0


def electrolyte(
    frames: int = 400, seed: int = 0, velocities: bool = False
) -> tuple[Trajectory, SystemDescription]:
    rng = np.random.default_rng(seed)
    n = 2 * IONS + WATERS
    steps = rng.normal(size=(frames, n, 3)) * 0.4
    centres = np.cumsum(steps, axis=0) + rng.random((n, 3)) * LENGTH
    water = centres[:, 2 * IONS :, None] + WATER
    positions = np.concatenate([centres[:, : 2 * IONS], water.reshape(frames, -1, 3)], axis=1)
    numbers = np.array([3] * IONS + [17] * IONS + [8, 1, 1] * WATERS)
    molecules = np.r_[np.arange(2 * IONS), 2 * IONS + np.repeat(np.arange(WATERS), 3)]
    trajectory = Trajectory(
        numbers,
        positions,
        np.broadcast_to(np.eye(3) * LENGTH, (frames, 3, 3)),
        100.0 * np.arange(frames),
        rng.normal(size=positions.shape) if velocities else None,
        molecules,
    )
    return trajectory, SystemDescription.from_molecules(numbers, molecules)


def test_species_are_named_with_their_charges() -> None:
    _, system = electrolyte(2)
    assert [(g.name, g.charge) for g in system.species] == [
        ("Li+", 1.0), ("Cl-", -1.0), ("water", 0.0)
    ]  # fmt: skip
    assert system.total_charge == 0
    with pytest.raises(UnknownSpecies, match=r"did you mean 'water'"):
        system["watr"]
    with pytest.raises(UnknownSpecies, match="Na"):
        SystemDescription.from_molecules([3], [0], charges={"Na+": 1.0})
    with pytest.raises(InputError, match="molecule indices"):
        SystemDescription.from_molecules([3, 3], [0])


def test_everything_of_independent_walkers() -> None:
    runs = [electrolyte(400, seed)[0] for seed in range(3)]
    result = analyse(runs, electrolyte(2)[1], temperature=300.0)
    exact = 0.16 / (2 * 100) * 1e-5
    for species in ("Li+", "Cl-", "water"):
        d = result.find("self-diffusion coefficient", species)
        assert d.value == pytest.approx(exact, abs=4 * d.error)
        assert d.temperature == 300.0
    sigma, free = result.find("ionic conductivity"), result.find("Nernst–Einstein conductivity")
    assert sigma.value == pytest.approx(free.value, abs=4 * sigma.error)
    assert result.find("ionicity").value == pytest.approx(sigma.value / free.value)
    assert result.find("density").error == 0
    parts = [q for q in result.quantities if q.name.startswith("Onsager")]
    assert [q.species for q in parts] == ["Li+, Li+", "Li+, Cl-", "Cl-, Cl-"]
    whole = parts[0].value + 2 * parts[1].value + parts[2].value
    assert whole == pytest.approx(sigma.value)
    groups = {c.group for c in result.curves}
    assert {"rdf", "coordination", "msd", "collective-msd"} <= groups
    assert not result.warnings
    with pytest.raises(InputError, match="no quantity"):
        result.find("viscosity")


def test_drift_of_the_whole_box_does_not_count() -> None:
    trajectory, system = electrolyte(300)
    drift = 2.0 * np.arange(300)[:, None, None] * np.ones(3)
    moved = replace(trajectory, positions=trajectory.positions + drift)
    one, two = (analyse(t, system, 300.0) for t in (trajectory, moved))
    for a, b in zip(one.quantities, two.quantities, strict=True):
        assert a.withheld == b.withheld
        if not a.withheld:
            assert a.value == pytest.approx(b.value, rel=1e-6, abs=1e-12)


def test_solvent_frame_and_unknown_frame() -> None:
    trajectory, system = electrolyte(300)
    result = analyse(trajectory, system, 300.0, frame="solvent")
    assert "solvent frame" in result.find("transference number", "Li+").method
    with pytest.raises(InputError, match="frame"):
        analyse(trajectory, system, 300.0, frame="laboratory")  # type: ignore[arg-type]


def test_currents_of_their_own() -> None:
    trajectory, system = electrolyte(300)
    current = autoregressive(np.random.default_rng(1), 5000, 0.8, (3,)) * 0.01
    result = analyse(trajectory, system, 300.0, currents=[current], current_timestep=2.0)
    methods = [q.method for q in result.quantities if q.name == "ionic conductivity"]
    assert len(methods) == 2
    assert any("Green–Kubo" in m for m in methods)
    with pytest.raises(InputError, match="time step"):
        analyse(trajectory, system, 300.0, currents=[current])


def test_density_and_compressibility_of_a_fluctuating_box() -> None:
    trajectory, system = electrolyte(600)
    volume = LENGTH**3 * (1 + 0.01 * autoregressive(np.random.default_rng(2), 600, 0.7))
    cells = np.cbrt(volume)[:, None, None] * np.eye(3)
    result = analyse(replace(trajectory, cells=cells), system, 300.0)
    rho = result.find("density")
    mass = system.masses.sum() * 1.66053906660
    assert rho.value == pytest.approx(mass / LENGTH**3, rel=0.005)
    assert 0 < rho.error < 0.01 * rho.value
    beta = result.find("isothermal compressibility")
    exact = 1e-4 * LENGTH**3 / (8.617333262e-5 * 300.0) * 0.006241509
    assert beta.value == pytest.approx(exact, rel=0.3)


def test_coverage_of_the_density_after_a_transient() -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        start = 0.2 * np.exp(-np.arange(500) / 20)
        return density([1.2 + start + 0.02 * autoregressive(rng, 500, 0.8)])

    found = coverage(draw, 1.2, runs=400)
    assert 0.62 < found.inside_68 < 0.74
    assert 0.91 < found.inside_95 < 0.98


@pytest.mark.parametrize(
    ("times", "words"),
    [
        (np.zeros(6), "same time"),
        (np.array([0.0, 1, 2, 2, 3, 4]), "out of order or repeated: frame 3"),
        (np.array([0.0, 1, 2, 4, 5, 6]), "unequal"),
        (np.full(6, np.nan), "no time step"),
    ],
)
def test_times_that_say_nothing_withhold_dynamics(times: np.ndarray, words: str) -> None:
    trajectory, system = electrolyte(6)
    result = analyse(replace(trajectory, times=times), system, 300.0)
    for name, species in (("self-diffusion coefficient", "Li+"), ("ionic conductivity", "")):
        assert words in result.find(name, species).withheld
    assert words in result.warnings[0]
    assert any(c.group == "rdf" for c in result.curves)


def test_identical_velocities_and_positions_are_noticed() -> None:
    trajectory, _ = electrolyte(8, velocities=True)
    assert time_problem(trajectory) == ""
    assert trajectory.velocities is not None
    same = np.broadcast_to(trajectory.velocities[:1], trajectory.velocities.shape)
    assert "same velocities" in time_problem(replace(trajectory, velocities=same))
    still = np.broadcast_to(trajectory.positions[:1], trajectory.positions.shape)
    assert "same positions" in time_problem(replace(trajectory, positions=still))


def test_bad_input_is_refused() -> None:
    trajectory, system = electrolyte(4)
    with pytest.raises(InputError, match="no trajectory"):
        analyse([], system)
    with pytest.raises(InputError, match="other atoms"):
        analyse(replace(trajectory, numbers=trajectory.numbers[::-1]), system)
    with pytest.raises(InputError, match="periodic box"):
        analyse(replace(trajectory, pbc=np.zeros(3, bool)), system)


def test_unknown_temperature_and_charged_box_withhold_conductivity() -> None:
    trajectory, system = electrolyte(60)
    assert "temperature" in analyse(trajectory, system).find("ionic conductivity").withheld
    charged = SystemDescription.from_molecules(
        system.numbers, system.molecules, charges={"Li+": 0.8}
    )
    result = analyse(trajectory, charged, 300.0)
    assert "-1.6 e" in result.find("ionic conductivity").withheld
    assert any("add up" in w for w in result.warnings)


def test_molecules_cut_by_the_box_are_made_whole() -> None:
    trajectory, system = electrolyte(5)
    fractional = trajectory.positions / LENGTH
    wrapped = trajectory.positions - np.floor(fractional[:1]) * LENGTH  # each atom for itself
    assert not np.allclose(wrapped, trajectory.positions)
    for bonds in (None, describe(trajectory[0]).bonds):
        found = observe(replace(trajectory, positions=wrapped), replace(system, bonds=bonds))
        oxygen = found.positions[:, system["water"].sites["O"]]
        distance = np.linalg.norm(found.centres[:, system["water"].molecules] - oxygen, axis=-1)
        assert distance.max() < 0.2


@given(seed=st.integers(0, 100))
def test_unwrapping_a_barostatted_walk(seed: int) -> None:
    """A walk whose box breathes: steps come back as they were made."""
    rng = np.random.default_rng(seed)
    scale = 1 + 0.05 * autoregressive(rng, 200, 0.9)
    cells = scale[:, None, None] * np.array([[9.0, 0, 0], [2, 8, 0], [-1, 2, 10]])
    steps = rng.normal(size=(200, 5, 3)) * 0.3
    wrapped = np.empty((200, 5, 3))
    wrapped[0] = rng.random((5, 3)) @ cells[0]
    for t in range(1, 200):  # the step is taken in the new box, then wrapped there
        moved = (wrapped[t - 1] + steps[t]) @ np.linalg.inv(cells[t])
        wrapped[t] = (moved - np.floor(moved)) @ cells[t]
    walk = unwrap(wrapped, cells)
    made, found = steps[1:], np.diff(walk, axis=0)  # the box carries all particles along alike
    alike = (made - made.mean(axis=1, keepdims=True), found - found.mean(axis=1, keepdims=True))
    np.testing.assert_allclose(*alike, atol=1e-9)


def test_a_walk_too_coarse_to_unwrap_is_refused() -> None:
    wrapped = np.random.default_rng(0).random((5, 50, 3)) * 10
    with pytest.raises(InputError, match="half the box"):
        unwrap(wrapped, np.eye(3) * 10)


def test_frames_with_one_time_and_one_velocity_are_refused_for_dynamics() -> None:
    pytest.importorskip("MDAnalysis")
    folder = shared_data("trajectories/bad_ec")
    trajectory = load(folder / "trajectory.trr", folder / "topology.pdb")
    assert "same time" in time_problem(trajectory)
    timed = load(folder / "trajectory.trr", folder / "topology.pdb", timestep=100.0)
    assert "same velocities" in time_problem(timed)
    system = describe(timed[0])
    result = analyse(timed, system, 300.0)
    assert all("same velocities" in q.withheld for q in result.quantities if "diffusion" in q.name)
    assert any(c.group for c in result.curves)


def test_sites_are_told_apart_by_bonds() -> None:
    # Formaldehyde and dimethyl ether, far from each other.
    numbers = [6, 8, 1, 1, 8, 6, 6, 1, 1, 1, 1, 1, 1]
    positions = [
        [0, 0, 0], [0, 0, 1.21], [0.94, 0, -0.54], [-0.94, 0, -0.54],
        [10, 0, 0.6], [11.17, 0, -0.2], [8.83, 0, -0.2],
        [11.2, 0.89, -0.84], [11.2, -0.89, -0.84], [12.04, 0, 0.46],
        [8.8, 0.89, -0.84], [8.8, -0.89, -0.84], [7.96, 0, 0.46],
    ]  # fmt: skip
    frame = Frame(numbers, np.array(positions) + 5, np.eye(3) * 25, True)  # type: ignore[arg-type]
    system = describe(frame, names={"CH2O": "formaldehyde"})
    assert list(system["formaldehyde"].sites["carbonyl O"]) == [1]
    assert list(system["C2H6O"].sites["ether O"]) == [4]
