"""Which of several starts a training goes on from."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from elyte.potentials.mtp.comparison import (
    COST,
    FEWER,
    MOST_STARTS,
    _cost,
    _starts,
    best_start,
    numbers_of_starts,
)
from elyte.potentials.mtp.gauss_newton import Counts, Limits, minimise
from elyte.potentials.mtp.loss import Loss
from elyte.potentials.mtp.radial_start import NOISE, WEIGHTS, radial_start
from elyte.potentials.mtp.start import ROUGHLY, begin
from elyte.potentials.mtp.training import train

from .training_cases import frames_of, initial, labelled, prior_of, truth


@pytest.fixture(scope="module")
def whole() -> Loss:
    return Loss(initial(), labelled(truth(), frames_of(120)), prior=prior_of(initial()), threads=1)


def part_of(whole: Loss, count: int) -> Loss:
    return whole.part(np.arange(0, count))


def trained(part: Loss, theta: np.ndarray):
    runner = begin(part, theta, Counts(), 1.0, 3)
    minimise(runner, Limits(iterations=40, tolerance=ROUGHLY))
    return runner.point


def test_every_part_has_fewer_of_the_starts_within_the_limit_of_the_cost(whole: Loss) -> None:
    small = [part_of(whole, count) for count in (4, 8)]
    assert numbers_of_starts(small, 100_000) == [MOST_STARTS, ceil(MOST_STARTS / FEWER)]
    assert numbers_of_starts([], 120) == []
    assert numbers_of_starts([part_of(whole, 100)], 110) == []  # too dear to compare
    for frames in (30, 40, 50):
        first, *_ = numbers = numbers_of_starts(small, frames)
        assert 1 < first < MOST_STARTS
        assert numbers == [n for n in (first, ceil(first / FEWER)) if n > 1]
        spent = sum(n * _cost(k, small[k], frames) for k, n in enumerate(numbers))
        assert spent <= COST
        more = [first + 1, ceil((first + 1) / FEWER)]
        assert sum(n * _cost(k, small[k], frames) for k, n in enumerate(more) if n > 1) > COST


def test_the_best_of_the_starts_is_gone_on_with(whole: Loss) -> None:
    parts, theta, counts = [part_of(whole, 4), part_of(whole, 12)], initial().parameters, Counts()
    told: list[tuple[float, float, str]] = []
    chosen = best_start(
        parts, [5, 2], theta, 3, 120, counts, progress=lambda *words: told.append(words)
    )
    ends = sorted((trained(parts[0], x) for x in _starts(parts[0], theta, 5, 3)), key=of_loss)
    assert len({end.loss for end in ends}) > 2
    best = min((trained(parts[1], end.theta) for end in ends[:2]), key=of_loss)
    assert (chosen == best.theta).all()
    assert counts.iterations == 0  # the steps of the choice are none of the training's
    assert 0 < counts.matrices < (5 * 4 + 2 * 12) * 42 / 120
    assert [words[:2] for words in told] == [(k, 7) for k in range(1, 8)]
    assert told[-1][2] == f"comparing 2 starts on 12 frames, least loss {best.loss:.3g}"


def of_loss(point) -> float:
    return point.loss


def test_other_starts_follow_from_the_first_and_from_the_seed(whole: Loss) -> None:
    theta, part = initial().parameters, part_of(whole, 4)
    starts = _starts(part, theta, 4, 0)
    assert (starts[0] == theta).all()
    linear = slice(0, part.n_linear)
    for other in starts[1:]:
        assert (other[linear] == theta[linear]).all()
    again, of_seed = _starts(part, theta, 4, 0), _starts(part, theta, 4, 1)
    of_other = _starts(part, initial(seed=1).parameters, 4, 0)
    for k in range(1, 4):
        assert (starts[k] == again[k]).all()
        assert (starts[k][part.n_linear :] != of_seed[k][part.n_linear :]).all()
        assert (starts[k][part.n_linear :] != of_other[k][part.n_linear :]).all()


def test_radial_functions_begin_near_one_polynomial_each() -> None:
    radial = radial_start(np.random.default_rng(0), 3, 4, 6)
    assert radial.shape == (3, 3, 4, 6)
    for mu in range(4):
        own = radial[:, :, mu, mu]
        assert (np.abs(own - np.mean(WEIGHTS)) < np.ptp(WEIGHTS) / 2 + NOISE / (1 + mu)).all()
        others = np.delete(radial[:, :, mu], mu, axis=-1)
        assert (np.abs(others) < NOISE / (1 + np.delete(np.arange(6), mu))).all()
        assert np.ptp(own) > 0.2


def test_a_potential_of_more_functions_than_polynomials_can_begin() -> None:
    radial = radial_start(np.random.default_rng(0), 1, 5, 2)
    assert np.abs(radial).max(axis=-1).min() > WEIGHTS[0] - NOISE


def test_a_training_says_what_it_compares_and_counts_it() -> None:
    data, told = labelled(truth(), frames_of(120)), []
    result = train(
        initial(), data, max_iterations=30, threads=1, progress=lambda *x: told.append(x)
    )
    compared = [note for _, _, note in told if note.startswith("comparing")]
    assert len(compared) > 2
    assert len(told) == len(compared) + len(result.history)
    assert result.history[0].matrices > 1
    assert result.history[0].iteration == 0
