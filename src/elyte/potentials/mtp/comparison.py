"""Which of several starts a training goes on from: a tournament on growing parts of the frames.

The valley that a start leads to decides the loss at the end, and which of them is deep shows late:
ranks on the smallest part say something about those at the end (correlation 0.2 to 0.6), ranks on
the next part, where the better ones have gone on, much more (0.7 to 0.9). See
docs/theory/training.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from elyte.core.progress import Progress, silent
from elyte.potentials.mtp.gauss_newton import Counts, Limits, minimise
from elyte.potentials.mtp.loss import Floats, Loss, Point
from elyte.potentials.mtp.radial_start import radial_start
from elyte.potentials.mtp.start import ROUGHLY, begin

MOST_STARTS = 16
FEWER = 2.5  # one of so many goes on to the next part
COST = 440  # gradients of the whole set, that comparing may cost, roughly
STEPS_OF_FIRST, STEPS_OF_NEXT = 25, 12  # that are expected
MOST_STEPS = 40


def numbers_of_starts(parts: Sequence[Loss], whole: int) -> list[int]:
    """Return how many starts are trained on each part, up to the last part with several.

    As many as a limit of the cost allows; an empty list where one start is all that can be had.

    Args:
        parts: losses of growing parts, without the whole set.
        whole: number of frames of the whole set.
    """
    for first in range(MOST_STARTS, 1, -1):
        numbers = [ceil(first / FEWER**k) for k in range(len(parts))]
        several = [number for number in numbers if number > 1]
        if sum(n * _cost(k, parts[k], whole) for k, n in enumerate(several)) <= COST:
            return several
    return []


def _cost(place: int, part: Loss, whole: int) -> float:
    """Return what a training on a part costs, in gradients of the whole set, roughly."""
    steps = STEPS_OF_NEXT if place else STEPS_OF_FIRST
    return steps * (14 + part.n_parameters / 80) * len(part) / whole


def best_start(
    parts: Sequence[Loss],
    numbers: Sequence[int],
    theta: Floats,
    seed: int,
    whole: int,
    counts: Counts,
    seconds: float | None = None,
    progress: Progress = silent,
) -> Floats:
    """Return where the best of several trainings on small parts of the frames has ended.

    All starts are trained on the first part, the better ones go on to the next.

    Args:
        parts: losses of growing parts.
        numbers: how many starts are trained on each.
        theta: the first start, (P,); the others have radial coefficients of their own.
        seed: of the other starts.
        whole: number of frames of the whole set.
        counts: gets what this has cost, in units of all frames.
        seconds: wall time that all of it may take.
        progress: told after every training.
    """
    total = sum(numbers)
    limits = Limits(seconds and seconds / total, None, MOST_STEPS, ROUGHLY)
    starts, done = _starts(parts[0], theta, numbers[0], seed), 0
    for part, number in zip(parts, numbers, strict=False):
        ends: list[Point] = []
        for start in starts[:number]:
            own = Counts()
            runner = begin(part, start, own, len(part) / whole, seed)
            minimise(runner, limits)
            counts.add(own)
            ends.append(runner.point)
            done += 1
            best = min(point.loss for point in ends)
            note = f"comparing {number} starts on {len(part)} frames, least loss {best:.3g}"
            progress(done, total, note)
        starts = [point.theta for point in sorted(ends, key=lambda point: point.loss)]
    return starts[0]


def _starts(loss: Loss, theta: Floats, number: int, seed: int) -> list[Floats]:
    """Return the first start and others, whose radial coefficients the first and the seed decide.

    (Trainings that begin differently are to compare different starts, all of them.)
    """
    random = np.random.default_rng([seed, *np.ascontiguousarray(theta).view(np.uint32)])
    functions = (len(theta) - loss.n_linear) // (loss.n_species**2 * loss.radial_size)
    starts = [np.array(theta)]
    for _ in range(1, number):
        other = np.array(theta)
        radial = radial_start(random, loss.n_species, functions, loss.radial_size)
        other[loss.n_linear :] = radial.ravel()
        starts.append(other)
    return starts
