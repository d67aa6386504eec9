"""What is seen of a training: its history, its best point, its progress, and when it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from elyte.core.errors import Outcome
from elyte.core.progress import Progress, silent
from elyte.potentials.mtp.checkpoint import Keeper
from elyte.potentials.mtp.gauss_newton import NO_GAIN, Limits, Minimiser
from elyte.potentials.mtp.loss import Loss, Point
from elyte.potentials.mtp.start import ROUGHLY

Floats = NDArray[np.float64]


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


class Watch:
    """Keeps history, best point and state, tells the progress, and sees when to stop early.

    Args:
        loss: of all frames.
        held_out: loss of held-out frames, or None.
        limits: of the whole training.
        progress: is told a line after every iteration.
        keeper: where the state goes after every iteration, or None.
    """

    def __init__(
        self,
        loss: Loss,
        held_out: Loss | None,
        limits: Limits,
        progress: Progress,
        keeper: Keeper | None = None,
    ) -> None:
        self.loss, self.held_out, self.limits, self.progress = loss, held_out, limits, progress
        self.keeper, self.stage = keeper, 0
        self.best_theta, self.best_loss, self.since = np.zeros(0), np.inf, 0
        self.history: list[Record] = []
        self.start = time.monotonic()

    def limits_of(self, part: Loss) -> Limits:
        """Return what is left of the limits; a part of the frames need not be fitted to the end."""
        spent, limits = time.monotonic() - self.start, self.limits
        seconds = None if limits.seconds is None else max(limits.seconds - spent, 0.0)
        tolerance = limits.tolerance if part is self.loss else max(limits.tolerance, ROUGHLY)
        return replace(limits, seconds=seconds, tolerance=tolerance)

    def restored(self) -> dict[str, Any] | None:
        """Go back to the state on disk; return the minimiser's part, or None without a state."""
        state = self.keeper.load() if self.keeper else None
        if state is None:
            return None
        self.history = [Record(**record) for record in state.pop("history")]
        self.best_theta, self.best_loss = state.pop("best_theta"), state.pop("best_loss")
        self.since = state.pop("since")
        self.start = time.monotonic() - self.history[-1].seconds
        return state

    def begin(self, minimiser: Minimiser) -> None:
        """Record where a stage starts."""
        self(minimiser, 0.0)

    def __call__(self, minimiser: Minimiser, seconds: float) -> bool:
        """Record an iteration; True where training is to stop."""
        point = minimiser.point
        judged = self.held_out.at(point.theta, gradient=False).loss if self.held_out else None
        if judged is None:
            self.best_theta = point.theta
        else:
            self.since = 0 if judged < self.best_loss * (1 - 1e-4) else self.since + 1
            if judged < self.best_loss:
                self.best_theta, self.best_loss = point.theta, judged
        self.history.append(self._record(minimiser, judged))
        if self.keeper:
            self.keeper.save(self._state(minimiser))
        if self.progress is not silent:
            self._tell(minimiser)
        return self.verdict(minimiser) is not None

    def verdict(self, minimiser: Minimiser) -> Outcome | None:
        """Return why training is over where the held-out frames say so."""
        if minimiser.loss is self.loss and self.since >= 2 * self.limits.patience:
            return Outcome("done", NO_GAIN)
        return None

    def _state(self, minimiser: Minimiser) -> dict[str, Any]:
        own = {
            "stage": self.stage,
            "history": [asdict(record) for record in self.history],
            "best_theta": self.best_theta,
            "best_loss": self.best_loss,
            "since": self.since,
        }
        return {**own, **minimiser.state()}

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

    def _tell(self, minimiser: Minimiser) -> None:
        now, limit = self.history[-1], self.limits.seconds
        limits = self.limits_of(minimiser.loss)
        losses = [record.loss for record in self.history if record.frames == now.frames]
        more = iterations_left(losses, limits.tolerance, limits.patience)
        more = min(more, self.limits.iterations - now.iteration)
        seconds = more * now.seconds / max(now.iteration, 1)
        left = seconds if limits.seconds is None else min(seconds, limits.seconds)
        note = ", ".join([*self._errors(minimiser, now), *_of_time(left)])
        done, total = (now.seconds, limit) if limit else (now.iteration, now.iteration + more)
        if not np.isfinite(total):
            total = self.limits.iterations
        self.progress(min(done, total), total, note)

    def _errors(self, minimiser: Minimiser, now: Record) -> list[str]:
        """Words on the loss and on the errors, of forces by element."""
        of = minimiser.loss.force_errors(minimiser.point.theta)
        each = ", ".join(f"{chemical_symbols[z]} {1000 * value:.0f}" for z, value in of.items())
        part = "" if now.frames == len(self.loss) else f" of {now.frames} frames to begin with"
        return [
            f"loss {now.loss:.3g}",
            f"forces {1000 * now.force_rmse:.0f} meV/Å" + (f" ({each})" if len(of) > 1 else ""),
            f"energy {1000 * now.energy_rmse:.1f} meV/atom{part}",
        ]


def _of_time(seconds: float) -> list[str]:
    return [f"about {max(seconds, 1):.0f} s left"] if np.isfinite(seconds) else []


def iterations_left(losses: Sequence[float], tolerance: float, patience: int) -> float:
    """Return how many iterations are to be expected until the loss has settled; inf if unknown.

    The relative gains of the last iterations are taken to fall exponentially.
    """
    last = np.array(losses[-7:])
    if len(last) < 4:
        return float("inf")
    gains = np.maximum((last[:-1] - last[1:]) / last[:-1], 1e-6)
    slope, level = np.polyfit(np.arange(1 - len(gains), 1), np.log(gains), 1)
    ahead = np.log(tolerance) - level
    if ahead >= 0:
        return float(patience)
    return float(patience + ahead / slope) if slope < 0 else float("inf")
