"""Errors of a potential: against a plain sum, and their standard errors by repetition."""

from __future__ import annotations

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from elyte.core import Dataset, Frame, InputError, LabelledFrame, Labels
from elyte.potentials.protocol import Evaluation
from elyte.validation.errors import errors, errors_of, pressure_error


def made(random: np.random.Generator, sizes: list[int]) -> tuple[list[Evaluation], Dataset]:
    found, items = [], []
    for n in sizes:
        frame = Frame(
            random.choice([1, 8], n), random.normal(size=(n, 3)), 5 * np.eye(3), np.ones(3, bool)
        )
        forces, stress = random.normal(size=(n, 3)), random.normal(size=(3, 3))
        labels = Labels(random.normal(), forces, stress)
        items.append(LabelledFrame(frame, labels))
        off = random.normal(scale=0.1, size=(n, 3))
        energy = labels.energy + 0.05 * n * random.normal()
        found.append(Evaluation(energy, forces + off, stress + 0.01, np.zeros(n)))
    return found, Dataset(items)


class Given:
    """A potential whose answers are known beforehand."""

    species, cutoff = (1, 8), 5.0

    def __init__(self, found: list[Evaluation]) -> None:
        self.found = found

    def evaluate(self, frames: list[Frame]) -> list[Evaluation]:
        return self.found

    def calculator(self) -> None:
        raise NotImplementedError


def test_values_are_those_of_a_plain_sum() -> None:
    found, data = made(np.random.default_rng(0), [4, 9, 6])
    result = errors(Given(found), data)
    off = np.concatenate([e.forces - x.labels.forces for e, x in zip(found, data, strict=True)])
    assert result.force_mae == pytest.approx(np.abs(off).mean())
    assert result.force_rmse == pytest.approx(np.sqrt((off**2).mean()))
    assert result.force.count == 57
    per_atom = np.array(
        [(e.energy - x.labels.energy) / len(x.frame) for e, x in zip(found, data, strict=True)]
    )
    assert result.energy_mae == pytest.approx(np.abs(per_atom).mean())
    assert result.energy_rmse == pytest.approx(np.sqrt((per_atom**2).mean()))
    assert result.stress_rmse == pytest.approx(0.01)
    assert result.frames == 3
    numbers = np.concatenate(data_numbers(data))
    for number, symbol in ((1, "H"), (8, "O")):
        chosen = off[numbers == number]
        assert result.force_of[symbol].rmse == pytest.approx(np.sqrt((chosen**2).mean()))


def data_numbers(data: Dataset) -> list[np.ndarray]:
    return [frame.numbers for frame in data.frames]


def test_standard_errors_are_the_spread_over_repetitions() -> None:
    random = np.random.default_rng(1)
    values = []
    for _ in range(300):
        result = errors_of(*made(random, [3, 8, 5, 12] * 6))
        values.append((result.force.mae, result.force.rmse, result.energy.mae, result.energy.rmse))
    spread = np.std(values, axis=0)
    last = errors_of(*made(random, [3, 8, 5, 12] * 60))
    stated = [d for q in (last.force, last.energy) for d in (q.mae_error, q.rmse_error)]
    np.testing.assert_allclose(np.array(stated) * np.sqrt(10), spread, rtol=0.25)


def test_labels_that_are_not_there_are_left_out() -> None:
    found, data = made(np.random.default_rng(2), [4, 4])
    bare = Dataset(LabelledFrame(x.frame, Labels(x.labels.energy)) for x in data)
    result = errors_of(found, bare)
    assert result.force.count == 0
    assert np.isnan(result.force_rmse)
    assert np.isnan(result.stress_rmse)
    assert result.energy.count == 2
    molecules = Dataset(
        LabelledFrame(Frame(x.frame.numbers, x.frame.positions), x.labels) for x in data
    )
    assert errors_of(found, molecules).stress.count == 0


def test_a_single_frame_has_no_standard_error() -> None:
    result = errors_of(*made(np.random.default_rng(3), [5]))
    assert np.isnan(result.force.mae_error)
    assert result.force.rmse > 0


def test_the_table_prints_units_and_elements() -> None:
    result = errors_of(*made(np.random.default_rng(4), [5, 7]))
    buffer = StringIO()
    Console(file=buffer, width=120).print(result.table("water"))
    text = buffer.getvalue()
    for word in ("water", "meV/atom", "meV/Å", "GPa", " H ", " O ", "±"):
        assert word in text


def test_an_empty_set_is_refused() -> None:
    with pytest.raises(InputError, match="no labelled frames"):
        errors(Given([]), Dataset())


def test_the_error_of_the_pressure() -> None:
    rng = np.random.default_rng(3)
    frames = [Frame([1, 1], rng.uniform(0, 4, (2, 3)), 4 * np.eye(3), np.ones(3, bool))] * 3
    stresses = [rng.normal(size=(3, 3)) for _ in frames]
    shifts = [0.01, 0.02, 0.06]
    data = [
        LabelledFrame(f, Labels(0.0, np.zeros((2, 3)), s + s.T))
        for f, s in zip(frames, stresses, strict=True)
    ]
    found = [
        Evaluation(0.0, np.zeros((2, 3)), s + s.T - shift * np.eye(3), np.zeros(2))
        for s, shift in zip(stresses, shifts, strict=True)
    ]
    mean, error = pressure_error(found, data)  # a stress below the label's is a pressure above
    assert mean == pytest.approx(0.03)
    assert error == pytest.approx(np.std(shifts, ddof=1) / np.sqrt(3))
    assert np.isnan(pressure_error([], [])).all()
    assert np.isnan(pressure_error(found[:1], data[:1])[1])
