"""Sums of potentials."""

from __future__ import annotations

import numpy as np
import pytest

from elyte.core.errors import InputError, UnknownSpecies
from elyte.core.frame import Frame
from elyte.potentials import Potential
from elyte.potentials.combine import Mean, Sum
from elyte.potentials.mtp import MTP
from elyte.testing import check_potential

from .mtp_cases import potential, structure


def test_adds_every_part() -> None:
    parts = potential(8, seed=1), potential(6, cutoff=4.0, seed=2)
    frames = [structure(1, 12), structure(2, 5)]
    total = Sum(parts)
    assert isinstance(total, Potential)
    assert total.cutoff == 4.0
    found = total.evaluate(frames)
    for k, sums in enumerate(found):
        one, two = (part.evaluate(frames)[k] for part in parts)
        assert sums.energy == one.energy + two.energy
        for name in ("forces", "stress", "energies"):
            np.testing.assert_array_equal(
                getattr(sums, name), getattr(one, name) + getattr(two, name)
            )


def test_public_suite() -> None:
    parts = MTP.initial(6, ["H", "C", "O"], cutoff=4.0), MTP.initial(8, ["O", "H"], cutoff=3.0)
    total = Sum(parts)
    assert total.species == (1, 8)
    check_potential(total).require()


def test_refused() -> None:
    with pytest.raises(InputError, match="one at least"):
        Sum(())
    with pytest.raises(InputError, match="no element in common"):
        Sum((MTP.initial(2, ["H"]), MTP.initial(2, ["O"])))
    total = Sum((potential(2), MTP.initial(2, ["H", "C"])))
    with pytest.raises(UnknownSpecies, match="does not know O"):
        total.evaluate([Frame([8], [[0, 0, 0]])])


def test_the_mean_of_an_ensemble() -> None:
    frame = structure(1, 12)
    members = tuple(potential(8, seed=seed) for seed in range(3))
    (mean,) = Mean(members).evaluate([frame])
    parts = [member.evaluate([frame])[0] for member in members]
    assert mean.energy == pytest.approx(np.mean([part.energy for part in parts]))
    for name in ("forces", "stress", "energies"):
        expected = np.mean([getattr(part, name) for part in parts], axis=0)
        np.testing.assert_allclose(getattr(mean, name), expected, atol=1e-12)
    assert isinstance(Mean(members), Potential)
    assert Mean(members).species == members[0].species
    assert Mean(members).cutoff == members[0].cutoff


def test_an_ensemble_needs_two_members_that_know_the_same_elements() -> None:
    with pytest.raises(InputError, match="two potentials"):
        Mean((potential(8),))
    with pytest.raises(InputError, match="different elements"):
        Mean((potential(8), MTP.initial(4, (1, 9))))
