"""Where a training starts: linear solution and prior."""

from __future__ import annotations

from dataclasses import replace

import pytest

from elyte.core import Dataset, Labels
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.start import solve_linear, usual_ridge
from elyte.potentials.mtp.training import train

from .training_cases import frames_of, initial, labelled, truth


def test_the_start_is_what_it_says_also_where_the_linear_solution_does_not_help() -> None:
    frames = frames_of(30)
    good = labelled(truth(), frames)
    item = good[0]
    outlier = replace(item.labels, energy=item.labels.energy + 50.0, forces=-9 * item.labels.forces)
    data = Dataset([*good[1:], replace(item, labels=outlier)])
    for seed in range(4):
        potential = initial(seed=seed).with_parameters(truth().parameters)
        loss = Loss(potential, data)
        before = loss.at(potential.parameters).loss
        point = solve_linear(loss, potential.parameters)
        assert loss.at(point.theta).loss == point.loss <= before
    result = train(potential, data, max_iterations=3, threads=1)
    assert Loss(potential, data).at(result.potential.parameters).loss <= before


def test_the_usual_prior_follows_the_size_of_the_labels() -> None:
    data = labelled(truth(), frames_of(6))
    strong = [replace(x, labels=replace(x.labels, forces=3 * x.labels.forces)) for x in data]
    of_data = usual_ridge(data, Weights())
    assert usual_ridge(strong, Weights()) == pytest.approx(9 * of_data)
    assert usual_ridge(data, Weights(force=0.1)) == pytest.approx(10 * of_data)
    bare = [replace(x, labels=Labels(x.labels.energy)) for x in data]
    assert usual_ridge(bare, Weights()) > 0
