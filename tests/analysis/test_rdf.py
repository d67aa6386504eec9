"""Radial distributions: ideal gas, crystals, other programs, errors, shells."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from elyte.analysis.intervals import ONE_SIGMA, t_factor
from elyte.analysis.pairs import distance_histogram
from elyte.analysis.structure.rdf import coordination_at, radial_distribution, rdf_curves
from elyte.analysis.structure.shell import first_shell
from elyte.analysis.structure.surroundings import scatter, surroundings, widened
from elyte.core.errors import InputError
from elyte.testing.synthetic import brownian, ideal_gas

TRICLINIC = np.array([[16.0, 0.0, 0.0], [3.0, 15.0, 0.0], [-2.0, 4.0, 17.0]])


def test_ideal_gas_is_one_in_any_cell_within_its_errors() -> None:
    gas = ideal_gas(np.random.default_rng(0), 400, 100, TRICLINIC)
    rdf = radial_distribution(gas, None, np.broadcast_to(TRICLINIC, (400, 3, 3)), bins=30)
    assert rdf.g_error is not None
    far = rdf.r > 2
    np.testing.assert_allclose(rdf.g[far], 1.0, atol=0.03)
    deviations = ((rdf.g - 1) / rdf.g_error)[far]
    assert 0.6 < deviations.std() < 1.8
    assert rdf.density == pytest.approx(99 / np.linalg.det(TRICLINIC))
    volume = 4 / 3 * np.pi * rdf.edges[-1] ** 3
    assert rdf.coordination[-1] == pytest.approx(rdf.density * volume, rel=0.02)
    assert first_shell(rdf.r, rdf.g, rdf.g_error).reason


def slow_gas(rng: np.random.Generator, frames: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Walkers that keep their neighbours for a third of the run, in a box of 20 Å."""
    start = rng.random((2, 1, 15, 3)) * 20
    a, b = (s + brownian(rng, frames, 15, 0.5) for s in start)
    return a, b


def test_the_error_holds_for_a_run_as_long_as_its_structure() -> None:
    values, errors = [], []
    for rng in np.random.default_rng(7).spawn(80):
        a, b = slow_gas(rng)
        rdf = radial_distribution(a, b, 20 * np.eye(3), 8.0, 8)
        assert rdf.g_error is not None
        values.append(rdf.g[3:])
        errors.append(rdf.g_error[3:])
    spread = np.std(values, axis=0) / np.mean(errors, axis=0)
    assert (spread > 0.75).all()
    assert (spread < 1.3).all()  # 2 from blocks of frames alone


@pytest.mark.parametrize("runs", [1, 4])
@pytest.mark.parametrize("same", [True, False])
def test_sets_of_particles_tell_the_error(same: bool, runs: int) -> None:
    """Frames that never change: only other particles, or other runs, differ."""
    volume, reach = 15.0**3, 7.0
    variances, means = [], []
    for rng in np.random.default_rng(8).spawn(150):
        histograms = []
        for _ in range(runs):
            a, b = rng.random((2, 1, 24, 3)) * 15
            of = surroundings(24, runs, 2)
            cells = np.eye(3)[None] * 15
            for _frame in range(2):
                of.add(a, None if same else b, cells, np.array([volume]), reach)
            histograms.append(of)
        found = scatter(histograms, same)
        assert found is not None
        assert found.sets == sum(len(h.members) for h in histograms)
        variances.append(found.by_volume**2)
        means.append(
            np.mean([h.weighted.sum(axis=0) / (24 * h.frames) for h in histograms], axis=0)
        )
    ratio = np.var(means, axis=0) / np.mean(variances, axis=0)
    np.testing.assert_allclose(ratio, 1.0, atol=0.4)


def test_few_particles_and_large_runs_keep_the_error_of_blocks() -> None:
    assert scatter([surroundings(3, 1, 4)], False) is None
    assert scatter([], True) is None
    far = np.r_[np.random.default_rng(0).uniform(0, 1e6, 40), np.zeros(200)]
    assert np.isfinite(widened(np.ones(240), far, 12, (7,))).all()  # nor a warning
    np.testing.assert_array_equal(widened(np.array([0.0, 2.0]), np.array([5.0, 1.0]), 12), [0, 2])
    further = widened(np.ones(2), np.array([1.2, 3.0]), 12)
    np.testing.assert_allclose(further, [1.0, 3 * t_factor(ONE_SIGMA, 11)])  # 1.2² may be chance
    together_sure = widened(np.full(9, 1.0), np.full(9, 1.2), 12, (9,))
    assert (together_sure > 1.2).all()
    together = surroundings(6, 1, 4, (np.array([0, 0, 1, 1, 2, 2]), np.zeros(6)))
    assert [m.tolist() for m in together.members] == [[0, 1], [2, 3], [4, 5]]


@pytest.mark.parametrize("same", [True, False])
def test_sets_of_particles_add_up_to_all(same: bool) -> None:
    """Histograms are counted once, set by set; without sets the result is the same."""
    rng = np.random.default_rng(11)
    scales = rng.uniform(0.9, 1.1, 40)
    cells = scales[:, None, None] * (np.eye(3) * 14)
    a, b = (rng.random((40, 30, 3)) @ cells for _ in range(2))
    other = None if same else b
    whole = radial_distribution(a, other, cells, 6.0, 12)
    found = distance_histogram(a, other, cells, 6.0, 12, np.arange(40))
    volume = np.linalg.det(cells)
    pairs = 30 * 29 if same else 900
    shells = pairs * 4 / 3 * np.pi * np.diff(np.linspace(0, 6, 13) ** 3)
    np.testing.assert_allclose(whole.g, (found * volume[:, None]).mean(axis=0) / shells)
    np.testing.assert_allclose(whole.coordination, np.cumsum(found.mean(axis=0)) / 30)


def test_fluctuating_box_of_an_ideal_gas() -> None:
    rng = np.random.default_rng(1)
    scales = rng.uniform(0.8, 1.2, 300)
    cells = scales[:, None, None] * (np.eye(3) * 15)
    gas = rng.random((300, 200, 3)) @ cells
    rdf = radial_distribution(gas, None, cells, 5.5, 11)
    np.testing.assert_allclose(rdf.g[3:], 1.0, atol=0.03)  # V·n, not ⟨V⟩·⟨n⟩


def test_simple_cubic_crystal_has_six_neighbours() -> None:
    grid = np.stack(np.meshgrid(*[np.arange(6) * 3.0] * 3, indexing="ij"), -1).reshape(1, -1, 3)
    cell = np.eye(3)[None] * 18
    rdf = radial_distribution(grid + 0.1, None, cell, 8.0, 400)
    for radius, count in ((3.5, 6), (4.5, 18), (5.5, 26)):
        assert coordination_at(rdf, radius) == pytest.approx(count)
    assert rdf.g_error is None  # one frame has no scatter


def test_equal_to_mdanalysis() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mda = pytest.importorskip("MDAnalysis")
        rdf_module = pytest.importorskip("MDAnalysis.analysis.rdf")
        rng = np.random.default_rng(2)
        positions = (rng.random((5, 300, 3)) * 20).astype(np.float32)
        universe = mda.Universe.empty(300, trajectory=True)
        universe.load_new(positions, dimensions=np.array([20.0, 20, 20, 90, 90, 90]))
        theirs = rdf_module.InterRDF(
            universe.atoms[:100], universe.atoms[100:], nbins=50, range=(0.0, 9.0)
        ).run()
    cells = np.broadcast_to(np.eye(3) * 20, (5, 3, 3))
    ours = radial_distribution(positions[:, :100], positions[:, 100:], cells, 9.0, 50)
    np.testing.assert_allclose(ours.r, theirs.results.bins, atol=1e-6)
    # Their positions are in single precision: a pair on an edge may change its bin.
    assert np.abs(ours.g - theirs.results.rdf).max() < 0.02
    np.testing.assert_allclose(ours.g[10:], theirs.results.rdf[10:], rtol=2e-3)


def test_runs_are_averaged_and_molecules_left_out() -> None:
    rng = np.random.default_rng(3)
    a, b = ideal_gas(rng, 4, 30, TRICLINIC), ideal_gas(rng, 8, 30, TRICLINIC)
    cells = [np.broadcast_to(TRICLINIC, (n, 3, 3)) for n in (4, 8)]
    one = radial_distribution([a, b], None, cells, 6.0, 12)
    joined = radial_distribution(np.concatenate([a, b]), None, np.concatenate(cells), 6.0, 12)
    np.testing.assert_allclose(one.g, joined.g)
    molecules = np.repeat(np.arange(15), 2)
    apart = radial_distribution(a, None, cells[0], 6.0, 12, (molecules, molecules))
    assert apart.density == pytest.approx(28 / np.linalg.det(TRICLINIC))


def test_no_pairs_and_no_box_are_refused() -> None:
    one = np.zeros((2, 1, 3))
    with pytest.raises(InputError, match="pair"):
        radial_distribution(one, None, np.broadcast_to(np.eye(3) * 9, (2, 3, 3)))
    with pytest.raises(InputError, match="periodic box"):
        radial_distribution(one, one, np.zeros((2, 3, 3)), 3.0)


R = np.arange(0.02, 10, 0.04)


def peak(at: float, height: float, width: float) -> np.ndarray:
    return height * np.exp(-0.5 * ((R - at) / width) ** 2)


def test_minimum_between_two_shells() -> None:
    g = peak(2.0, 12, 0.12) + peak(4.5, 1.8, 0.5) + 1 / (1 + np.exp(-4 * (R - 5)))
    shell = first_shell(R, g)
    assert shell.peak == pytest.approx(2.0, abs=0.05)
    assert 2.4 < shell.minimum < 3.4


def test_noise_does_not_move_the_minimum_much() -> None:
    g = peak(2.0, 12, 0.12) + 0.1 + 1 / (1 + np.exp(-3 * (R - 4.2)))
    clean = first_shell(R, g).minimum
    rng = np.random.default_rng(4)
    error = 0.1 + 0.1 * g
    found = [first_shell(R, np.abs(g + error * rng.normal(size=len(R))), error) for _ in range(30)]
    assert all(not s.reason for s in found)
    assert np.median([abs(s.minimum - clean) for s in found]) < 0.35


def test_a_flat_basin_is_found_whole_in_counts_of_few_frames() -> None:
    """Where hardly anything is between two shells, a bump of one count does not end the basin."""
    g = peak(2.1, 60, 0.11) + peak(2.4, 3, 0.2) + 0.1 + 0.9 / (1 + np.exp(-4 * (R - 4.9)))
    counted = np.where(R > 1.5, g * R**2, 0.0)  # about one count in a bin of the basin
    rng = np.random.default_rng(6)
    found = []
    for _ in range(100):
        counts = rng.poisson(counted)
        noisy, error = counts / R**2, np.sqrt(counts) / R**2
        found.append(first_shell(R, noisy, error).minimum)
    away = np.array(found) - first_shell(R, g).minimum
    assert np.sqrt(np.mean(away**2)) < 0.235
    assert np.abs(away).max() < 0.6


def test_of_two_minima_alike_the_one_within_reach_ends_the_shell() -> None:
    """Carbonyl O around six Li of a liquid: g has 0.6 at 3.7 and at 4.9 Å, a hump between."""
    places = [1.6, 1.87, 2.1, 2.3, 2.6, 3.0, 3.4, 3.7, 4.3, 4.9, 5.5, 6.0, 10.0]
    heights = [0.0, 19.0, 7.0, 2.8, 1.5, 1.2, 0.8, 0.6, 0.76, 0.6, 0.87, 1.04, 1.0]
    g = np.interp(R, places, heights)
    error = np.where((R > 3) & (R < 4.7), 0.1, 0.04)
    assert first_shell(R, g, error).minimum > 4.5
    assert 3.4 < first_shell(R, g, error, reach=4.5).minimum < 4.1
    far = peak(5.0, 2, 0.3) + 1 / (1 + np.exp(-4 * (R - 7)))
    assert first_shell(R, far, reach=4.5).minimum == first_shell(R, far).minimum


def test_a_contact_peak_with_an_uncertain_minimum_is_a_shell() -> None:
    """F around six Li, of which few are in contact: g falls again, lower, at the second shell."""
    places = [1.5, 1.86, 2.1, 2.47, 3.07, 3.55, 4.03, 4.27, 4.51, 5.0, 6.0, 10.0]
    heights = [0.0, 8.4, 6.2, 3.1, 1.9, 2.25, 3.1, 2.1, 1.3, 0.6, 1.0, 1.0]
    g = np.interp(R, places, heights)
    error = np.where(R < 4.6, 0.45 * g, 0.05)
    assert first_shell(R, g, error).minimum > 4.5
    assert 2.4 < first_shell(R, g, error, reach=4.5).minimum < 3.5


def test_no_shell_is_said() -> None:
    assert "no maximum" in first_shell(R, np.ones_like(R)).reason
    falling = np.where(R < 2, 0, 1 + 3 * np.exp(-(R - 2) / 6))
    assert "no minimum up to 10.0 Å" in first_shell(R, falling).reason


def test_curves_carry_their_shell() -> None:
    gas = ideal_gas(np.random.default_rng(5), 20, 50, TRICLINIC)
    rdf = radial_distribution(gas, None, np.broadcast_to(TRICLINIC, (20, 3, 3)), bins=20)
    g, running = rdf_curves(rdf, "A–A", first_shell(rdf.r, rdf.g, rdf.g_error))
    assert (g.group, running.group) == ("rdf", "coordination")
    assert g.details["no_shell"]
    assert len(running.x) == 20
