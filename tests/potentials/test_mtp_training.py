"""Training: recovers a known potential, goes on from an earlier one, refuses what is not sound."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.core import Dataset, Frame, InputError, Labels, UnknownSpecies
from elyte.potentials.mtp import MTP, comparison
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.training import smallest_distance, train

from .training_cases import frames_of, initial, labelled, truth

FINE = {"tolerance": 1e-6, "ridge": 0.0, "threads": 1}


def test_recovers_the_potential_that_made_the_labels() -> None:
    data, new = labelled(truth(), frames_of(24)), labelled(truth(), frames_of(6, seed=7))
    result = train(initial(), data, tolerance=1e-4, max_iterations=150, ridge=0.0, threads=1)
    assert result.errors.force_rmse < 2e-3 * np.std([x.labels.forces.std() for x in data]) + 5e-3
    at_random = Loss(initial(), data).at(initial().parameters, gradient=False)
    assert result.history[-1].loss < 1e-5 * at_random.loss
    for item, found in zip(new, result.potential.evaluate(new.frames), strict=True):
        np.testing.assert_allclose(found.forces, item.labels.forces, atol=0.1)


def test_from_near_the_truth_the_loss_goes_to_zero() -> None:
    data = labelled(truth(), frames_of(16))
    near = truth().with_parameters(
        truth().parameters + np.random.default_rng(1).normal(scale=0.01, size=truth().n_parameters)
    )
    result = train(near, data, max_iterations=60, **FINE)
    assert result.errors.force_rmse < 1e-4
    assert result.errors.energy_rmse < 2e-5
    assert len(result.history) < 30


def test_linear_coefficients_alone_are_solved_at_once() -> None:
    data = labelled(truth(), frames_of(16))
    theta = truth().parameters
    theta[: 2 + len(truth().moment_coefficients)] = 0
    result = train(truth().with_parameters(theta), data, max_iterations=1, **FINE)
    assert result.history[0].force_rmse < 1e-4


def test_a_warm_start_goes_on_where_the_first_training_ended() -> None:
    data = labelled(truth(), frames_of(20))
    first = train(initial(), data, max_iterations=10, threads=1)
    second = train(first.potential, data, max_iterations=10, threads=1)
    assert second.history[0].loss <= first.history[-1].loss * (1 + 1e-9)
    assert second.history[-1].loss < first.history[-1].loss
    cold = train(initial(), data, max_iterations=10, threads=1)
    assert cold.history[-1].loss == first.history[-1].loss  # the same seed, bit for bit


def test_one_composition_leaves_species_at_the_isolated_atoms() -> None:
    frames = [frame for frame in frames_of(18) if len(frame) == 8]
    data = labelled(truth(), frames)
    atoms = {1: -2.0, 8: -12.0}
    result = train(initial(), data, isolated_atoms=atoms, max_iterations=15, threads=1)
    shift = result.potential.species_coefficients - np.array([-2.0, -12.0])
    assert shift[0] == pytest.approx(shift[1], abs=1e-6)  # both counts are 4: only the sum is known
    assert abs(shift[0]) < 5
    alone = train(initial(), data, max_iterations=15, threads=1)
    assert np.isfinite(alone.potential.parameters).all()
    assert alone.errors.energy_rmse < 0.05


def test_frames_without_forces_or_stress_count_for_what_they_have() -> None:
    data = labelled(truth(), frames_of(12))
    bare = [replace(x, labels=Labels(x.labels.energy)) for x in data[:4]]
    unstressed = [replace(x, labels=Labels(x.labels.energy, x.labels.forces)) for x in data[4:8]]
    mixed = Dataset([*bare, *unstressed, *data[8:]])
    result = train(initial(), mixed, max_iterations=20, threads=1)
    assert result.errors.energy_rmse < 0.05
    loss = Loss(initial(), mixed)
    assert (loss.weights[:4, 1:] == 0).all()
    assert (loss.weights[4:8, 2] == 0).all()
    many = labelled(truth(), frames_of(initial(2).n_parameters + 1))
    only = Dataset(replace(x, labels=Labels(x.labels.energy)) for x in many)
    assert train(initial(2), only, max_iterations=3, threads=1).errors.force_rmse == 0.0


def test_molecules_without_a_box_are_trained_on() -> None:
    frames = [Frame(f.numbers, f.positions) for f in frames_of(10)]
    result = train(initial(), labelled(truth(), frames), max_iterations=20, threads=1)
    assert result.errors.force_rmse < 0.1
    assert result.errors.stress_rmse == 0.0


def test_a_large_set_begins_with_a_part_and_a_warm_start_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = labelled(truth(), frames_of(120))
    compared = train(initial(), data, max_iterations=60, threads=1)
    monkeypatch.setattr(comparison, "COST", 0.0)  # so that one start goes through all stages
    monkeypatch.setattr(comparison, "COST_OF_FEW", 0.0)
    result = train(initial(), data, max_iterations=60, threads=1)
    frames = [record.frames for record in result.history]
    assert frames[0] < 60
    assert frames[-1] == 120
    assert frames == sorted(frames)
    parts = sorted(set(frames))
    assert sorted({record.frames for record in compared.history}) == parts[2:]
    warm = train(result.potential, data, max_iterations=3, threads=1)
    assert warm.history[0].frames == 120
    assert warm.history[0].matrices < 1


def test_limits_are_kept_and_told() -> None:
    data = labelled(truth(), frames_of(8))
    told: list[tuple[float, float, str]] = []
    result = train(
        initial(), data, max_evaluations=8, threads=1, progress=lambda *x: told.append(x)
    )
    assert result.outcome.kind == "stopped"
    assert "gradients" in result.outcome.reason
    assert result.history[-1].gradients <= 12
    assert "meV" in told[-1][2]
    assert len(told) == len(result.history)
    timed = train(initial(), data, max_seconds=1e-6, threads=1)
    assert timed.outcome.kind == "stopped"
    assert len(timed.history) == 2


def test_held_out_frames_choose_the_best_iteration() -> None:
    random = np.random.default_rng(0)
    data = labelled(truth(), frames_of(6))
    noisy = Dataset(
        replace(
            x,
            labels=Labels(x.labels.energy, x.labels.forces + random.normal(size=(len(x.frame), 3))),
        )
        for x in data
    )
    held = labelled(truth(), frames_of(6, seed=9))
    result = train(initial(), noisy, validation=held, tolerance=0.0, ridge=0.0, threads=1)
    losses = [record.validation_loss for record in result.history]
    judged = Loss(initial(), held).at(result.potential.parameters).loss
    assert judged == pytest.approx(min(losses), rel=1e-9)


@pytest.mark.parametrize("what", ["energy", "forces", "stress"])
def test_labels_that_are_not_finite_are_refused(what: str) -> None:
    data = labelled(truth(), frames_of(3))
    value = np.nan if what == "energy" else np.full_like(getattr(data[1].labels, what), np.inf)
    bad = replace(data[1], labels=replace(data[1].labels, **{what: value}))
    with pytest.raises(InputError, match=rf"frame 1 .*{what}"):
        train(initial(), Dataset([data[0], bad]))


def test_misuse_is_refused() -> None:
    data = labelled(truth(), frames_of(2))
    with pytest.raises(InputError, match="no labelled frames"):
        train(initial(), Dataset())
    with pytest.raises(UnknownSpecies):
        train(MTP.initial(4, [1, 6]), data)
    with pytest.raises(InputError, match="weights"):
        Weights(energy=-1)
    with pytest.raises(InputError, match="zero"):
        train(initial(), data, weights=Weights(0, 0, 0))
    short = replace(data[0], labels=Labels(0.0, np.zeros((3, 3))))
    with pytest.raises(InputError, match=r"\d atoms"):
        train(initial(), Dataset([short]))


def test_smallest_distance() -> None:
    near = Frame([1, 8], [[0.1, 0, 0], [3.9, 0, 0]], 4 * np.eye(3), np.ones(3, bool))
    far = Frame([1, 8], [[0, 0, 0], [4.5, 0, 0]])
    assert smallest_distance([far, near]) == pytest.approx(0.2)
    assert smallest_distance([far]) == pytest.approx(4.5)
    with pytest.raises(InputError, match="near"):
        smallest_distance([Frame([1], [[0, 0, 0]])])
