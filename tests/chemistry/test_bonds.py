"""Bond graphs and the watch over them, against a naive search over images."""

from __future__ import annotations

import time
from itertools import product

import ase.io
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data import shared_data
from elyte.chemistry import (
    BondWatch,
    bond_graph,
    census,
    molecule_ids,
    pack_box,
    scaled_and_rattled,
    template_bonds,
)
from elyte.chemistry.bonds import near_pairs
from elyte.core import Frame

COUNTS = {"Li+": 2, "PF6-": 2, "EC": 8, "EMC": 2}
DEEP = {"Li+": 3, "TFSI-": 3, "urea": 9}


@pytest.fixture(scope="module")
def box() -> Frame:
    return pack_box(COUNTS, 1.25, seed=5)


def naive_pairs(frame: Frame, reach: float) -> dict[tuple[int, int], float]:
    shifts = [np.array(s) @ frame.cell for s in product(range(-3, 4), repeat=3)]
    found: dict[tuple[int, int], float] = {}
    for i in range(len(frame)):
        for j in range(i + 1, len(frame)):
            d = min(np.linalg.norm(frame.positions[j] + s - frame.positions[i]) for s in shifts)
            if d < reach:
                found[i, j] = d
    return found


@given(st.integers(0, 2**31), st.floats(0.5, 3.5))
def test_pairs_in_any_cell_also_smaller_than_the_reach(seed: int, reach: float) -> None:
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.5, 6.0, 3)) + rng.uniform(-0.8, 0.8, (3, 3))
    frame = Frame(np.full(6, 6), rng.uniform(-9, 9, (6, 3)), cell, np.ones(3, bool))
    inverse = np.linalg.inv(cell)
    wrapped = frame.positions @ inverse
    wrapped = (wrapped - np.floor(wrapped)) @ cell
    naive = naive_pairs(frame.moved(wrapped), reach)
    pairs, distances = near_pairs(frame, reach)
    assert [tuple(p) for p in pairs] == sorted(naive)
    np.testing.assert_allclose(distances, [naive[p] for p in sorted(naive)], rtol=1e-9)


def test_graph_of_a_packed_box_is_that_of_its_molecules(box: Frame) -> None:
    expected = np.unique(np.sort(template_bonds(COUNTS), axis=1), axis=0)
    np.testing.assert_array_equal(bond_graph(box, within_molecules=True), expected)
    np.testing.assert_array_equal(molecule_ids(box, expected), box.molecules)
    assert census(box) == {"C3H4O3": 8, "C4H8O3": 2, "F6P": 2, "Li": 2}


def test_graph_without_box_and_across_the_boundary(box: Frame) -> None:
    shifted = box.positions + 3.3
    wrapped = shifted - np.floor(shifted / box.cell[0, 0]) * box.cell[0, 0]
    np.testing.assert_array_equal(bond_graph(box), bond_graph(box.moved(wrapped)))
    water = Frame(np.array([8, 1, 1]), np.array([[0, 0, 0], [0.96, 0, 0], [-0.24, 0.93, 0]]))
    assert bond_graph(water).tolist() == [[0, 1], [0, 2]]
    assert census(water) == {"H2O": 1}


def test_metal_ions_are_never_bonded() -> None:
    close = Frame(np.array([3, 8, 11, 9]), np.array([[0, 0, 0], [1.6, 0, 0], [9, 0, 0], [9, 2, 0]]))
    assert len(bond_graph(close)) == 0
    assert BondWatch(close).changes(close) == []


@pytest.mark.parametrize(
    "counts", [COUNTS, DEEP, {"EMIM+": 4, "BF4-": 4}, {"choline+": 3, "Cl-": 3, "water": 6}]
)
def test_thermal_frames_are_silent(counts: dict[str, int]) -> None:
    for seed in range(3):
        frame = pack_box(counts, 1.1, seed=seed)
        for watch in (BondWatch(frame), BondWatch(frame, template_bonds(counts))):
            for k in range(40):
                assert watch.changes(scaled_and_rattled(frame, 1.0 + 0.002 * k, 0.07, k)) == []


def _index(frame: Frame, element: int, molecule: int) -> list[int]:
    return np.flatnonzero((frame.numbers == element) & (frame.molecules == molecule)).tolist()


def test_a_broken_bond_is_named(box: Frame) -> None:
    phosphorus, fluorine = _index(box, 15, 2)[0], _index(box, 9, 2)[0]
    positions = box.positions.copy()
    vector = positions[fluorine] - positions[phosphorus]
    positions[fluorine] += vector / np.linalg.norm(vector) * 1.1  # 2.7 Å
    changes = BondWatch(box).changes(box.moved(positions))
    assert f"F{fluorine}–P{phosphorus} broken at 2.71 Å" in [
        c.replace(f"P{phosphorus}–F{fluorine}", f"F{fluorine}–P{phosphorus}") for c in changes
    ]


def test_a_proton_transfer_is_a_broken_and_a_formed_bond() -> None:
    frame = pack_box({"urea": 2}, 0.2, seed=1)
    oxygen = _index(frame, 8, 1)[0]
    hydrogen = _index(frame, 1, 0)[0]
    positions = frame.positions.copy()
    carbon = _index(frame, 6, 1)[0]
    away = positions[oxygen] - positions[carbon]
    positions[hydrogen] = positions[oxygen] + 1.0 * away / np.linalg.norm(away)
    changes = BondWatch(frame).changes(frame.moved(positions))
    assert sum("broken" in c for c in changes) == 1
    assert sum("formed" in c for c in changes) == 1
    assert BondWatch(frame).changed(frame.moved(positions))


def test_a_hydrogen_bond_is_no_bond() -> None:
    frame = pack_box({"water": 2}, 0.1, seed=1)
    positions = frame.positions.copy()
    donor, acceptor = positions[0], positions[1] - positions[0]
    positions[3:] += donor + acceptor / np.linalg.norm(acceptor) * 2.45 - positions[3]
    assert BondWatch(frame).changes(frame.moved(positions)) == []  # H···O of 1.5 Å


def test_two_molecules_that_merge_are_noticed() -> None:
    frame = pack_box({"EC": 2}, 0.2, seed=2)
    first, second = _index(frame, 6, 0)[1], _index(frame, 8, 1)[0]
    positions = frame.positions.copy()
    other = frame.molecules == 1
    target = positions[first] + np.array([1.35, 0, 0])
    positions[other] += target - positions[second]
    changes = BondWatch(frame).changes(frame.moved(positions))
    assert any("formed" in c for c in changes)
    assert not any("broken" in c for c in changes)


def test_contacts_of_the_reference_are_not_new() -> None:
    frame = Frame(
        np.array([16, 6]), np.array([[0, 0, 0], [1.95, 0, 0]]), molecules=np.array([0, 1])
    )
    watch = BondWatch(frame)
    assert len(watch.bonds) == 0
    assert watch.changes(frame) == []


def test_a_watch_is_quick() -> None:
    counts = {"Li+": 6, "PF6-": 6, "EC": 55}
    frame = pack_box(counts, 1.1, seed=0)
    watch = BondWatch(frame)
    watch.changes(frame)
    best = min(_timed(watch, frame) for _ in range(10))
    assert best < 0.02  # about 2 ms on an idle machine


def _timed(watch: BondWatch, frame: Frame) -> float:
    start = time.perf_counter()
    watch.changes(frame)
    return time.perf_counter() - start


def test_dynamics_of_real_carbonates_is_silent() -> None:
    frames = ase.io.read(shared_data("labelled/carbonates_xtb/xtb_md.xyz"), index="::4")
    first = Frame.from_ase(frames[0])
    watch = BondWatch(first)
    assert len(watch.bonds) > len(first) / 2
    for atoms in frames:
        assert watch.changes(Frame.from_ase(atoms)) == []
