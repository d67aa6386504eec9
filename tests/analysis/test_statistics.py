"""Means with errors: exact cases, coverage, cuts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from elyte.analysis.intervals import (
    ONE_SIGMA,
    Mean,
    fraction,
    interval,
    mean_number,
    mean_of_independent,
    widened_to,
    with_intervals,
)
from elyte.analysis.statistics import block_curve, equilibration_cut, mean
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import autoregressive


def test_independent_values_have_the_textbook_error() -> None:
    x = np.random.default_rng(0).normal(size=1500)
    found = mean(x)
    assert found.value == pytest.approx(x.mean())
    assert found.standard_error == pytest.approx(x.std(ddof=1) / np.sqrt(1500), rel=0.15)


def test_correlated_values_have_the_known_inefficiency() -> None:
    x = autoregressive(np.random.default_rng(1), 100_000, 0.98)
    found = mean(x)
    exact = np.sqrt((1 + 0.98) / (1 - 0.98) / 100_000)
    assert found.standard_error == pytest.approx(exact, rel=0.1)
    assert found.n_effective == pytest.approx(100_000 * (1 - 0.98) / (1 + 0.98), rel=0.2)


@pytest.mark.parametrize(("frames", "runs"), [(1000, 1), (200, 1), (100, 3)])
def test_coverage_of_the_mean(frames: int, runs: int) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        return mean([autoregressive(rng, frames, 0.9) for _ in range(runs)]).quantity("m", "1", "")

    found = coverage(draw, 0.0, runs=600)
    assert 0.63 < found.inside_68 < 0.73
    assert 0.92 < found.inside_95 < 0.98


def test_a_run_shorter_than_its_memory_is_withheld() -> None:
    trend = np.linspace(0, 1, 50)
    found = mean(trend).quantity("m", "1", "")
    assert found.withheld
    assert np.isnan(found.value)


def test_runs_that_disagree_widen_the_error() -> None:
    rng = np.random.default_rng(2)
    runs = [offset + 0.01 * rng.normal(size=200) for offset in (0.0, 1.0, 2.0)]
    assert mean(runs).standard_error > 0.2


def test_constant_series_and_bad_input() -> None:
    assert mean(np.full(20, 2.5)).standard_error == 0
    assert mean(np.arange(3.0)).reason
    with pytest.raises(InputError):
        mean([])
    with pytest.raises(InputError):
        mean([1.0, np.nan])


def test_equilibration_cut_finds_the_start() -> None:
    rng = np.random.default_rng(3)
    x = autoregressive(rng, 1000, 0.5)
    x[:200] += np.linspace(10, 0, 200)
    assert 120 <= equilibration_cut(x) <= 320
    assert equilibration_cut(autoregressive(rng, 5, 0.5)) == 0


def test_a_short_stationary_series_is_hardly_ever_cut() -> None:
    """It has few independent values, so a start that differs is mostly chance."""
    rng = np.random.default_rng(5)
    cuts = [equilibration_cut(autoregressive(rng, 200, 0.9)) for _ in range(150)]
    assert np.mean(np.array(cuts) > 0) < 0.08


def test_a_mean_number_is_neither_negative_nor_exact() -> None:
    few = mean_number([0.0, 0.0, 0.1, 0.0, 0.6, 0.1, 0.0, 0.0])
    low, high = few.interval(0.95)
    assert 0 < low < few.value < high
    assert high - few.value > few.value - low
    many = mean_number(np.random.default_rng(6).normal(4, 0.1, 50))
    plain = mean_of_independent(np.random.default_rng(6).normal(4, 0.1, 50))
    np.testing.assert_allclose(many.interval(0.95), plain.interval(0.95), atol=1e-3)
    alike = mean_number(np.full(49, 4.0))
    assert alike.value == 4
    assert 0.01 < alike.standard_error < 0.03
    assert mean_number([4.0]).reason


def test_block_curve_rises_to_the_true_error() -> None:
    x = autoregressive(np.random.default_rng(4), 200_000, 0.9)
    sizes, errors = block_curve(x)
    assert errors[0] == pytest.approx(1 / np.sqrt(200_000), rel=0.1)
    plateau = errors[(sizes > 300) & (sizes < 3000)].mean()
    assert plateau == pytest.approx(np.sqrt(19 / 200_000), rel=0.15)


def test_a_state_never_seen_is_not_certainly_absent() -> None:
    never = fraction(np.zeros(10))
    assert never.value == 0
    assert never.standard_error > 0.03


def test_the_scatter_of_yes_and_no_is_known_from_their_mean() -> None:
    """Frozen samples have Jeffreys' interval of as many observations, without Student's factor."""
    frozen = fraction([1.0] * 3 + [0.0] * 5)
    assert frozen.n_effective == pytest.approx(8)
    assert frozen.degrees_of_freedom > 1e6
    low, high = stats.beta.ppf([0.025, 0.975], 3.5, 5.5)
    np.testing.assert_allclose(frozen.interval(0.95), [low, high], rtol=1e-6)
    narrow = np.random.default_rng(7).normal(0.4, 0.01, 30)
    found, plain = fraction(narrow), mean_of_independent(narrow)
    assert found.standard_error == pytest.approx(plain.standard_error, rel=0.02)
    assert found.degrees_of_freedom == pytest.approx(29, rel=0.6)
    assert found.degrees_of_freedom >= 29


def test_coverage_of_fractions_of_few_samples() -> None:
    def deviation(rng: np.random.Generator) -> Quantity:
        truth = rng.uniform(0.1, 0.9)
        found = fraction(rng.random(8) < truth)
        ends = [tuple(x - truth for x in found.interval(p)) for p in (ONE_SIGMA, 0.95)]
        return with_intervals("deviation", found.value - truth, *ends, "1")

    found = coverage(deviation, 0.0, runs=2000)
    assert 0.64 < found.inside_68 < 0.72  # 0.76 with Student's factor of eight samples
    assert 0.93 < found.inside_95 < 0.97


def test_an_error_is_widened_only_beyond_chance() -> None:
    found = mean_of_independent(np.random.default_rng(8).normal(size=20))
    less, more = (
        replace(found, standard_error=k * found.standard_error, degrees_of_freedom=15.0)
        for k in (1.1, 2.0)
    )
    assert widened_to(found, less) is found
    wide = widened_to(found, more)
    assert wide.standard_error == more.standard_error
    assert wide.degrees_of_freedom == 15
    assert wide.n_effective == pytest.approx(5)
    assert widened_to(found, replace(more, reason="too short")) is found


def test_what_has_a_least_value_has_a_skewed_interval() -> None:
    size = Mean(1.5, 0.3, 20.0, 19.0, least=1.0)
    low, high = size.interval(0.95)
    assert 1 < low < 1.5 < high
    assert high - 1.5 > 1.5 - low
    assert size.error == pytest.approx(np.ptp(size.interval(ONE_SIGMA)) / 2)
    assert np.isnan(Mean(1.0, np.nan, 1.0, 1.0, "too short").error)


def test_one_sample_has_no_error_and_only_two_levels_are_kept() -> None:
    assert mean_of_independent([1.0]).reason
    quantity = mean_of_independent([1.0, 2.0, 3.0]).quantity("x", "1", "")
    low, high = interval(quantity, 0.95)
    assert low == pytest.approx(2 - 4.3027 / np.sqrt(3), rel=1e-4)
    assert high == pytest.approx(2 + 4.3027 / np.sqrt(3), rel=1e-4)
    with pytest.raises(InputError):
        interval(quantity, 0.5)
