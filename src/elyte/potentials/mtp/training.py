"""Train a moment tensor potential on labelled frames."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.core.neighbours import neighbours
from elyte.core.progress import Progress, silent
from elyte.potentials.mtp.gauss_newton import Limits, Minimiser, minimise
from elyte.potentials.mtp.loss import Loss, Point, Prior, Weights, check_labels
from elyte.potentials.mtp.potential import MTP

Floats = NDArray[np.float64]

__all__ = [
    "Record",
    "TrainingErrors",
    "TrainingResult",
    "Weights",
    "smallest_distance",
    "train",
]

PULL_OF_ATOMS = 1e-6  # 1/eV²: species coefficients 10 eV off cost 1e-4, little beside any loss
ROWS_PER_PARAMETER = 120  # of the Jacobian at most: smaller samples cost more steps than they save
FRAMES_FOR_LINEAR = 24
RIDGE = 1e-3  # about the variance of a weighted residual; divided by the number of frames


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
        gradients: evaluations of the loss with its gradient so far.
        evaluations: further evaluations of energies and forces so far.
        matrices: Gauss–Newton matrices so far.
        seconds: wall time so far.
        loss: see `elyte.potentials.mtp.loss`.
        energy_rmse: eV per atom.
        force_rmse: eV/Å.
        damping: λ.
        validation_loss: on held-out frames, or None.
    """

    iteration: int
    gradients: int
    evaluations: int
    matrices: int
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
    tolerance: float = 2e-3,
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
            of frames.
        progress: told (seconds or iterations so far, of, note).
        seed: of the frames drawn for the Gauss–Newton matrix in large sets.

    Raises:
        InputError: labels that are missing, not finite or do not fit.
        UnknownSpecies: an element that the potential does not know.
    """
    check_labels(dataset)
    prior = _prior(potential, dataset, isolated_atoms, ridge)
    loss = Loss(potential, dataset, weights, prior, threads)
    held_out = Loss(potential, validation, weights, None, threads) if validation else None
    point = _start(loss, potential, prior)
    minimiser = Minimiser(loss, point, _first_damping(loss, point, dataset), _sample(loss), seed)
    minimiser.counts.gradients += 2
    limits = Limits(max_seconds, max_evaluations, max_iterations, tolerance)
    watch = _Watch(minimiser, held_out, limits, progress)
    outcome = minimise(minimiser, limits, watch)
    best = watch.best
    return TrainingResult(
        potential.with_parameters(best.theta), tuple(watch.history), _errors(loss, best), outcome
    )


# ---- before ---------------------------------------------------------------------------------


def _prior(
    potential: MTP,
    dataset: Sequence[LabelledFrame],
    isolated_atoms: Mapping[int, float] | None,
    ridge: float | None,
) -> Prior:
    species = potential.species
    centre, strength = np.zeros(potential.n_parameters), np.zeros(potential.n_parameters)
    strength[len(species) :] = (RIDGE if ridge is None else ridge) / len(dataset)
    strength[: len(species)] = PULL_OF_ATOMS
    centre[: len(species)] = _atom_energies(species, dataset, isolated_atoms)
    return Prior(centre, strength)


def _atom_energies(
    species: Sequence[int],
    dataset: Sequence[LabelledFrame],
    isolated_atoms: Mapping[int, float] | None,
) -> Floats:
    """Energies per species that explain the labels and lie nearest to the isolated atoms.

    Binding belongs to them, too: potentials that had to make up for hundreds of eV from the
    start were trained more slowly and worse.
    """
    counts = np.array([[np.sum(x.frame.numbers == z) for z in species] for x in dataset], float)
    energies = np.array([item.labels.energy for item in dataset])
    known = isolated_atoms or {}
    values = np.array([known.get(z, 0.0) for z in species])
    unknown = np.array([z not in known for z in species])
    for chosen in (unknown, np.ones_like(unknown)):
        if chosen.any():
            rest = energies - counts @ values
            values[chosen] += np.linalg.lstsq(counts[:, chosen], rest, rcond=1e-6)[0]
    return values


def _start(loss: Loss, potential: MTP, prior: Prior) -> Point:
    """Solve for the coefficients that enter linearly, where this lowers the loss."""
    theta = potential.parameters
    if not theta[: loss.n_species].any():
        theta[: loss.n_species] = prior.centre[: loss.n_species]
    point = loss.at(theta)
    every = max(1, len(loss) // FRAMES_FOR_LINEAR)
    linear = slice(0, loss.n_linear)
    matrix = loss.normal_matrix(theta, np.arange(0, len(loss), every))[linear, linear]
    D = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix / np.outer(D, D) + 1e-8 * np.eye(len(D))
    try:
        factor = cho_factor(scaled)
    except LinAlgError:
        return point
    theta[linear] -= cho_solve(factor, point.gradient[linear] / 2 / D) / D
    solved = loss.at(theta)
    return solved if solved.loss < point.loss else point


def _first_damping(loss: Loss, point: Point, dataset: Sequence[LabelledFrame]) -> float:
    """λ falls with the part of the labels that is still to be explained: 1e-2 from scratch."""
    forces = [0.0 if x.labels.forces is None else np.sum(x.labels.forces**2) for x in dataset]
    whole = float(loss.weights[:, 1] @ np.array(forces)) / len(loss)
    share = min(1.0, point.loss / whole) if whole > 0 else 1.0
    return float(0.05 * max(share, 1e-4) ** 1.5)


def _sample(loss: Loss) -> int | None:
    """Frames from which the Gauss–Newton matrix is estimated, None for all."""
    rows = sum(loss.set.native.rows(k) for k in range(len(loss)))
    share = ROWS_PER_PARAMETER * loss.n_parameters / max(rows, 1)
    return None if share >= 1 else max(1, int(np.ceil(share * len(loss))))


# ---- during ---------------------------------------------------------------------------------


def _root_mean(squares: Floats, count: float) -> float:
    return float(np.sqrt(squares.sum() / count)) if count else 0.0


def _errors(loss: Loss, point: Point) -> TrainingErrors:
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
        self, minimiser: Minimiser, held_out: Loss | None, limits: Limits, progress: Progress
    ) -> None:
        self.held_out, self.limits, self.progress = held_out, limits, progress
        self.best = minimiser.point
        self.best_loss, self.since = np.inf, 0
        self.history: list[Record] = []
        self.began = time.monotonic()
        self(minimiser, 0.0)

    def __call__(self, minimiser: Minimiser, seconds: float) -> bool:
        point, counts = minimiser.point, minimiser.counts
        judged = self.held_out.at(point.theta, gradient=False).loss if self.held_out else None
        value = point.loss if judged is None else judged
        self.since = 0 if value < self.best_loss * (1 - 1e-4) else self.since + 1
        if value < self.best_loss:
            self.best, self.best_loss = point, value
        errors = _errors(minimiser.loss, point)
        self.history.append(
            Record(
                iteration=counts.iterations,
                gradients=counts.gradients,
                evaluations=counts.evaluations,
                matrices=counts.matrices,
                seconds=seconds,
                loss=point.loss,
                energy_rmse=errors.energy_rmse,
                force_rmse=errors.force_rmse,
                damping=minimiser.damping,
                validation_loss=judged,
            )
        )
        self._tell(seconds)
        return self.held_out is not None and self.since >= 2 * self.limits.patience

    def _tell(self, seconds: float) -> None:
        now, limit = self.history[-1], self.limits.seconds
        note = (
            f"loss {now.loss:.3g}, forces {1000 * now.force_rmse:.0f} meV/Å, "
            f"energy {1000 * now.energy_rmse:.1f} meV/atom"
        )
        done, total = (seconds, limit) if limit else (now.iteration, self.limits.iterations)
        self.progress(min(done, total), total, note)
