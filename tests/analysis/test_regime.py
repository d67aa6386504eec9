"""The exponent of displacements, and what pair lifetime over rotation time says."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.analysis.intervals import with_intervals
from elyte.analysis.transport.mechanism import mechanism
from elyte.analysis.transport.regime import log_log_slope
from elyte.core.quantity import Quantity


def test_ballistic_brownian_and_caged() -> None:
    rng = np.random.default_rng(0)
    start, speed = rng.normal(size=(1, 40, 3)), rng.normal(size=(1, 40, 3))
    ballistic = start + speed * np.arange(200.0)[:, None, None]
    assert log_log_slope([ballistic], 1.0).value == pytest.approx(2.0)
    brownian = np.cumsum(rng.normal(size=(2000, 40, 3)), axis=0)
    found = log_log_slope([brownian], 1.0, 10)
    assert found.value == pytest.approx(1.0, abs=4 * found.error)
    assert found.error < 0.1
    assert found.details["time_ps"] == pytest.approx(0.01)
    caged = rng.normal(size=(500, 40, 3))
    assert abs(log_log_slope([caged], 1.0, 5).value) < 0.05


def test_nothing_to_see() -> None:
    assert (
        "too short"
        in log_log_slope([np.random.default_rng(0).normal(size=(8, 9, 3))], 1.0, 4).withheld
    )
    assert "nothing moves" in log_log_slope([np.zeros((40, 9, 3))], 1.0).withheld


def time(value: float, error: float, name: str) -> Quantity:
    return with_intervals(
        name, value, (value - error, value + error), (value - 2 * error, value + 2 * error), "ps"
    )


@pytest.mark.parametrize(
    ("pair", "verdict"), [(100.0, "vehicular"), (2.0, "structural"), (11.0, "not decided")]
)
def test_the_mechanism(pair: float, verdict: str) -> None:
    found = mechanism(
        time(pair, 0.1 * pair, "intermittent pair lifetime"), time(10.0, 1.0, "rotation"), "Li+–EC"
    )
    assert found.value == pytest.approx(pair / 10)
    assert found.details["mechanism"] == verdict
    assert verdict in found.method
    assert found.species == "Li+–EC"


def test_no_mechanism_without_a_lifetime() -> None:
    missing = Quantity.withhold("intermittent pair lifetime", "ps", "too short")
    assert "needs the intermittent" in mechanism(missing, time(10.0, 1.0, "rotation")).withheld
