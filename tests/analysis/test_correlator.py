"""Displacements fed in blocks against those of the whole walk."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.analysis.correlation import cross_displacement, mean_squared_displacement
from elyte.analysis.correlator import DisplacementCorrelator
from elyte.core.errors import InputError
from elyte.testing.synthetic import brownian


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 30), st.lists(st.integers(1, 17), min_size=1, max_size=8), st.booleans())
def test_blocks_of_any_length_give_what_the_whole_walk_gives(
    window: int, blocks: list[int], crossed: bool
) -> None:
    walk = 50 + brownian(np.random.default_rng(sum(blocks)), sum(blocks), 3, 1.0)
    correlator = DisplacementCorrelator(window, 3, crossed)
    for block in np.split(walk, np.cumsum(blocks)[:-1]):
        correlator.add(block)
        if len(block) % 5 == 0:
            correlator.displacements()  # looking changes nothing
    found = correlator.displacements()
    lags = min(window, len(walk))
    assert len(found) == lags
    for i in range(3):
        own = found[:, i, i] if crossed else found[:, i]
        np.testing.assert_allclose(own, mean_squared_displacement(walk[:, i], lags), atol=1e-8)
    if crossed:
        np.testing.assert_allclose(
            found[:, 0, 2], cross_displacement(walk[:, 0], walk[:, 2], lags), atol=1e-8
        )
        np.testing.assert_array_equal(found, found.transpose(0, 2, 1))


def test_goes_on_from_a_state() -> None:
    walk = brownian(np.random.default_rng(1), 60, 2, 1.0)
    one, two = DisplacementCorrelator(9, 2), DisplacementCorrelator(9, 2)
    one.add(walk[:31])
    two.restore(one.state())
    two.add(walk[31:])
    expected = np.mean([mean_squared_displacement(walk[:, i], 9) for i in range(2)], axis=0)
    np.testing.assert_allclose(two.displacements().mean(axis=1), expected, atol=1e-9)
    with pytest.raises(InputError, match="another window"):
        DisplacementCorrelator(8, 2).restore(one.state())


def test_bad_input() -> None:
    with pytest.raises(InputError, match="window"):
        DisplacementCorrelator(1, 2)
    with pytest.raises(InputError, match="shape"):
        DisplacementCorrelator(5, 2).add(np.zeros((4, 3, 3)))
