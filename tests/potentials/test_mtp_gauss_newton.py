"""The minimiser of a training: sampled matrices, damping."""

from __future__ import annotations

import numpy as np

from elyte.potentials.mtp.gauss_newton import OF_LINEAR, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Prior

from .training_cases import frames_of, initial, labelled, truth


def test_a_sampled_matrix_trains_nearly_as_well() -> None:
    data = labelled(truth(), frames_of(20))
    loss = Loss(initial(), data)
    minimiser = Minimiser(loss, loss.at(initial().parameters), frames_at_once=10, seed=3)
    start = minimiser.point.loss
    outcome = minimise(minimiser, Limits(iterations=40, tolerance=0.0))
    assert outcome.kind in ("done", "stopped")
    assert minimiser.point.loss < 0.05 * start


def test_what_enters_linearly_can_be_left_nearly_undamped() -> None:
    data, theta = labelled(truth(), frames_of(16)), truth().parameters
    weak = Prior(np.zeros(len(theta)), np.full(len(theta), 1e-6))
    loss = Loss(initial(), data, prior=weak)
    theta[: loss.n_linear] = 0.0  # one undamped step puts all of this right
    gained = {}
    for of_linear in (1.0, OF_LINEAR):
        start = loss.at(theta)
        minimiser = Minimiser(loss, start, damping=10.0, of_linear=of_linear)
        assert minimiser.iterate()
        gained[of_linear] = 1 - minimiser.point.loss / start.loss
    assert gained[OF_LINEAR] > 0.9
    assert gained[1.0] < 0.5
