"""Train a moment tensor potential on labelled frames."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.core.neighbours import neighbours
from elyte.core.progress import Progress, silent
from elyte.potentials.mtp import checkpoint
from elyte.potentials.mtp.comparison import best_start, numbers_of_starts
from elyte.potentials.mtp.gauss_newton import Counts, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Weights, check_enough, check_labels
from elyte.potentials.mtp.potential import MTP
from elyte.potentials.mtp.start import (
    begin,
    is_trained,
    prior_of,
    sample_size,
    stages,
)
from elyte.potentials.mtp.watch import Record, TrainingErrors, Watch, errors_at

__all__ = [
    "Record",
    "TrainingErrors",
    "TrainingResult",
    "Weights",
    "smallest_distance",
    "train",
]

TIME_OF_STARTS = 0.25  # of a limit of time, for comparing starts


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What `train` returns: "done" or "stopped" (with its limit) in `outcome`."""

    potential: MTP
    history: tuple[Record, ...]
    errors: TrainingErrors
    outcome: Outcome


def smallest_distance(frames: Sequence[Frame], reach: float = 3.0) -> float:
    """Return the smallest distance between two atoms of any frame, Å.

    Raises:
        InputError: no frames, or no two atoms nearer than 12 Å.
    """
    while reach <= 12.0:
        pairs = [neighbours(frame, reach) for frame in frames]
        found = [float(pair.distance.min()) for pair in pairs if len(pair)]
        if found:
            return min(found)
        reach *= 2
    raise InputError("no two atoms of these frames are near each other")


def train(
    potential: MTP,
    dataset: Sequence[LabelledFrame],
    weights: Weights | None = None,
    validation: Sequence[LabelledFrame] | None = None,
    isolated_atoms: Mapping[int, float] | None = None,
    threads: int = 2,
    max_seconds: float | None = None,
    max_evaluations: int | None = None,
    max_iterations: int = 200,
    tolerance: float = 1e-2,
    ridge: float | None = None,
    progress: Progress = silent,
    seed: int = 0,
    state: Path | None = None,
) -> TrainingResult:
    """Fit all parameters of a potential to energies, forces and stresses.

    The loss is that of `elyte.potentials.mtp.loss`: per frame of N atoms
    w_E (ΔE)²/N + w_F Σ|ΔF|² + w_S |VΔσ|²/N, mean over frames. First the coefficients that enter
    linearly are solved for; then all are moved by Levenberg–Marquardt with geodesic acceleration
    (docs/theory/training.md). The result repeats bit for bit for the same seed, number of threads
    and instruction set, unless a limit of time is met.

    Args:
        potential: random (`MTP.initial`) or from an earlier training; keeps its distances.
        dataset: labelled frames; what a frame has no label for is left out of its loss.
        weights: of energies, forces, stresses and configuration types.
        validation: held-out frames; the parameters that are best for them are returned.
        isolated_atoms: energies by atomic number, eV, near which species coefficients stay as far
            as the compositions leave them undetermined; near zero without.
        threads: threads.
        max_seconds: wall time.
        max_evaluations: of the loss with its gradient.
        max_iterations: of Levenberg–Marquardt.
        tolerance: relative decrease of the loss per iteration below which training ends.
        ridge: strength ρ of the prior N(0, 1) of moment and radial coefficients, times the number
            of frames; from the size of the labels if left out.
        progress: told (seconds or iterations so far, of, note).
        seed: of the frames drawn for the Gauss–Newton matrix in large sets.
        state: a file that is written after every iteration and, where it is there already, gone
            on from: the end has the same bits as without an interruption.

    Raises:
        InputError: labels that are missing, not finite or do not fit, or cannot determine the
            potential; the state of another training.
        FormatError, StorageError: a state that cannot be read or written.
        UnknownSpecies: an element that the potential does not know.
    """
    check_labels(dataset)
    prior = prior_of(potential, dataset, isolated_atoms, ridge, weights)
    loss = Loss(potential, dataset, weights, prior, threads)
    check_enough(potential, dataset)
    held_out = Loss(potential, validation, weights, None, threads) if validation else None
    limits = Limits(max_seconds, max_evaluations, max_iterations, tolerance)
    keeper = None
    if state is not None:
        options = (prior.centre.tolist(), prior.strength.tolist(), seed)
        both = [*dataset, *(validation or [])]
        of = checkpoint.fingerprint(potential, both, weights, *options, len(dataset))
        keeper = checkpoint.Keeper(state, of)
    watch = Watch(loss, held_out, limits, progress, keeper)
    outcome = _through_stages(loss, potential, watch, seed)
    best = loss.at(watch.best_theta, gradient=False)
    return TrainingResult(
        potential.with_parameters(best.theta), tuple(watch.history), errors_at(loss, best), outcome
    )


def _through_stages(loss: Loss, potential: MTP, watch: Watch, seed: int) -> Outcome:
    """Minimise the loss of growing parts of the set, from a state where there is one."""
    theta, counts, outcome = potential.parameters, Counts(), Outcome()
    parts = [loss] if is_trained(loss, theta) else stages(loss, seed)
    state, first, best = watch.restored(), 0, None
    if state is not None:
        first = state["stage"]
    elif numbers := numbers_of_starts(parts):
        seconds = watch.limits.seconds and TIME_OF_STARTS * watch.limits.seconds
        best = best_start(parts, numbers, theta, seed, counts, seconds, watch.progress)
        first = len(numbers) - 1
    for number, part in enumerate(parts[first:], first):
        watch.stage, share = number, len(part) / len(loss)
        if state is not None:
            point, drawn = part.at(state["theta"]), sample_size(part)
            minimiser = Minimiser(part, point, state["damping"], drawn, seed, counts, share)
            minimiser.restore(state)
            state = None
        else:
            minimiser, best = best or begin(part, theta, counts, share, seed), None
            watch.begin(minimiser)
        outcome = watch.verdict(minimiser) or minimise(minimiser, watch.limits_of(part), watch)
        theta = minimiser.point.theta
        if not outcome.done:
            break
    return outcome
