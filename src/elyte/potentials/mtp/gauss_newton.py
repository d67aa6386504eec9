"""Least squares by Levenberg–Marquardt with geodesic acceleration.

With residuals r(θ), L = |r|², g = ∂L/∂θ / 2 = Jᵀr and H = JᵀJ, a step is

    v = −(H + λ D²)⁻¹ g,    a = −(H + λ D²)⁻¹ Jᵀ r″(v),    δ = v + a/2,

where D² is the (slowly forgetting) largest diagonal of H, and r″(v) the second derivative of the
residuals along v: the path of steepest descent in the space of residuals bends, and δ follows it
to second order. Steps of a potential can be several times longer for it; it costs three
evaluations and a gradient where H costs more than ten times as much. Coefficients that enter
linearly are hardly damped (`of_linear`), so that v is to first order the step of variable
projection: they follow the others at their optimum (doi:10.1088/0266-5611/19/2/201).
M. K. Transtrum, J. P. Sethna, arXiv:1201.5885; H. B. Nielsen, IMM-REP-1999-05 (control of λ).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from elyte.core.errors import Outcome
from elyte.potentials.mtp.loss import Loss, Point

Floats = NDArray[np.float64]

LARGEST_BEND = 0.75  # of 2|a| / |v|, beyond which second order is not to be trusted
MOST_TRIALS = 12  # of λ, before an iteration gives up
FORGETTING = 0.9  # of D², per iteration
GROWTH = 4.0  # of λ after a failure, twice that after the next
SHRINKING = 3.0  # of λ after a success, at most
SMALLEST_DAMPING, LARGEST_DAMPING = 1e-9, 1e9
OF_LINEAR = 1e-3  # of λ, for coefficients that enter linearly
LEAST_OF_LINEAR = 1e-6  # the rounding of H, which is made in single precision
NO_GAIN = "the loss on held-out frames no longer falls"


@dataclass(frozen=True)
class Limits:
    """When to stop.

    Args:
        seconds: wall time, or None.
        evaluations: of the loss and its gradient, or None.
        iterations: Gauss–Newton matrices.
        tolerance: relative decrease of the loss per iteration that is not worth going on for.
        patience: iterations in a row below the tolerance, or without a gain on held-out frames.
    """

    seconds: float | None = None
    evaluations: int | None = None
    iterations: int = 1000
    tolerance: float = 2e-3
    patience: int = 3


@dataclass
class Counts:
    """What a minimisation has cost so far; work on a part of the frames counts as that part."""

    iterations: int = 0
    gradients: float = 0
    evaluations: float = 0
    matrices: float = 0

    def add(self, other: Counts, share: float = 1.0) -> None:
        """Add work that was counted in units of a share of the frames; steps are not added."""
        self.gradients += share * other.gradients
        self.evaluations += share * other.evaluations
        self.matrices += share * other.matrices


@dataclass(frozen=True, eq=False)
class _Trial:
    """A point that lowers the loss, and the decrease relative to that of the quadratic model."""

    point: Point
    gain: float


class Minimiser:
    """State of a minimisation: the point, λ, D², and what it has cost.

    Args:
        loss: the sum of squares.
        point: where to start, with gradient.
        damping: first λ.
        frames_at_once: number of frames from which H is estimated, or None for all.
        seed: of the choice of these frames.
        counts: what was done before.
        share: how much work on these frames counts.
        of_linear: part of λ that damps the coefficients that enter linearly.
    """

    def __init__(
        self,
        loss: Loss,
        point: Point,
        damping: float = 1e-2,
        frames_at_once: int | None = None,
        seed: int = 0,
        counts: Counts | None = None,
        share: float = 1.0,
        of_linear: float = OF_LINEAR,
    ) -> None:
        self.loss, self.point, self.damping = loss, point, damping
        self.of_linear = of_linear
        self.counts, self.share = counts or Counts(), share
        self._scale = np.zeros(loss.n_parameters)
        self._growth = GROWTH
        self._random = np.random.default_rng(seed)
        self._sample = frames_at_once if (frames_at_once or 0) < len(loss) else None
        self._waiting: list[int] = []
        self.slow = 0  # iterations in a row that gained too little

    def state(self) -> dict[str, Any]:
        """Return what `restore` needs to go on exactly: arrays and plain values."""
        return {
            "theta": self.point.theta,
            "scale": self._scale,
            "damping": self.damping,
            "growth": self._growth,
            "slow": self.slow,
            "waiting": self._waiting,
            "random": self._random.bit_generator.state,
            "counts": asdict(self.counts),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to a state; loss and gradient are computed again, to the same bits."""
        self.point = self.loss.at(np.array(state["theta"]))
        self._scale = np.array(state["scale"])
        self.damping, self._growth = state["damping"], state["growth"]
        self.slow, self._waiting = state["slow"], list(state["waiting"])
        self._random.bit_generator.state = state["random"]
        for name, value in state["counts"].items():
            setattr(self.counts, name, value)

    def matrix(self) -> Floats:
        """Return H at the present point, of all frames or of the next ones drawn."""
        self.counts.matrices += self.share
        frames = np.arange(len(self.loss))
        if self._sample:
            if len(self._waiting) < self._sample:
                self._waiting += self._random.permutation(len(self.loss)).tolist()
            drawn, self._waiting = self._waiting[: self._sample], self._waiting[self._sample :]
            frames = np.unique(np.array(drawn, dtype=np.int64))
        total = self.loss.normal_sum(self.point.theta, frames)
        return self.loss.with_prior(total, len(frames))

    def iterate(self) -> bool:
        """Take one step that lowers the loss; return False where none was found."""
        self.counts.iterations += 1
        H = self.matrix()
        self._scale = np.maximum(np.diag(H), FORGETTING * self._scale)
        D = np.sqrt(np.maximum(self._scale, 1e-12 * self._scale.max()))
        scaled = H / np.outer(D, D)
        best = None
        for _ in range(MOST_TRIALS):
            best = self._trial(H, scaled, D, self.damping)
            if best is not None or self.damping > LARGEST_DAMPING:
                break
            self.damping *= self._growth
            self._growth *= 2
        if best is None:
            return False
        self.point = best.point
        change = 1 - (2 * min(best.gain, 2.0) - 1) ** 3  # Nielsen's
        self.damping = max(self.damping * max(1 / SHRINKING, change), SMALLEST_DAMPING)
        self._growth = GROWTH
        return True

    def _dampings(self, damping: float) -> Floats:
        """Return λ of each parameter, (P,)."""
        each = np.full(self.loss.n_parameters, damping)
        if self.of_linear < 1:
            each[: self.loss.n_linear] = max(self.of_linear * damping, LEAST_OF_LINEAR)
        return each

    def _trial(self, H: Floats, scaled: Floats, D: Floats, damping: float) -> _Trial | None:
        """Take the step that λ gives; None where the loss does not fall."""
        damped = scaled.copy()
        damped[np.diag_indices_from(damped)] += self._dampings(damping)
        try:
            factor = cho_factor(damped, overwrite_a=True, check_finite=False)
        except LinAlgError:
            return None
        g = self.point.gradient / 2

        def solve(right: Floats) -> Floats:
            return -np.asarray(cho_solve(factor, right / D, check_finite=False)) / D

        step = solve(g)
        expected = -(2 * g @ step + step @ H @ step)
        bend = solve(self.loss.curvature_along(self.point, step))
        self.counts.evaluations += 3 * self.share
        self.counts.gradients += self.share
        if 2 * np.linalg.norm(bend * D) < LARGEST_BEND * np.linalg.norm(step * D):
            step = step + bend / 2
        point = self.loss.at(self.point.theta + step)
        self.counts.gradients += self.share
        if not point.loss < self.point.loss or not np.isfinite(point.gradient).all():
            return None
        gain = float((self.point.loss - point.loss) / expected) if expected > 0 else 1.0
        return _Trial(point, gain)


def minimise(
    minimiser: Minimiser,
    limits: Limits,
    watch: Callable[[Minimiser, float], bool] | None = None,
) -> Outcome:
    """Iterate until a limit is met.

    Args:
        minimiser: state, changed in place.
        limits: see `Limits`.
        watch: called after every iteration with the seconds so far; True stops.

    Returns:
        "done" where the loss has settled, otherwise "stopped" with the limit that was met.
    """
    start, longest = time.monotonic(), 0.0
    if minimiser.slow >= limits.patience:  # restored where it had ended
        return Outcome()
    while True:
        over = _used_up(minimiser.counts, limits)
        if over is not None:
            return over
        before, began = minimiser.point.loss, time.monotonic()
        moved = minimiser.iterate()
        small = before - minimiser.point.loss < limits.tolerance * before
        minimiser.slow = (minimiser.slow + 1 if small else 0) if moved else limits.patience
        now = time.monotonic()
        longest = max(longest, now - began)
        stop = watch(minimiser, now - start) if watch else False
        if minimiser.slow >= limits.patience:
            return Outcome()
        if stop:
            return Outcome("done", NO_GAIN)
        if limits.seconds is not None and now - start + longest > limits.seconds:
            return Outcome("stopped", f"the time of {limits.seconds:.0f} s was used up")


def _used_up(spent: Counts, limits: Limits) -> Outcome | None:
    if limits.evaluations is not None and spent.gradients >= limits.evaluations:
        return Outcome("stopped", f"{limits.evaluations} gradients were evaluated")
    if spent.iterations >= limits.iterations:
        return Outcome("stopped", f"{limits.iterations} iterations were done")
    return None
