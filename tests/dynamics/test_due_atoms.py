"""Which atoms are graded at a step: on their turn, and those that may have the largest grade."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from elyte._native import dynamics as native

GROUP = 16


def follow(
    grades: Callable[[int], np.ndarray], n: int, steps: int, rotation: int = 8, margin: float = 4.0
) -> tuple[list[list[int]], np.ndarray]:
    """Return the atoms graded, and the largest grade seen, at the steps 1, 2, …."""
    due = native.DueAtoms(n, rotation, margin)
    chosen, largest = [], []
    for step in range(1, steps + 1):
        chosen.append(due.choose(step))
        true = grades(step)
        due.take(true[chosen[-1]].tolist())
        assert due.largest == true[chosen[-1]].max()
        assert true[due.atom] == due.largest
        largest.append(due.largest)
    return chosen, np.array(largest)


def test_at_rest_only_the_largest_is_graded_besides_those_on_their_turn() -> None:
    still = np.linspace(0.5, 1.0, 320)
    chosen, _ = follow(lambda step: still, 320, 40)
    assert chosen[0] == chosen[1] == list(range(320))
    for step, atoms in enumerate(chosen[2:], 3):
        turn = [i for i in range(320) if i // GROUP % 8 == step % 8]
        assert atoms == sorted({*turn, 319})


@settings(max_examples=30, deadline=None, derandomize=True)
@given(
    n=st.integers(1, 200),
    rotation=st.integers(1, 12),
    margin=st.floats(0, 10),
    seed=st.integers(0, 99),
)
def test_every_atom_has_its_turn(n: int, rotation: int, margin: float, seed: int) -> None:
    random = np.random.default_rng(seed)
    path = np.abs(np.cumsum(random.normal(0, 0.05, (40, n)), axis=0) + random.uniform(0, 2, n))
    chosen, _ = follow(lambda step: path[step - 1], n, 40, rotation, margin)
    for atoms in chosen:
        assert atoms == sorted(set(atoms))
        assert atoms
    for first in range(0, 40 - rotation):
        assert set().union(*chosen[first : first + rotation]) == set(range(n))


def test_an_atom_that_rises_steadily_is_never_behind() -> None:
    """Atom 3 overtakes atom 200; neither is on its turn more often than at each 30th step."""

    def grades(step: int) -> np.ndarray:
        values = np.full(480, 0.3)
        values[200] = 2.0 + 0.01 * np.sin(step)
        values[3] = 0.5 + 0.05 * step
        return values

    chosen, largest = follow(grades, 480, 60, rotation=30)
    np.testing.assert_array_equal(largest, [grades(step).max() for step in range(1, 61)])
    assert all(3 in atoms for atoms in chosen[30:])
    assert np.mean([len(atoms) for atoms in chosen[2:]]) < 40


def test_a_jump_is_seen_within_a_rotation() -> None:
    for jump in range(10, 19):

        def grades(step: int, jump: int = jump) -> np.ndarray:
            values = np.full(160, 0.5)
            values[40] = 5.0 if step >= jump else 0.5
            values[100] = 1.0
            return values

        _, largest = follow(grades, 160, 40)
        first = 1 + int(np.argmax(largest == 5.0))
        assert jump <= first < jump + 8
        assert (largest[first - 1 :] == 5.0).all()


def test_swinging_grades_are_seen_nearly_all() -> None:
    """Vibrations with 10 to 100 steps a period, of all amplitudes: the largest of every step."""
    random = np.random.default_rng(0)
    n = 400
    mean, width = random.uniform(0.2, 1.0, n), random.uniform(0.02, 0.3, n)
    phase, period = random.uniform(0, 2 * np.pi, n), random.uniform(10, 100, n)

    def grades(step: int) -> np.ndarray:
        return mean + width * np.sin(phase + 2 * np.pi * step / period)

    chosen, largest = follow(grades, n, 1000)
    true = np.array([grades(step).max() for step in range(1, 1001)])
    assert (largest / true).mean() > 0.999
    assert (largest / true).min() > 0.9
    assert np.mean([len(atoms) for atoms in chosen]) < 0.4 * n


def test_what_is_no_number_is_the_largest_and_is_found_again() -> None:
    for bad in (np.nan, np.inf):
        due = native.DueAtoms(64, 8, 4.0)
        for step in range(1, 20):
            atoms = due.choose(step)
            assert 20 in atoms or step < 3
            due.take([bad if atom == 20 else 1.0 for atom in atoms])
            assert due.largest == np.inf
            assert due.atom == 20
        after = [due.choose(step) for step in (20, 21)]
        assert all(20 in atoms for atoms in after)


def test_after_forgetting_two_steps_are_of_all() -> None:
    still = np.linspace(0.5, 1.0, 64).tolist()
    due = native.DueAtoms(64, 4, 4.0)
    sizes = []
    for step in range(1, 13):
        if step == 7:
            due.forget()
        atoms = due.choose(step, step == 11)
        sizes.append(len(atoms))
        due.take([still[i] for i in atoms])
    assert sizes == [64, 64, 16, 17, 17, 17, 64, 64, 17, 17, 64, 17]
