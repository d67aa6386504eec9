"""The loss of a training: its scaling, derivatives, parts and weights."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core import Dataset
from elyte.potentials.mtp.loss import Loss, Prior, Weights

from .training_cases import frames_of, initial, labelled, prior_of, truth


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


def test_weights_of_configuration_types() -> None:
    good = labelled(truth(), frames_of(10), "good")
    wrong = labelled(initial(6, 50), frames_of(10, seed=4), "wrong")
    weights = Weights(config_types={"wrong": 0.0})
    with_wrong = Loss(truth(), Dataset([*good, *wrong]), weights)
    assert with_wrong.at(truth().parameters).loss == pytest.approx(0, abs=1e-18)
    assert Weights().of(good[0])[0] == pytest.approx(1 / len(good[0].frame))
    half = Weights(config_types={"good": 0.5}).of(good[0])
    np.testing.assert_allclose(half, Weights().of(good[0]) / 2)


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


def test_rows_rounded_to_single_precision_give_nearly_the_same_matrix() -> None:
    data, other = labelled(truth(), frames_of(7)), initial(6, 3)
    loss = Loss(other, data, threads=2)
    every = np.arange(len(loss))
    exact, rounded = (loss.normal_sum(other.parameters, every, x) for x in (np.float64, np.float32))
    scale = np.sqrt(np.outer(np.diag(exact), np.diag(exact)))
    assert 0 < np.abs((rounded - exact) / scale).max() < 1e-5
    assert (rounded == rounded.T).all()
