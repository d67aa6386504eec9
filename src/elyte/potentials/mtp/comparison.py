"""Which of several starts a training goes on from: a race on growing parts of the frames.

The valley that a start leads to decides the loss at the end, and which of them is deep shows late:
ranks on the smallest part say something about those at the end (correlation 0.4 to 0.6), ranks on
the next part, where the better half has gone on, much more (0.6 to 0.8), and as much is seen in
the first steps on the part after that (0.7 to 0.9). See docs/theory/training.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np

from elyte.core.progress import Progress, silent
from elyte.potentials.mtp.gauss_newton import Counts, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Floats, Loss
from elyte.potentials.mtp.radial_start import radial_start
from elyte.potentials.mtp.start import ROUGHLY, begin

MOST_STARTS = 16
FEW_STARTS = 3  # that are worth more than others
COST, COST_OF_FEW = 360, 800  # gradients of the whole set, that comparing may cost, roughly
STEPS_OF_FIRST, STEPS_OF_NEXT = 25, 12  # that are expected
MOST_STEPS = 40
LOOK = 3  # steps on a part that show as much as the whole training on the part before


def numbers_of_starts(parts: Sequence[Loss]) -> list[int]:
    """Return how many starts begin on each part, up to the part on which one of them is left.

    As many as a limit of the cost allows; an empty list where one start is all that can be had.

    Args:
        parts: losses of growing parts, the whole set last.
    """
    if len(parts) < 2:
        return []
    for first in range(MOST_STARTS, FEW_STARTS - 1, -1):
        numbers = _numbers(first, len(parts))
        if _cost(parts, numbers) <= (COST_OF_FEW if first == FEW_STARTS else COST):
            return numbers
    return []


def _numbers(first: int, parts: int) -> list[int]:
    """Each part is begun by half of those that ended the one before, two at least."""
    numbers, left = [first], first
    while left > 1:
        place = len(numbers)
        numbers.append(2 if place == parts - 1 else max(2, ceil(left / 2)))
        left = _staying(numbers[-1], place, parts)
    return numbers


def _staying(number: int, place: int, parts: int) -> int:
    """Return how many stay on a part: from the third on, and on the whole set, half leave early."""
    looked_at = place > 1 or place == parts - 1
    return ceil(number / 2) if looked_at else number


def _cost(parts: Sequence[Loss], numbers: Sequence[int]) -> float:
    """Return what comparing costs, in gradients of the whole set, roughly."""
    total = 0.0
    for place, (part, number) in enumerate(zip(parts, numbers, strict=False)):
        stay = _staying(number, place, len(parts))
        trained = stay if stay > 1 else 0
        steps = trained * (STEPS_OF_NEXT if place else STEPS_OF_FIRST) + (number - stay) * LOOK
        total += steps * (14 + part.n_parameters / 80) * len(part) / len(parts[-1])
    return total


def best_start(
    parts: Sequence[Loss],
    numbers: Sequence[int],
    theta: Floats,
    seed: int,
    counts: Counts,
    seconds: float | None = None,
    progress: Progress = silent,
) -> Minimiser:
    """Return the best of several trainings, after its first steps on the last part compared on.

    All starts are trained on the first part, and the better half goes on to the next. From the
    third part on, and on the whole set, half of them leave after a few steps.

    Args:
        parts: losses of growing parts, the whole set last.
        numbers: how many starts begin on each, see `numbers_of_starts`.
        theta: the first start, (P,); the others have radial coefficients of their own.
        seed: of the other starts.
        counts: gets what this has cost, in units of all frames, and then what the training does.
        seconds: wall time that all of it may take.
        progress: told after every training.
    """
    total = sum(numbers)
    limits = Limits(seconds and seconds / total, None, MOST_STEPS, ROUGHLY)
    starts, done = _starts(parts[0], theta, numbers[0], seed), 0
    for place, (part, number) in enumerate(zip(parts, numbers, strict=False)):
        share = len(part) / len(parts[-1])
        every = [begin(part, start, Counts(), share, seed) for start in starts[:number]]
        stay = _staying(number, place, len(parts))
        runners = _look(every, stay) if stay < number else every
        done += number - stay
        for runner in runners:
            if stay > 1:
                minimise(runner, limits)
            done += 1
            best = min(other.point.loss for other in runners)
            note = f"comparing {number} starts on {len(part)} frames, least loss {best:.3g}"
            progress(done, total, note)
        for runner in every:
            counts.add(runner.counts)
        runners.sort(key=_loss)
        starts = [runner.point.theta for runner in runners]
    runners[0].counts = counts
    return runners[0]


def _look(runners: Sequence[Minimiser], stay: int) -> list[Minimiser]:
    """Return those that are best after a few steps."""
    for runner in runners:
        for _ in range(LOOK):
            if not runner.iterate():
                break
    return sorted(runners, key=_loss)[:stay]


def _loss(runner: Minimiser) -> float:
    return runner.point.loss


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
