"""Lifetimes: two-state exchange with a known lifetime, naive sums, coverage."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.speciation.lifetimes import pair_existence, pair_lifetime
from elyte.analysis.speciation.shells import Contacts
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.testing.coverage import coverage
from elyte.testing.synthetic import exchange


def truth(population: float, lifetime: float, kind: str) -> float:
    """1/rate of the exponential through the discrete process, frames."""
    leave = 1 / lifetime
    enter = leave * population / (1 - population)
    return -1 / np.log(1 - leave - (enter if kind == "intermittent" else 0.0))


def test_autocorrelations_equal_the_naive_ones() -> None:
    h = exchange(np.random.default_rng(1), 60, 15, 0.4, 6.0)
    _, continuous = pair_lifetime([h], 1000.0, "continuous")
    _, intermittent = pair_lifetime([h], 1000.0, "intermittent")
    p = h.mean()
    for t in (0, 1, 7, 29):
        ends = range(len(h) - t)
        stay = sum(h[s : s + t + 1].all(axis=0).sum() for s in ends)
        both = sum((h[s] & h[s + t]).sum() for s in ends)
        first, last = h[: len(h) - t].sum(), h[t:].sum()
        assert continuous.y[t] == pytest.approx(stay / first)
        assert intermittent.y[t] == pytest.approx((2 * both / (first + last) - p) / (1 - p))
    assert continuous.x[7] == 7.0


@pytest.mark.parametrize("kind", ["continuous", "intermittent"])
@pytest.mark.parametrize(("frames", "ions", "lifetime"), [(600, 40, 15.0), (150, 60, 12.0)])
def test_coverage_of_a_known_lifetime(kind: str, frames: int, ions: int, lifetime: float) -> None:
    def draw(rng: np.random.Generator) -> Quantity:
        states = exchange(rng, frames, ions, 0.3, lifetime)
        return pair_lifetime([states], 1000.0, kind)[0]  # type: ignore[arg-type]

    found = coverage(draw, truth(0.3, lifetime, kind), runs=60)
    assert 0.54 < found.inside_68 < 0.84
    assert 0.87 < found.inside_95 <= 1.0


def test_two_kinds_of_pairs_need_two_exponentials() -> None:
    rng = np.random.default_rng(3)
    short, long = exchange(rng, 3000, 60, 0.3, 5.0), exchange(rng, 3000, 60, 0.3, 80.0)
    quantity, _ = pair_lifetime([np.hstack([short, long])], 100.0)
    assert len(quantity.details["times_ps"]) >= 2
    expected = 0.1 * (truth(0.3, 5.0, "") + truth(0.3, 80.0, "")) / 2
    assert quantity.value == pytest.approx(expected, abs=3 * quantity.error)


def test_pairs_of_one_ion_are_one_sample() -> None:
    found = Contacts(3, 2, 4, *(np.array(x) for x in ([0, 1, 1, 2], [0, 0, 1, 1], [3, 3, 0, 2])),
                     np.ones(4, dtype=np.int64))  # fmt: skip
    existence, ions = pair_existence(found)
    np.testing.assert_array_equal(existence.T, [[1, 1, 0], [0, 1, 0], [0, 0, 1]])
    np.testing.assert_array_equal(ions, [0, 1, 1])


def test_background_is_that_of_all_possible_pairs() -> None:
    h = exchange(np.random.default_rng(4), 400, 30, 0.2, 10.0)
    absent = np.zeros((400, 70), dtype=bool)
    _, given = pair_lifetime([h], 1.0, "intermittent", pairs=100)
    _, shown = pair_lifetime([np.hstack([h, absent])], 1.0, "intermittent")
    np.testing.assert_allclose(given.y, shown.y, atol=1e-12)


def test_withheld_when_too_short_or_too_few() -> None:
    rng = np.random.default_rng(5)
    quantity, _ = pair_lifetime([exchange(rng, 60, 60, 0.5, 1000.0)], 1.0)
    assert quantity.withheld.startswith("too short")
    quantity, _ = pair_lifetime([np.ones((50, 20), dtype=bool)], 1.0)
    assert quantity.withheld.startswith("too short")
    quantity, _ = pair_lifetime([exchange(rng, 200, 3, 0.5, 5.0)], 1.0)
    assert "only 3 ions" in quantity.withheld
    quantity, _ = pair_lifetime([np.zeros((50, 0), dtype=bool)], 1.0)
    assert "no ion ever was" in quantity.withheld


@pytest.mark.parametrize(
    ("runs", "timestep", "options", "says"),
    [
        ([np.ones((5, 2))], 0.0, {}, "time between frames"),
        ([np.ones((5, 2))], 1.0, {"kind": "other"}, "not 'other'"),
        ([np.full((5, 2), 0.5)], 1.0, {}, "other than 0 and 1"),
        ([np.ones(5)], 1.0, {}, "shape"),
        ([], 1.0, {}, "at least one run"),
        ([np.ones((5, 2))], 1.0, {"ions": [[1]]}, "one ion index"),
        ([np.ones((5, 2))], 1.0, {"pairs": 1}, "possible pairs"),
    ],
)
def test_bad_input(runs: list, timestep: float, options: dict, says: str) -> None:
    with pytest.raises(InputError, match=says):
        pair_lifetime(runs, timestep, **options)
