"""Train a moment tensor potential on labelled frames."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.core.neighbours import neighbours
from elyte.core.progress import Progress, silent
from elyte.potentials.mtp.gauss_newton import Counts, Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Point, Weights, check_labels
from elyte.potentials.mtp.potential import MTP
from elyte.potentials.mtp.start import (
    first_damping,
    prior_of,
    sample_size,
    solve_linear,
    stages,
)

Floats = NDArray[np.float64]

__all__ = [
    "Record",
    "TrainingErrors",
    "TrainingResult",
    "Weights",
    "smallest_distance",
    "train",
]

ROUGHLY = 1e-2  # tolerance for a part of the frames


@dataclass(frozen=True)
class TrainingErrors:
    """Errors on the training set: energies in eV per atom, forces in eV/Å, Vσ in eV per atom."""

    energy_rmse: float
    force_rmse: float
    stress_rmse: float


@dataclass(frozen=True)
class Record:
    """The state after an iteration.

    Args:
        iteration: 0 is the start.
        frames: how many were trained on; large sets begin with a part.
        gradients: evaluations of the loss with its gradient so far, in units of the whole set.
        evaluations: further evaluations of energies and forces so far, likewise.
        matrices: Gauss–Newton matrices so far, likewise.
        seconds: wall time so far.
        loss: see `elyte.potentials.mtp.loss`.
        energy_rmse: eV per atom.
        force_rmse: eV/Å.
        damping: λ.
        validation_loss: on held-out frames, or None.
    """

    iteration: int
    frames: int
    gradients: float
    evaluations: float
    matrices: float
    seconds: float
    loss: float
    energy_rmse: float
    force_rmse: float
    damping: float
    validation_loss: float | None = None


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

    Raises:
        InputError: labels that are missing, not finite or do not fit.
        UnknownSpecies: an element that the potential does not know.
    """
    check_labels(dataset)
    prior = prior_of(potential, dataset, isolated_atoms, ridge, weights)
    loss = Loss(potential, dataset, weights, prior, threads)
    held_out = Loss(potential, validation, weights, None, threads) if validation else None
    limits = Limits(max_seconds, max_evaluations, max_iterations, tolerance)
    watch = _Watch(loss, held_out, limits, progress)
    theta, counts, outcome = potential.parameters, Counts(), Outcome()
    for part in stages(loss, theta, seed):
        point, share = solve_linear(part, theta), len(part) / len(loss)
        counts.gradients += 2 * share
        damping = first_damping(part, point)
        minimiser = Minimiser(part, point, damping, sample_size(part), seed, counts, share)
        watch.begin(minimiser)
        outcome = minimise(minimiser, watch.limits_of(part), watch)
        theta = minimiser.point.theta
        if not outcome.done:
            break
    best = loss.at(watch.best.theta, gradient=False)
    return TrainingResult(
        potential.with_parameters(best.theta), tuple(watch.history), errors_at(loss, best), outcome
    )


def _root_mean(squares: Floats, count: float) -> float:
    return float(np.sqrt(squares.sum() / count)) if count else 0.0


def errors_at(loss: Loss, point: Point) -> TrainingErrors:
    """Return the errors on the frames of a loss."""
    sizes, has = loss.set.sizes, loss.weights > 0
    per_atom = point.squares / sizes[:, None] ** 2
    forces = point.squares[has[:, 1], 1]
    return TrainingErrors(
        energy_rmse=_root_mean(per_atom[has[:, 0], 0], has[:, 0].sum()),
        force_rmse=_root_mean(forces, 3.0 * sizes[has[:, 1]].sum()),
        stress_rmse=_root_mean(per_atom[has[:, 2], 2], 9.0 * has[:, 2].sum()),
    )


class _Watch:
    """Keeps the history and the best point, tells the progress, and sees when to stop early."""

    def __init__(
        self, loss: Loss, held_out: Loss | None, limits: Limits, progress: Progress
    ) -> None:
        self.loss, self.held_out, self.limits, self.progress = loss, held_out, limits, progress
        self.best_loss, self.since = np.inf, 0
        self.history: list[Record] = []
        self.start = time.monotonic()

    def limits_of(self, part: Loss) -> Limits:
        """Return what is left of the limits; a part of the frames need not be fitted to the end."""
        spent, limits = time.monotonic() - self.start, self.limits
        seconds = None if limits.seconds is None else max(limits.seconds - spent, 0.0)
        tolerance = limits.tolerance if part is self.loss else max(limits.tolerance, ROUGHLY)
        return replace(limits, seconds=seconds, tolerance=tolerance)

    def begin(self, minimiser: Minimiser) -> None:
        """Record where a stage starts."""
        self(minimiser, 0.0)

    def __call__(self, minimiser: Minimiser, seconds: float) -> bool:
        point = minimiser.point
        judged = self.held_out.at(point.theta, gradient=False).loss if self.held_out else None
        if judged is None:
            self.best = point
        else:
            self.since = 0 if judged < self.best_loss * (1 - 1e-4) else self.since + 1
            if judged < self.best_loss:
                self.best, self.best_loss = point, judged
        self.history.append(self._record(minimiser, judged))
        self._tell()
        return minimiser.loss is self.loss and self.since >= 2 * self.limits.patience

    def _record(self, minimiser: Minimiser, judged: float | None) -> Record:
        point, counts = minimiser.point, minimiser.counts
        errors = errors_at(minimiser.loss, point)
        return Record(
            iteration=counts.iterations,
            frames=len(minimiser.loss),
            gradients=counts.gradients,
            evaluations=counts.evaluations,
            matrices=counts.matrices,
            seconds=time.monotonic() - self.start,
            loss=point.loss,
            energy_rmse=errors.energy_rmse,
            force_rmse=errors.force_rmse,
            damping=minimiser.damping,
            validation_loss=judged,
        )

    def _tell(self) -> None:
        now, limit = self.history[-1], self.limits.seconds
        of = "" if now.frames == len(self.loss) else f" of {now.frames} frames to begin with"
        note = (
            f"loss {now.loss:.3g}, forces {1000 * now.force_rmse:.0f} meV/Å, "
            f"energy {1000 * now.energy_rmse:.1f} meV/atom{of}"
        )
        done, total = (now.seconds, limit) if limit else (now.iteration, self.limits.iterations)
        self.progress(min(done, total), total, note)
