"""Markov state models: chains with a known matrix, coverage, a hidden state that is noticed."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.speciation.markov import (
    implied_time_scale,
    markov_model,
    time_scales_over_lags,
    transition_probability,
)
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage

MATRIX = np.array([[0.9, 0.08, 0.02], [0.04, 0.9, 0.06], [0.01, 0.06, 0.93]])


def chain(rng: np.random.Generator, frames: int, ions: int, matrix: np.ndarray) -> np.ndarray:
    vectors = np.linalg.matrix_power(matrix, 10_000)[0]
    edges = np.cumsum(matrix, axis=1)
    states = np.empty((frames, ions), dtype=np.int64)
    states[0] = rng.choice(len(matrix), ions, p=vectors / vectors.sum())
    draws = rng.random((frames, ions))
    for t in range(1, frames):
        states[t] = (draws[t][:, None] > edges[states[t - 1]]).sum(axis=1)
    return states


def test_counts_of_a_short_series() -> None:
    model = markov_model([np.array([[0], [0], [1], [0], [1]])], 500.0, 2)
    np.testing.assert_array_equal(model.counts, [[1, 1], [0, 1]])
    np.testing.assert_allclose(model.matrix, [[0.5, 0.5], [0, 1]])
    assert model.lag_time == 1.0
    assert np.isnan(model.matrix_error).all()


def test_matrix_and_populations_of_a_known_chain() -> None:
    states = chain(np.random.default_rng(1), 4000, 40, MATRIX)
    model = markov_model([states[:, :15], states[:, 15:]], 1000.0, names=["a", "b", "c"])
    assert (np.abs(model.matrix - MATRIX) < 4 * model.matrix_error).all()
    np.testing.assert_allclose(model.matrix.sum(axis=1), 1)
    np.testing.assert_allclose(
        model.stationary, np.linalg.matrix_power(MATRIX, 10_000)[0], atol=0.02
    )


def test_coverage_of_a_transition_probability() -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        model = markov_model([chain(rng, 150, 25, MATRIX)], 1000.0, names=["a", "b", "c"])
        return transition_probability(model, "a", "b")

    found = coverage(draw, 0.08, runs=100)
    assert 0.55 < found.inside_68 < 0.81
    assert 0.88 < found.inside_95 <= 1.0


@pytest.mark.parametrize("lag", [1, 4])
def test_coverage_of_the_slowest_time_scale(lag: int) -> None:
    symmetric = np.array([[0.9, 0.1], [0.05, 0.95]])

    def draw(rng: np.random.Generator) -> Quantity:
        return implied_time_scale(markov_model([chain(rng, 200, 30, symmetric)], 1000.0, lag))

    found = coverage(draw, -1 / np.log(0.85), runs=100)
    assert 0.55 < found.inside_68 < 0.81
    assert 0.88 < found.inside_95 <= 1.0


def test_level_for_a_chain_and_rising_for_a_hidden_state() -> None:
    rng = np.random.default_rng(2)
    two = np.array([[0.95, 0.05], [0.05, 0.95]])
    level = time_scales_over_lags([chain(rng, 2000, 40, two)], 1000.0, [1, 3, 6])
    assert level.details["markovian"] is True
    np.testing.assert_allclose(level.y, -1 / np.log(0.9), rtol=0.1)
    flicker = chain(rng, 2000, 40, two) ^ (rng.random((2000, 40)) < 0.2)  # seen wrongly at times
    rising = time_scales_over_lags([flicker], 1000.0, [1, 3, 6])
    assert rising.details["markovian"] is False
    assert rising.y[2] > 1.3 * rising.y[0]


def test_withheld() -> None:
    stuck = np.repeat(np.arange(10)[None] % 2, 50, axis=0)
    model = markov_model([stuck], 1.0)
    assert "do not mix" in implied_time_scale(model).withheld
    assert "too few" in transition_probability(model, "0", "1").withheld
    few = markov_model([chain(np.random.default_rng(3), 500, 2, MATRIX)], 1.0)
    assert "only 2 ions" in implied_time_scale(few).withheld
    assert "only 2 ions" in transition_probability(few, "0", "1").withheld
    curve = time_scales_over_lags([stuck], 1.0, [1, 2])
    assert curve.details["markovian"] is None


def test_bad_input() -> None:
    good = np.zeros((5, 2), dtype=int)
    for runs, timestep, lag, says in (
        ([], 1.0, 1, "states of ions"),
        ([good - 1], 1.0, 1, "indices"),
        ([good * 0.5], 1.0, 1, "indices"),
        ([good], 0.0, 1, "time between frames"),
        ([good], 1.0, 5, "does not fit"),
    ):
        with pytest.raises(InputError, match=says):
            markov_model(runs, timestep, lag)
    with pytest.raises(InputError, match="1 names for 2 states"):
        markov_model([good + 1], 1.0, names=["a"])
    model = markov_model([good], 1.0)
    with pytest.raises(InputError, match="no state 'x'"):
        transition_probability(model, "x", "0")
    with pytest.raises(InputError, match="no process 1"):
        implied_time_scale(model)
