"""Random and ensemble selection."""

from __future__ import annotations

import numpy as np
import pytest
from selection_cases import potential, random_frames

from elyte.core import Frame, InputError
from elyte.selection import ActiveSet, EnsembleSelector, RandomSelector


def test_random_selection_is_a_seeded_draw_without_replacement():
    frames = random_frames(20)
    first = RandomSelector(seed=4).select(potential(), frames, limit=7)
    assert first == RandomSelector(seed=4).select(potential(), frames, limit=7)
    assert first != RandomSelector(seed=5).select(potential(), frames, limit=7)
    assert len(set(first)) == 7
    assert sorted(RandomSelector().select(potential(), frames)) == list(range(20))


def test_random_selection_is_uniform():
    frames = random_frames(5)
    counts = np.zeros(5)
    for seed in range(1000):
        counts[RandomSelector(seed).select(None, frames, limit=2)] += 1
    assert np.abs(counts - 400).max() < 5 * np.sqrt(1000 * 0.4 * 0.6)


def test_the_ensemble_picks_by_the_largest_force_deviation():
    members = [potential(seed) for seed in range(3)]
    frames = random_frames(12)
    selector = EnsembleSelector(members[1:])
    spread = [
        np.std([m.evaluate([f])[0].forces for m in members], axis=0, ddof=1).max() for f in frames
    ]
    assert selector.select(members[0], frames) == list(np.argsort(-np.array(spread)))
    cut = float(np.median(spread))
    chosen = EnsembleSelector(members[1:], threshold=cut).select(members[0], frames)
    assert set(chosen) == {i for i in range(12) if spread[i] > cut}
    assert EnsembleSelector(members[1:]).select(members[0], frames, limit=2) == chosen[:2]


def test_equal_members_agree_and_a_lone_member_is_refused():
    assert EnsembleSelector([potential()]).select(potential(), random_frames(3)) == []
    with pytest.raises(InputError, match="two members"):
        EnsembleSelector([]).select(potential(), random_frames(1))


def largest_variance(chosen: list[Frame], frames: list[Frame]) -> float:
    """Return the largest variance of a site energy that least squares on site energies leaves.

    Var(E_i) = b_i (BᵀB)⁻¹ b_iᵀ for labels with unit noise.
    """
    rows = np.concatenate([potential().atom_gradients(frame) for frame in chosen])
    inverse = np.linalg.inv(rows.T @ rows + 1e-8 * np.eye(rows.shape[1]))
    all_rows = np.concatenate([potential().atom_gradients(frame) for frame in frames])
    return float(np.einsum("ia,ab,ib->i", all_rows, inverse, all_rows).max())


def test_with_as_many_labels_maxvol_leaves_less_uncertainty_than_a_random_choice():
    # as in a trajectory, most frames are alike and a few are not
    usual, rare = random_frames(60, first=100), random_frames(6, first=900, length=5.0)
    start, pool = random_frames(4), usual + rare
    active = ActiveSet.build(potential(), start)
    chosen = active.select(potential(), pool, limit=6)
    by_maxvol = largest_variance(start + [pool[i] for i in chosen], pool)
    at_random = [
        largest_variance(start + [pool[i] for i in picks], pool)
        for picks in (RandomSelector(s).select(None, pool, limit=6) for s in range(20))
    ]
    assert by_maxvol < 0.5 * np.median(at_random)
    assert by_maxvol < min(at_random)
