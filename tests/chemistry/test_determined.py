"""Which energies a set of compositions determines."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte.chemistry import find_species
from elyte.chemistry.determined import completed, determine, neutral_units
from elyte.core import InputError


def test_one_composition_fixes_one_sum() -> None:
    found = determine([{"EMIM+": 4, "Li+": 4, "BF4-": 8}])
    assert (found.rank, found.needed) == (1, 2)
    assert not found.complete
    assert found.determined == ()
    assert found.together == (("EMIM+", "Li+", "BF4-"),)
    assert "2 are needed" in found.message
    assert "EMIM+, Li+, BF4-" in found.message


def test_two_mixed_compositions_tell_cations_apart() -> None:
    found = determine([{"EMIM+": 4, "Li+": 6, "BF4-": 10}, {"EMIM+": 6, "Li+": 4, "BF4-": 10}])
    assert found.complete
    assert found.message == ""
    # What is left open is a constant times the charge: no ion alone is determined.
    assert found.determined == ()


def test_solvents_are_determined_when_their_ratio_varies() -> None:
    rows = [{"EC": 3, "EMC": 7}, {"EC": 4, "EMC": 6}]
    found = determine(rows)
    assert found.complete
    assert found.determined == ("EC", "EMC")
    # In a salt solution of two compositions the solvent alone is fixed, the ions as a pair.
    salt = determine([{"Li+": 1, "PF6-": 1, "EC": 8}, {"Li+": 2, "PF6-": 2, "EC": 7}])
    assert salt.complete
    assert salt.determined == ("EC",)
    assert salt.together == (("Li+", "PF6-"),)


def test_the_null_space_says_what_can_be_shifted() -> None:
    """A made-up shift of energies along it leaves every label as it was."""
    rows = [{"Li+": 1, "PF6-": 1, "EC": 4, "EMC": 6}, {"Li+": 2, "PF6-": 2, "EC": 3, "EMC": 6}]
    found = determine(rows)
    assert not found.complete
    species = list(found.species)
    matrix = np.array([[row.get(s, 0) for s in species] for row in rows], float)
    for group in found.together:
        inside = [species.index(s) for s in group]
        # within a group there is a direction with no effect on any label
        assert np.linalg.matrix_rank(matrix[:, inside]) < len(inside)
    for name in found.determined:
        unit = np.eye(len(species))[species.index(name)]
        assert np.linalg.matrix_rank(np.vstack([matrix, unit])) == np.linalg.matrix_rank(matrix)


def test_units_are_neutral_and_independent() -> None:
    species = ["Li+", "Mg2+", "PF6-", "TFSI-", "EC"]
    units = neutral_units(species)
    assert len(units) == len(species) - 1
    for unit in units:
        assert sum(find_species(s).charge * n for s, n in unit.items()) == 0
    matrix = np.array([[unit.get(s, 0) for s in species] for unit in units])
    assert np.linalg.matrix_rank(matrix) == len(units)


amounts = st.integers(1, 12)


@settings(max_examples=60, deadline=None)
@given(salt=amounts, other=amounts, a=amounts, b=amounts)
def test_completed_sets_are_complete_neutral_and_begin_with_what_was_given(
    salt: int, other: int, a: int, b: int
) -> None:
    base = {"Li+": salt, "EMIM+": other, "TFSI-": salt + other, "EC": a, "EMC": b}
    rows = completed([base])
    assert rows[0] == base
    assert determine(rows).complete
    assert len(rows) == len(base) - 1
    for row in rows:
        assert sum(find_species(s).charge * n for s, n in row.items()) == 0
        assert set(row) == set(base)  # mixed, never a pure end


def test_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="no composition"):
        determine([])
    with pytest.raises(InputError, match="empty"):
        determine([{"EC": 0}])
