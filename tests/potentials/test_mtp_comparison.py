"""Which of several starts a training goes on from."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.potentials.mtp.comparison import (
    COST,
    COST_OF_FEW,
    FEW_STARTS,
    LOOK,
    MOST_STARTS,
    _cost,
    _numbers,
    _starts,
    best_start,
    numbers_of_starts,
)
from elyte.potentials.mtp.gauss_newton import Counts, Limits, Minimiser, minimise
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


def test_every_part_is_begun_by_half_of_those_that_are_left() -> None:
    assert _numbers(16, 5) == [16, 8, 4, 2]  # 2 of the 4 stay to the end of the third part
    assert _numbers(9, 5) == [9, 5, 3, 2]
    assert _numbers(8, 3) == [8, 4, 2]
    assert _numbers(4, 3) == [4, 2, 2]
    assert _numbers(8, 2) == [8, 2]  # the whole set is begun by two at most


def test_as_many_start_as_the_limit_of_the_cost_allows(whole: Loss) -> None:
    def parts(frames: int) -> list[Loss]:
        return [part_of(whole, count) for count in (2, 6, 18, frames)]

    assert numbers_of_starts([part_of(whole, 4)]) == []
    assert numbers_of_starts([part_of(whole, 100), part_of(whole, 110)]) == []  # too dear
    assert numbers_of_starts(parts(120))[0] == MOST_STARTS
    found = set()
    for frames in (24, 36, 60):
        first, *_ = numbers = numbers_of_starts(parts(frames))
        assert numbers == _numbers(first, 4)
        limit = COST_OF_FEW if first == FEW_STARTS else COST
        assert _cost(parts(frames), numbers) <= limit
        if first < MOST_STARTS:
            assert _cost(parts(frames), _numbers(first + 1, 4)) > COST
        found.add(first)
    assert len(found) > 1


def test_the_best_of_the_starts_is_gone_on_with(whole: Loss) -> None:
    parts, theta, counts = [part_of(whole, n) for n in (4, 12, 120)], initial().parameters, Counts()
    told: list[tuple[float, float, str]] = []
    chosen = best_start(
        parts, [5, 3, 2], theta, 3, counts, progress=lambda *words: told.append(words)
    )
    ends = sorted((trained(parts[0], x) for x in _starts(parts[0], theta, 5, 3)), key=of_loss)
    assert len({end.loss for end in ends}) > 2
    ends = sorted((trained(parts[1], end.theta) for end in ends[:3]), key=of_loss)
    looks = [begin(whole, end.theta, Counts(), 1.0, 3) for end in ends[:2]]
    for runner in looks:
        for _ in range(LOOK):
            runner.iterate()
    best = min((runner.point for runner in looks), key=of_loss)
    assert chosen.loss is parts[2]
    assert (chosen.point.theta == best.theta).all()
    assert chosen.counts is counts
    assert counts.iterations == 0  # the steps of the choice are none of the training's
    assert 2 * LOOK < counts.matrices < 2 * (LOOK + 1) + (5 * 4 + 3 * 12) * 42 / 120
    assert [words[:2] for words in told] == [*((k, 10) for k in range(1, 9)), (10, 10)]
    assert told[-1][2] == f"comparing 2 starts on 120 frames, least loss {best.loss:.3g}"


def test_a_chosen_training_goes_on_as_if_it_had_been_alone(whole: Loss) -> None:
    parts, theta = [part_of(whole, n) for n in (4, 12, 40)], initial().parameters
    chosen = best_start(parts, [4, 2, 2], theta, 3, Counts())
    alone = Minimiser(parts[2], parts[2].at(theta))
    alone.restore(chosen.state())
    assert chosen.iterate() == alone.iterate()
    assert (chosen.point.theta == alone.point.theta).all()


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
