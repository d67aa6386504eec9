"""Where a training starts: linear solution, prior, several starts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.core import Dataset, Labels
from elyte.potentials.mtp.gauss_newton import OF_LINEAR, Counts, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.start import (
    MOST_STARTS,
    _variants,
    best_start,
    first_damping,
    solve_linear,
    usual_ridge,
)
from elyte.potentials.mtp.training import train

from .training_cases import frames_of, initial, labelled, prior_of, truth


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


def test_the_usual_prior_follows_the_size_of_the_labels() -> None:
    data = labelled(truth(), frames_of(6))
    strong = [replace(x, labels=replace(x.labels, forces=3 * x.labels.forces)) for x in data]
    of_data = usual_ridge(data, Weights())
    assert usual_ridge(strong, Weights()) == pytest.approx(9 * of_data)
    assert usual_ridge(data, Weights(force=0.1)) == pytest.approx(10 * of_data)
    bare = [replace(x, labels=Labels(x.labels.energy)) for x in data]
    assert usual_ridge(bare, Weights()) > 0


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
