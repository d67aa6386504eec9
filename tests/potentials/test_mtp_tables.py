"""The generated tables: their counts, and that they span what MLIP's own tables span."""

from __future__ import annotations

import numpy as np
import pytest

from data import shared_data
from elyte.core.errors import InputError
from elyte.core.neighbours import neighbours_naive
from elyte.potentials.mtp import MTP, reference
from elyte.potentials.mtp.tables import Tables, generate, scalar_graphs
from mlip_oracles import ELEMENTS

from .mtp_cases import potential, structure

# basic moments, moments, scalars, radial functions, products
COUNTS = {
    2: (1, 1, 1, 1, 0),
    8: (11, 18, 9, 2, 14),
    12: (46, 84, 29, 3, 117),
    16: (130, 350, 92, 4, 969),
    20: (295, 1352, 288, 5, 6349),
}


def counts(tables: Tables) -> tuple[int, ...]:
    return (
        len(tables.basic),
        tables.moments_count,
        len(tables.mapping),
        tables.n_mu,
        len(tables.products),
    )


@pytest.mark.parametrize("level", COUNTS)
def test_counts(level: int) -> None:
    assert counts(generate(level)) == COUNTS[level]


@pytest.mark.slow
def test_counts_of_high_levels() -> None:
    assert counts(generate(24)) == (581, 4991, 864, 6, 36170)
    assert len(generate(26).mapping) > 864


@pytest.mark.parametrize("level", [2, 4, 6, 8, 10, 12, 14, 16])
def test_level_is_found_in_the_tables(level: int) -> None:
    assert generate(level).level == level
    assert generate(level) == generate(level + 1)


@pytest.mark.parametrize("level", [1, 29, 0, -2])
def test_level_out_of_range(level: int) -> None:
    with pytest.raises(InputError, match="level from 2 to 28"):
        generate(level)


def test_graphs_of_level_eight() -> None:
    """Counted by hand: V + 2Σμ + E ≤ 4."""
    graphs = scalar_graphs(8)
    assert [len(g) for g in graphs].count(1) == 2
    assert [len(g) for g in graphs].count(2) == 4
    assert [len(g) for g in graphs].count(3) == 2
    assert [len(g) for g in graphs].count(4) == 1


def test_scalars_do_not_turn() -> None:
    """Every scalar is invariant under a rotation, none is under a change of the structure."""
    mtp, frame = potential(12), structure(3, 6)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = frame.moved(frame.positions @ turn, frame.cell @ turn)
    before, after = (scalars(mtp, f) for f in (frame, turned))
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9 * np.abs(before).max())


def scalars(mtp: MTP, frame: object) -> np.ndarray:
    """Return B_α of each atom, (n, A)."""
    first = len(mtp.species)
    return reference.atom_gradients(mtp, frame)[:, first : first + len(mtp.tables.mapping)]


@pytest.mark.parametrize("level", [8, 12, 16])
def test_spans_what_the_tables_of_mlip_span(level: int) -> None:
    """Least squares from one basis to the other leaves nothing, on random neighbourhoods."""
    path = shared_data(f"oracles/mtp_liquid/p{level}_3.almtp")
    theirs = MTP.load(path, ELEMENTS[:3])
    tables = generate(level)
    mine = MTP(
        theirs.species,
        theirs.min_distance,
        theirs.max_distance,
        tables,
        theirs.radial,
        theirs.species_coefficients,
        np.ones(len(tables.mapping)),
    )
    assert len(mine.moment_coefficients) == len(theirs.moment_coefficients)
    few = MTP(**{**vars_of(theirs), "max_distance": 3.5})
    few_mine = MTP(**{**vars_of(mine), "max_distance": 3.5})
    frames = [replace_species(structure(seed, 40), theirs.species) for seed in range(4)]
    a, b = (np.vstack([scalars(p, f) for f in frames]) for p in (few, few_mine))
    a, b = a / np.linalg.norm(a, axis=0), b / np.linalg.norm(b, axis=0)
    assert len(a) > a.shape[1]
    assert np.linalg.matrix_rank(a, 1e-13) == np.linalg.matrix_rank(b, 1e-13)
    for x, y in ((a, b), (b, a)):
        residual = y - x @ np.linalg.lstsq(x, y, rcond=1e-14)[0]
        assert np.abs(residual).max() < 1e-9


def vars_of(mtp: MTP) -> dict:
    names = ["species", "min_distance", "max_distance", "tables", "radial", "species_coefficients"]
    return {name: getattr(mtp, name) for name in names} | {
        "moment_coefficients": mtp.moment_coefficients
    }


def replace_species(frame, species):
    numbers = np.array(species)[np.searchsorted(np.unique(frame.numbers), frame.numbers)]
    return type(frame)(numbers, frame.positions, frame.cell, frame.pbc)


def test_bad_tables_are_refused() -> None:
    good = generate(8)
    with pytest.raises(InputError, match="outside the moments"):
        Tables(good.basic, good.products, [99], good.moments_count)
    with pytest.raises(InputError, match="before it is complete"):
        Tables(good.basic, good.products[::-1], good.mapping, good.moments_count)
    with pytest.raises(InputError, match="outside the moments"):
        Tables(good.basic, good.products, good.mapping, good.moments_count - 1)


def test_neighbourhoods_are_random_enough() -> None:
    assert len(neighbours_naive(structure(0, 40), 3.5)) > 100
