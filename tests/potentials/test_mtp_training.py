"""Training: recovers a known potential, goes on from an earlier one, refuses what is not sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.core import Dataset, Frame, InputError, LabelledFrame, Labels, UnknownSpecies
from elyte.potentials.mtp import MTP
from elyte.potentials.mtp.gauss_newton import OF_LINEAR, Counts, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Prior, Weights
from elyte.potentials.mtp.start import (
    MOST_STARTS,
    _variants,
    best_start,
    first_damping,
    solve_linear,
    usual_ridge,
)
from elyte.potentials.mtp.training import smallest_distance, train

SPECIES = (1, 8)
FINE = {"tolerance": 1e-6, "ridge": 0.0, "threads": 1}


def frame_of(random: np.random.Generator, n: int = 8) -> Frame:
    cell = random.uniform(3.6, 4.4) * np.eye(3) + random.normal(scale=0.1, size=(3, 3))
    corners = np.stack(np.meshgrid(*[range(2)] * 3), -1).reshape(-1, 3)[:n] / 2
    positions = corners @ cell + random.normal(scale=0.12, size=(n, 3))
    return Frame(
        random.permutation([1, 1, 1, 1, 8, 8, 8, 8])[:n], positions, cell, np.ones(3, bool)
    )


def frames_of(count: int, seed: int = 0) -> list[Frame]:
    random = np.random.default_rng(seed)
    return [frame_of(random, 8 if k % 3 else 6) for k in range(count)]


def initial(level: int = 6, seed: int = 0) -> MTP:
    return MTP.initial(level, SPECIES, 3.5, 1.2, 4, seed)


def truth(level: int = 6) -> MTP:
    start = initial(level, 99)
    random = np.random.default_rng(5)
    theta = start.parameters
    theta[:2] = [-3.0, -11.0]
    theta[2 : 2 + len(start.moment_coefficients)] = random.normal(
        scale=0.3, size=len(start.moment_coefficients)
    )
    return start.with_parameters(theta)


def labelled(potential: MTP, frames: list[Frame], config_type: str = "") -> Dataset:
    items = []
    for frame, found in zip(frames, potential.evaluate(frames), strict=True):
        labels = Labels(found.energy, found.forces, found.stress)
        items.append(LabelledFrame(frame, labels, config_type))
    return Dataset(items)


def test_recovers_the_potential_that_made_the_labels() -> None:
    data, new = labelled(truth(), frames_of(24)), labelled(truth(), frames_of(6, seed=7))
    result = train(initial(), data, tolerance=1e-4, max_iterations=150, ridge=0.0, threads=1)
    assert result.errors.force_rmse < 2e-3 * np.std([x.labels.forces.std() for x in data]) + 5e-3
    assert result.history[-1].loss < 1e-5 * result.history[0].loss
    for item, found in zip(new, result.potential.evaluate(new.frames), strict=True):
        np.testing.assert_allclose(found.forces, item.labels.forces, atol=0.1)


def test_from_near_the_truth_the_loss_goes_to_zero() -> None:
    data = labelled(truth(), frames_of(16))
    near = truth().with_parameters(
        truth().parameters + np.random.default_rng(1).normal(scale=0.01, size=truth().n_parameters)
    )
    result = train(near, data, max_iterations=60, **FINE)
    assert result.errors.force_rmse < 1e-4
    assert result.errors.energy_rmse < 2e-5
    assert len(result.history) < 30


def test_linear_coefficients_alone_are_solved_at_once() -> None:
    data = labelled(truth(), frames_of(16))
    theta = truth().parameters
    theta[: 2 + len(truth().moment_coefficients)] = 0
    result = train(truth().with_parameters(theta), data, max_iterations=1, **FINE)
    assert result.history[0].force_rmse < 1e-4


def test_loss_has_the_stated_scaling() -> None:
    data = labelled(truth(), frames_of(5))
    other, weights = initial(6, 3), Weights(2.0, 0.3, 0.05)
    expected = 0.0
    for item, found in zip(data, other.evaluate(data.frames), strict=True):
        n, volume = len(item.frame), item.frame.volume
        expected += 2.0 * (found.energy - item.labels.energy) ** 2 / n
        expected += 0.3 * np.sum((found.forces - item.labels.forces) ** 2)
        expected += 0.05 * np.sum((volume * (found.stress - item.labels.stress)) ** 2) / n
    loss = Loss(other, data, weights).at(other.parameters).loss
    assert loss == pytest.approx(expected / len(data), rel=1e-10)


def prior_of(potential: MTP) -> Prior:
    random = np.random.default_rng(8)
    size = potential.n_parameters
    return Prior(random.normal(size=size), random.uniform(0, 0.1, size))


def test_gradient_and_matrix_belong_to_the_loss() -> None:
    data, other = labelled(truth(), frames_of(5)), initial(6, 3)
    loss = Loss(other, data, prior=prior_of(other), threads=2)
    point = loss.at(other.parameters)
    random = np.random.default_rng(2)
    for _ in range(4):
        along = random.normal(size=loss.n_parameters)
        h = 1e-5
        ahead, behind = (loss.at(point.theta + x * h * along).loss for x in (1, -1))
        assert point.gradient @ along == pytest.approx((ahead - behind) / (2 * h), rel=1e-5)
    exact = loss_of_rows(loss, point.theta)
    np.testing.assert_allclose(
        loss.normal_matrix(point.theta), exact, atol=1e-12 * np.abs(exact).max()
    )


def loss_of_rows(loss: Loss, theta: np.ndarray) -> np.ndarray:
    count = loss.set.rows()
    rows, residuals = np.zeros((count, loss.n_parameters)), np.zeros(count)
    loss.set.native.jacobian(theta, loss.set.all, rows, residuals, 1)
    return rows.T @ rows / len(loss) + np.diag(loss.prior.strength)


def test_curvature_along_a_step_is_the_second_difference_of_the_residuals() -> None:
    data, other = labelled(truth(), frames_of(3)), initial(6, 3)
    loss = Loss(other, data)
    step = 0.01 * np.random.default_rng(0).normal(size=loss.n_parameters)
    count = loss.set.rows()

    def at(x: float) -> tuple[np.ndarray, np.ndarray]:
        rows, residuals = np.zeros((count, loss.n_parameters)), np.zeros(count)
        theta = other.parameters + x * step
        loss.set.native.jacobian(theta, loss.set.all, rows, residuals, 1)
        return rows, residuals

    bent = (at(0.1)[1] - 2 * at(0.0)[1] + at(-0.1)[1]) / 0.01
    expected = at(0.0)[0].T @ bent / len(loss)
    found = loss.curvature_along(loss.at(other.parameters), step)
    np.testing.assert_allclose(found, expected, atol=1e-7 * np.abs(expected).max())


def test_a_warm_start_goes_on_where_the_first_training_ended() -> None:
    data = labelled(truth(), frames_of(20))
    first = train(initial(), data, max_iterations=10, threads=1)
    second = train(first.potential, data, max_iterations=10, threads=1)
    assert second.history[0].loss <= first.history[-1].loss * (1 + 1e-9)
    assert second.history[-1].loss < first.history[-1].loss
    cold = train(initial(), data, max_iterations=10, threads=1)
    assert cold.history[-1].loss == first.history[-1].loss  # the same seed, bit for bit


def test_one_composition_leaves_species_at_the_isolated_atoms() -> None:
    frames = [frame for frame in frames_of(18) if len(frame) == 8]
    data = labelled(truth(), frames)
    atoms = {1: -2.0, 8: -12.0}
    result = train(initial(), data, isolated_atoms=atoms, max_iterations=15, threads=1)
    shift = result.potential.species_coefficients - np.array([-2.0, -12.0])
    assert shift[0] == pytest.approx(shift[1], abs=1e-6)  # both counts are 4: only the sum is known
    assert abs(shift[0]) < 5
    alone = train(initial(), data, max_iterations=15, threads=1)
    assert np.isfinite(alone.potential.parameters).all()
    assert alone.errors.energy_rmse < 0.05


def test_frames_without_forces_or_stress_count_for_what_they_have() -> None:
    data = labelled(truth(), frames_of(12))
    bare = [replace(x, labels=Labels(x.labels.energy)) for x in data[:4]]
    unstressed = [replace(x, labels=Labels(x.labels.energy, x.labels.forces)) for x in data[4:8]]
    mixed = Dataset([*bare, *unstressed, *data[8:]])
    result = train(initial(), mixed, max_iterations=20, threads=1)
    assert result.errors.energy_rmse < 0.05
    loss = Loss(initial(), mixed)
    assert (loss.weights[:4, 1:] == 0).all()
    assert (loss.weights[4:8, 2] == 0).all()
    many = labelled(truth(), frames_of(initial(2).n_parameters + 1))
    only = Dataset(replace(x, labels=Labels(x.labels.energy)) for x in many)
    assert train(initial(2), only, max_iterations=3, threads=1).errors.force_rmse == 0.0


def test_molecules_without_a_box_are_trained_on() -> None:
    frames = [Frame(f.numbers, f.positions) for f in frames_of(10)]
    result = train(initial(), labelled(truth(), frames), max_iterations=20, threads=1)
    assert result.errors.force_rmse < 0.1
    assert result.errors.stress_rmse == 0.0


def test_weights_of_configuration_types() -> None:
    good = labelled(truth(), frames_of(10), "good")
    wrong = labelled(initial(6, 50), frames_of(10, seed=4), "wrong")
    weights = Weights(config_types={"wrong": 0.0})
    with_wrong = Loss(truth(), Dataset([*good, *wrong]), weights)
    assert with_wrong.at(truth().parameters).loss == pytest.approx(0, abs=1e-18)
    assert Weights().of(good[0])[0] == pytest.approx(1 / len(good[0].frame))
    half = Weights(config_types={"good": 0.5}).of(good[0])
    np.testing.assert_allclose(half, Weights().of(good[0]) / 2)


def test_a_sampled_matrix_trains_nearly_as_well() -> None:
    data = labelled(truth(), frames_of(20))
    loss = Loss(initial(), data)
    minimiser = Minimiser(loss, loss.at(initial().parameters), frames_at_once=10, seed=3)
    start = minimiser.point.loss
    outcome = minimise(minimiser, Limits(iterations=40, tolerance=0.0))
    assert outcome.kind in ("done", "stopped")
    assert minimiser.point.loss < 0.05 * start


def test_a_part_of_a_loss_is_the_loss_of_that_part() -> None:
    data, other = labelled(truth(), frames_of(7)), initial(6, 3)
    chosen = np.array([1, 4, 5])
    whole = Loss(other, data, prior=prior_of(other))
    part = whole.part(chosen)
    alone = Loss(
        other,
        [data[int(k)] for k in chosen],
        prior=Prior(whole.prior.centre, whole.prior.strength * 7 / 3),
    )
    theta, step = other.parameters, np.full(other.n_parameters, 0.01)
    for mine, its in (
        (part.at(theta).gradient, alone.at(theta).gradient),
        (part.normal_matrix(theta), alone.normal_matrix(theta)),
        (
            part.curvature_along(part.at(theta), step),
            alone.curvature_along(alone.at(theta), step),
        ),
    ):
        np.testing.assert_allclose(mine, its, atol=1e-12 * np.abs(its).max())
    assert part.at(theta).loss == pytest.approx(alone.at(theta).loss, rel=1e-12)
    again = part.part(np.array([2]))
    assert again.at(theta).squares[0, 0] == whole.at(theta).squares[5, 0]


def test_a_large_set_begins_with_a_part_and_a_warm_start_does_not() -> None:
    data = labelled(truth(), frames_of(120))
    result = train(initial(), data, max_iterations=60, threads=1)
    frames = [record.frames for record in result.history]
    assert frames[0] < 60
    assert frames[-1] == 120
    assert frames == sorted(frames)
    warm = train(result.potential, data, max_iterations=3, threads=1)
    assert warm.history[0].frames == 120


def test_of_several_starts_the_best_is_gone_on_with() -> None:
    data = labelled(truth(), frames_of(120))
    loss, theta, counts = (
        Loss(initial(), data, prior=prior_of(initial())),
        initial().parameters,
        Counts(),
    )
    part = loss.part(np.arange(0, 120, 30))
    chosen = best_start(part, theta, 3, 1 / 30, counts)
    alone = Counts()
    first = best_start_of_one(part, theta, alone)
    assert part.at(chosen).loss <= first.loss * (1 + 1e-12)
    assert counts.matrices > 2 * alone.matrices / 30  # more than two starts were tried
    assert counts.matrices < MOST_STARTS * 42 / 30
    assert counts.iterations == 0  # the steps of the choice are none of the training's
    assert (best_start(part, theta, 3, 1 / 30, Counts()) == chosen).all()
    assert (best_start(part, theta, 4, 1 / 30, Counts()) != chosen).any()
    spared = Counts()
    assert (best_start(part, theta, 3, 1.0, spared) == theta).all()  # costs too much to compare
    assert spared == Counts()


def best_start_of_one(part: Loss, theta: np.ndarray, counts: Counts):
    point = solve_linear(part, theta, counts)
    runner = Minimiser(part, point, first_damping(part, point), counts=counts, of_linear=OF_LINEAR)
    minimise(runner, Limits(iterations=40, tolerance=1e-2))
    return runner.point


def test_limits_are_kept_and_told() -> None:
    data = labelled(truth(), frames_of(8))
    told: list[tuple[float, float, str]] = []
    result = train(
        initial(), data, max_evaluations=8, threads=1, progress=lambda *x: told.append(x)
    )
    assert result.outcome.kind == "stopped"
    assert "gradients" in result.outcome.reason
    assert result.history[-1].gradients <= 12
    assert "meV" in told[-1][2]
    assert len(told) == len(result.history)
    timed = train(initial(), data, max_seconds=1e-6, threads=1)
    assert timed.outcome.kind == "stopped"
    assert len(timed.history) == 2


def test_held_out_frames_choose_the_best_iteration() -> None:
    random = np.random.default_rng(0)
    data = labelled(truth(), frames_of(6))
    noisy = Dataset(
        replace(
            x,
            labels=Labels(x.labels.energy, x.labels.forces + random.normal(size=(len(x.frame), 3))),
        )
        for x in data
    )
    held = labelled(truth(), frames_of(6, seed=9))
    result = train(initial(), noisy, validation=held, tolerance=0.0, ridge=0.0, threads=1)
    losses = [record.validation_loss for record in result.history]
    judged = Loss(initial(), held).at(result.potential.parameters).loss
    assert judged == pytest.approx(min(losses), rel=1e-9)


@pytest.mark.parametrize("what", ["energy", "forces", "stress"])
def test_labels_that_are_not_finite_are_refused(what: str) -> None:
    data = labelled(truth(), frames_of(3))
    value = np.nan if what == "energy" else np.full_like(getattr(data[1].labels, what), np.inf)
    bad = replace(data[1], labels=replace(data[1].labels, **{what: value}))
    with pytest.raises(InputError, match=rf"frame 1 .*{what}"):
        train(initial(), Dataset([data[0], bad]))


def test_misuse_is_refused() -> None:
    data = labelled(truth(), frames_of(2))
    with pytest.raises(InputError, match="no labelled frames"):
        train(initial(), Dataset())
    with pytest.raises(UnknownSpecies):
        train(MTP.initial(4, [1, 6]), data)
    with pytest.raises(InputError, match="weights"):
        Weights(energy=-1)
    with pytest.raises(InputError, match="zero"):
        train(initial(), data, weights=Weights(0, 0, 0))
    short = replace(data[0], labels=Labels(0.0, np.zeros((3, 3))))
    with pytest.raises(InputError, match=r"\d atoms"):
        train(initial(), Dataset([short]))


def test_smallest_distance() -> None:
    near = Frame([1, 8], [[0.1, 0, 0], [3.9, 0, 0]], 4 * np.eye(3), np.ones(3, bool))
    far = Frame([1, 8], [[0, 0, 0], [4.5, 0, 0]])
    assert smallest_distance([far, near]) == pytest.approx(0.2)
    assert smallest_distance([far]) == pytest.approx(4.5)
    with pytest.raises(InputError, match="near"):
        smallest_distance([Frame([1], [[0, 0, 0]])])


def test_the_start_is_what_it_says_also_where_the_linear_solution_does_not_help() -> None:
    frames = frames_of(30)
    good = labelled(truth(), frames)
    item = good[0]
    outlier = replace(item.labels, energy=item.labels.energy + 50.0, forces=-9 * item.labels.forces)
    data = Dataset([*good[1:], replace(item, labels=outlier)])
    for seed in range(4):
        potential = initial(seed=seed).with_parameters(truth().parameters)
        loss = Loss(potential, data)
        before = loss.at(potential.parameters).loss
        point = solve_linear(loss, potential.parameters)
        assert loss.at(point.theta).loss == point.loss <= before
    result = train(potential, data, max_iterations=3, threads=1)
    assert Loss(potential, data).at(result.potential.parameters).loss <= before


def test_rows_rounded_to_single_precision_give_nearly_the_same_matrix() -> None:
    data, other = labelled(truth(), frames_of(7)), initial(6, 3)
    loss = Loss(other, data, threads=2)
    every = np.arange(len(loss))
    exact, rounded = (loss.normal_sum(other.parameters, every, x) for x in (np.float64, np.float32))
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert 0 < np.abs((rounded - exact) / scale).max() < 1e-5
    assert (rounded == rounded.T).all()


def test_the_usual_prior_follows_the_size_of_the_labels() -> None:
    data = labelled(truth(), frames_of(6))
    strong = [replace(x, labels=replace(x.labels, forces=3 * x.labels.forces)) for x in data]
    of_data = usual_ridge(data, Weights())
    assert usual_ridge(strong, Weights()) == pytest.approx(9 * of_data)
    assert usual_ridge(data, Weights(force=0.1)) == pytest.approx(10 * of_data)
    bare = [replace(x, labels=Labels(x.labels.energy)) for x in data]
    assert usual_ridge(bare, Weights()) > 0


def test_what_enters_linearly_can_be_left_nearly_undamped() -> None:
    data, theta = labelled(truth(), frames_of(16)), truth().parameters
    weak = Prior(np.zeros(len(theta)), np.full(len(theta), 1e-6))
    loss = Loss(initial(), data, prior=weak)
    theta[: loss.n_linear] = 0.0  # one undamped step puts all of this right
    gained = {}
    for of_linear in (1.0, OF_LINEAR):
        start = loss.at(theta)
        minimiser = Minimiser(loss, start, damping=10.0, of_linear=of_linear)
        assert minimiser.iterate()
        gained[of_linear] = 1 - minimiser.point.loss / start.loss
    assert gained[OF_LINEAR] > 0.99
    assert gained[1.0] < 0.5


def test_three_of_the_other_starts_begin_with_smooth_radial_functions() -> None:
    loss, first = Loss(initial(), labelled(truth(), frames_of(3))), initial().parameters
    starts = _variants(loss, first, 6, 0)
    assert (starts[0] == first).all()
    smooth = 2 / (1 + np.arange(loss.radial_size))
    for which, start in enumerate(starts[1:]):
        assert (start[: loss.n_linear] == first[: loss.n_linear]).all()
        radial = start[loss.n_linear :].reshape(-1, loss.radial_size)
        rough = np.abs(radial / smooth if which < 3 else radial)
        expected = np.sort(np.abs(first[loss.n_linear :]))
        np.testing.assert_allclose(np.sort(rough.ravel()), expected, rtol=1e-12)
    assert (starts[1] != starts[2]).any()
