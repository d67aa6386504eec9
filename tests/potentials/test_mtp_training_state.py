"""A training that is interrupted goes on exactly; states of other trainings are refused."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from elyte.core import Dataset, FormatError, InputError, Labels
from elyte.potentials.mtp.ensemble import member_path, split, train_ensemble
from elyte.potentials.mtp.loss import Loss, Weights
from elyte.potentials.mtp.training import TrainingResult, train
from elyte.potentials.mtp.watch import iterations_left

from .training_cases import frames_of, initial, labelled, truth


class Killed(Exception):
    """Stands for the end of the process."""


def killer(after: int):
    calls = 0

    def progress(done: float, total: float, note: str = "") -> None:
        nonlocal calls
        calls += 1
        if calls > after:
            raise Killed

    return progress


def same(one: TrainingResult, other: TrainingResult) -> None:
    assert (one.potential.parameters == other.potential.parameters).all()
    assert one.outcome == other.outcome
    for mine, its in zip(one.history, other.history, strict=True):
        assert asdict(replace(mine, seconds=0)) == asdict(replace(its, seconds=0))


@pytest.mark.parametrize("count", [14, 90])  # of 90, a part is trained on first
def test_an_interrupted_training_goes_on_to_the_same_bits(tmp_path: Path, count: int) -> None:
    data, held = labelled(truth(), frames_of(count)), labelled(truth(), frames_of(4, seed=8))
    options = {"validation": held, "threads": 1, "max_iterations": 16, "tolerance": 1e-4}
    whole = train(initial(), data, **options)
    state = tmp_path / "state.npz"
    killed = 0
    for after in (0, 2, 1, 0, 2, 1):  # 0: killed before the first iteration has ended
        try:
            train(initial(), data, state=state, progress=killer(after), **options)
        except Killed:
            killed += 1
    assert killed >= 4
    resumed = train(initial(), data, state=state, **options)
    same(resumed, whole)
    again = train(initial(), data, state=state, **options)  # already at its end
    assert (again.potential.parameters == whole.potential.parameters).all()
    longer = train(initial(), data, state=state, **{**options, "max_iterations": 18})
    same(longer, train(initial(), data, **{**options, "max_iterations": 18}))


def test_a_training_that_had_ended_is_not_gone_on_with(tmp_path: Path) -> None:
    data, state = labelled(truth(), frames_of(10)), tmp_path / "state.npz"
    first = train(initial(), data, state=state, threads=1, tolerance=0.5)
    assert first.outcome.done
    second = train(initial(), data, state=state, threads=1, tolerance=0.5)
    same(second, first)


def test_the_state_of_another_training_and_damaged_ones_are_refused(tmp_path: Path) -> None:
    data, state = labelled(truth(), frames_of(6)), tmp_path / "state.npz"
    train(initial(), data, state=state, threads=1, max_iterations=1)
    other = replace(data[0], labels=replace(data[0].labels, energy=0.0))
    for changed in (
        lambda: train(initial(), Dataset([other, *data[1:]]), state=state, threads=1),
        lambda: train(initial(seed=1), data, state=state, threads=1),
        lambda: train(initial(), data, Weights(force=0.1), state=state, threads=1),
        lambda: train(initial(), data, seed=1, state=state, threads=1),
    ):
        with pytest.raises(InputError, match="another training"):
            changed()
    state.write_bytes(state.read_bytes()[:-300])
    with pytest.raises(FormatError, match="damaged"):
        train(initial(), data, state=state, threads=1)


def test_labels_that_cannot_determine_a_potential_are_refused() -> None:
    data = labelled(truth(), frames_of(6))
    with pytest.raises(InputError, match="one frame is not enough"):
        train(initial(), data[:1])
    bare = Dataset(replace(x, labels=Labels(x.labels.energy)) for x in data)
    with pytest.raises(InputError, match=r"no frame has forces, and 6 energies"):
        train(initial(), bare)
    more = type(initial()).initial(4, (1, 6, 8), 3.5, 1.2, 4)
    with pytest.raises(InputError, match="no frame contains C"):
        train(more, data)


def test_an_ensemble_has_different_starts_and_splits(tmp_path: Path) -> None:
    data, state = labelled(truth(), frames_of(12)), tmp_path / "s.npz"
    options = {"threads": 1, "max_iterations": 4}
    starts = [initial(seed=k) for k in range(2)]
    members = train_ensemble(starts, data, 0.25, seed=5, state=state, **options)
    alone = train(
        starts[1], split(data, 0.25, 6)[0], validation=split(data, 0.25, 6)[1], seed=6, **options
    )
    same(members[1], alone)
    assert member_path(state, 1).exists()
    assert not np.allclose(*(m.potential.parameters for m in members))
    kept, held = split(data, 0.25, 5)
    assert (len(kept), len(held)) == (9, 3)
    assert split(data, 0.0, 5)[1] is None
    with pytest.raises(InputError, match="two members"):
        train_ensemble(starts[:1], data)


def test_force_errors_by_element() -> None:
    data = labelled(truth(), frames_of(5))
    bare = [*data[:4], replace(data[4], labels=Labels(data[4].labels.energy))]
    other = initial(6, 3)
    errors = Loss(other, bare).part(np.array([1, 3, 4])).force_errors(other.parameters)
    differences = [
        (item.frame.numbers, found.forces - item.labels.forces)
        for item, found in zip(
            [data[1], data[3]], other.evaluate([data[1].frame, data[3].frame]), strict=True
        )
    ]
    for z in (1, 8):
        squares = np.concatenate([d[n == z].ravel() ** 2 for n, d in differences])
        assert errors[z] == pytest.approx(np.sqrt(squares.mean()), rel=1e-9)


def test_progress_tells_loss_errors_of_elements_and_time_left() -> None:
    data, told = labelled(truth(), frames_of(10)), []
    train(initial(), data, threads=1, max_iterations=8, progress=lambda *x: told.append(x))
    assert "loss" in told[-1][2]
    assert "(H " in told[-1][2]
    assert ", O " in told[-1][2]
    assert "s left" in told[-1][2]
    assert all(0 <= done <= total for done, total, _ in told)


def test_iterations_left_of_an_exponential_end() -> None:
    gains = 0.4 * 0.5 ** np.arange(6)  # 0.4 … 0.0125
    losses = np.concatenate([[1.0], np.cumprod(1 - gains)])
    assert iterations_left(losses, 0.0125 / 4, 3) == pytest.approx(3 + 2, abs=1e-9)
    assert iterations_left(losses, 0.1, 3) == 3
    assert iterations_left(losses[:3], 0.1, 3) == np.inf
