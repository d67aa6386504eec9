"""The loss of a training, its gradient, and its Gauss–Newton matrix.

    L(θ) = (1/K) Σ_k c_k [ w_E N_k^−p (ΔE_k)² + w_F N_k^−q Σ_i |ΔF_i|² + w_S N_k^−p |V_k Δσ_k|² ]
           + Σ_p ρ_p (θ_p − θ°_p)²

over K frames of N_k atoms, with p = `scaling` and q = `scaling_forces` of `Weights` (1 and 0, the
convention of MLIP: doi:10.1088/2632-2153/abc9fe); Vσ = ∂E/∂ε, eV. The last term, the prior, holds
what the labels do not determine.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from elyte.core.errors import InputError
from elyte.core.frame import LabelledFrame
from elyte.potentials.mtp.derivatives import FrameSet
from elyte.potentials.mtp.potential import MTP

Floats = NDArray[np.float64]
ROWS_AT_ONCE = 2000  # of the Jacobian; a few ten megabytes


@dataclass(frozen=True)
class Weights:
    """Weights of the squared errors.

    Args:
        energy: w_E, 1/eV².
        force: w_F, Å²/eV².
        stress: w_S, of Vσ, 1/eV².
        scaling: p; energies and stresses of N atoms are weighted by N^−p.
        scaling_forces: q; forces in a frame of N atoms are weighted by N^−q.
        config_types: factors c of frames by their `config_type`; 1 where not named.
    """

    energy: float = 1.0
    force: float = 0.01
    stress: float = 0.3
    scaling: float = 1.0
    scaling_forces: float = 0.0
    config_types: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        values = [self.energy, self.force, self.stress, *self.config_types.values()]
        if not all(np.isfinite(value) and value >= 0 for value in values):
            raise InputError("weights must be finite and not negative")

    def of(self, item: LabelledFrame) -> Floats:
        """Return the weights of (ΔE)², Σ|ΔF|² and |VΔσ|² of a frame; 0 for what has no label."""
        n, labels = len(item.frame), item.labels
        factor = self.config_types.get(item.config_type, 1.0)
        has_stress = labels.stress is not None and item.frame.volume > 0
        return factor * np.array(
            [
                self.energy * n**-self.scaling,
                self.force * n**-self.scaling_forces if labels.forces is not None else 0.0,
                self.stress * n**-self.scaling if has_stress else 0.0,
            ]
        )


@dataclass(frozen=True, eq=False)
class Prior:
    """Where parameters lie as long as labels do not say otherwise.

    Args:
        centre: θ°, (P,).
        strength: ρ, not negative, (P,).
    """

    centre: Floats
    strength: Floats


@dataclass(frozen=True, eq=False)
class Point:
    """The loss at some θ, and the squared errors of each frame without weights, (K, 3)."""

    theta: Floats
    loss: float
    squares: Floats
    gradient: Floats


def check_labels(dataset: Sequence[LabelledFrame]) -> None:
    """Raise InputError for an empty set, an empty frame, or labels that are not finite."""
    if len(dataset) == 0:
        raise InputError("there are no labelled frames to train on")
    for number, item in enumerate(dataset):
        if len(item.frame) == 0:
            raise InputError(f"frame {number} of the training set has no atoms")
        for name in ("energy", "forces", "stress"):
            value = getattr(item.labels, name)
            if value is not None and not np.isfinite(value).all():
                raise InputError(
                    f"frame {number} of the training set has a label that is not finite: {name}; "
                    "take the frame out, or label it again"
                )
        if item.labels.forces is not None and len(item.labels.forces) != len(item.frame):
            raise InputError(
                f"frame {number} of the training set has {len(item.frame)} atoms and forces on "
                f"{len(item.labels.forces)}"
            )


def check_enough(potential: MTP, dataset: Sequence[LabelledFrame]) -> None:
    """Raise InputError where the labels cannot determine the potential.

    One frame, energies alone that are fewer than the parameters, or an element of an untrained
    potential that no frame contains.
    """
    if len(dataset) == 1:
        raise InputError("one frame is not enough to train on; two are the least, many are better")
    if all(x.labels.forces is None for x in dataset) and len(dataset) < potential.n_parameters:
        raise InputError(
            f"no frame has forces, and {len(dataset)} energies cannot determine "
            f"{potential.n_parameters} parameters; label with forces, or choose a lower level"
        )
    seen = {int(z) for item in dataset for z in np.unique(item.frame.numbers)}
    missing = [chemical_symbols[z] for z in potential.species if z not in seen]
    if missing and not potential.species_coefficients.any():
        raise InputError(
            f"no frame contains {', '.join(missing)}, which the untrained potential is to know; "
            "add frames with it, or make the potential without it"
        )


class Loss:
    """L(θ) of a dataset for potentials of one shape.

    Args:
        potential: gives species, tables and distances; its coefficients are not used.
        dataset: labelled frames.
        weights: see `Weights`.
        prior: see `Prior`; none if left out.
        threads: threads; gradients do not depend on it.

    Raises:
        InputError: labels that are not finite or do not fit.
        UnknownSpecies: an element that the potential does not know.
    """

    def __init__(
        self,
        potential: MTP,
        dataset: Sequence[LabelledFrame],
        weights: Weights | None = None,
        prior: Prior | None = None,
        threads: int = 1,
    ) -> None:
        check_labels(dataset)
        weights = weights or Weights()
        self.set = FrameSet(potential.native_arrays(), [item.frame for item in dataset])
        self.weights = np.array([weights.of(item) for item in dataset])
        if not self.weights.any():
            raise InputError("all weights of the training set are zero")
        for number, item in enumerate(dataset):
            self._set_target(number, item)
        self.labels = [(item.frame.numbers, item.labels.forces) for item in dataset]
        forces = [0.0 if x.labels.forces is None else np.sum(x.labels.forces**2) for x in dataset]
        self.of_labels = self.weights[:, 1] * np.array(forces)  # what the forces' labels would cost
        self.threads = max(1, threads)
        self.n_species, self.n_parameters = len(potential.species), potential.n_parameters
        self.n_linear = self.n_species + len(potential.moment_coefficients)
        self.radial_size = potential.radial_size
        zeros = np.zeros(self.n_parameters)
        self.prior = prior or Prior(zeros, zeros)
        self._blas = ThreadpoolController()
        self._buffers: dict[int, tuple[NDArray[Any], Floats]] = {}

    def __len__(self) -> int:
        return len(self.set)

    def part(self, chosen: NDArray[np.int64]) -> Loss:
        """Return the loss of some of the frames; the prior counts as much as it does for all."""
        view = copy.copy(self)
        view.set, view.weights = self.set.part(chosen), self.weights[chosen]
        view.of_labels = self.of_labels[chosen]
        view.labels = [self.labels[int(k)] for k in chosen]
        strength = self.prior.strength * (len(self) / len(chosen))
        view.prior = Prior(self.prior.centre, strength)
        return view

    def _set_target(self, number: int, item: LabelledFrame) -> None:
        n, labels = len(item.frame), item.labels
        forces = np.zeros((n, 3)) if labels.forces is None else labels.forces
        stress = np.zeros((3, 3)) if labels.stress is None else labels.stress
        strain = np.ascontiguousarray((stress + stress.T) / 2 * item.frame.volume)
        self.set.native.set_target(number, labels.energy, forces, strain, self.weights[number])

    # ---- loss and gradient ------------------------------------------------------------------

    def at(self, theta: Floats, gradient: bool = True) -> Point:
        """Return the loss, and its gradient where wanted, (P,)."""
        theta = np.ascontiguousarray(theta, dtype=np.float64)
        squares, slope = self.set.native.loss(theta, self.set.all, self.threads, gradient)
        loss = float((squares * self.weights).sum()) / len(self)
        slope = slope / len(self)
        off = theta - self.prior.centre
        loss += float(self.prior.strength @ off**2)
        if gradient:
            slope += 2 * self.prior.strength * off
        return Point(theta, loss, squares, slope)

    def force_errors(self, theta: Floats) -> dict[int, float]:
        """Return the root mean square force error of each element by atomic number, eV/Å."""
        forces = self.set.evaluate(theta, self.threads)[1]
        of_frames = np.split(forces, self.set.offsets[1:-1])
        known = [
            (z, f - t) for (z, t), f in zip(self.labels, of_frames, strict=True) if t is not None
        ]
        if not known:
            return {}
        numbers = np.concatenate([z for z, _ in known])
        squares = np.concatenate([difference**2 for _, difference in known])
        return {int(z): float(np.sqrt(squares[numbers == z].mean())) for z in np.unique(numbers)}

    def curvature_along(self, point: Point, step: Floats, h: float = 0.1) -> Floats:
        """Return (1/K) Jᵀ r″, (P,), with r″ the second derivative of the residuals along a step.

        r″ = [r(θ + h step) − 2 r(θ) + r(θ − h step)] / h²; no Jacobian is needed.
        """
        here, there, back = (
            self.set.evaluate(point.theta + x * step, self.threads) for x in (0, h, -h)
        )
        bent = [(b - 2 * a + c) / h**2 for a, b, c in zip(here, there, back, strict=True)]
        energy, force, stress = self.weights.T
        per_atom = np.repeat(force, self.set.sizes)[:, None]
        total = self.set.gradient(
            point.theta,
            energy * bent[0],
            per_atom * bent[1],
            stress[:, None, None] * bent[2],
            self.threads,
        )
        return total / len(self)

    # ---- Gauss–Newton matrix ----------------------------------------------------------------

    def normal_matrix(self, theta: Floats, frames: NDArray[np.int64] | None = None) -> Floats:
        """Return (1/K) JᵀJ, (P, P), where J are the derivatives of the weighted residuals.

        Args:
            theta: parameters, (P,).
            frames: positions of the frames to estimate it from, or None for all.
        """
        chosen = np.arange(len(self)) if frames is None else frames
        return self.with_prior(self.normal_sum(theta, chosen, np.float64), len(chosen))

    def with_prior(self, total: Floats, frames: int) -> Floats:
        """Return JᵀJ of so many frames, divided by their number, with the prior's part."""
        matrix = total / frames
        matrix[np.diag_indices_from(matrix)] += self.prior.strength
        return matrix

    def normal_sum(
        self, theta: Floats, frames: NDArray[np.int64], rounding: type = np.float32
    ) -> Floats:
        """Return JᵀJ of some frames, (P, P).

        Args:
            theta: parameters, (P,).
            frames: positions of the frames.
            rounding: of the rows of J; products of a batch are summed in it, batches in double.
        """
        theta = np.ascontiguousarray(theta, dtype=np.float64)
        parts = self._batches(self.set.all[frames])
        lanes = [parts[lane :: self.threads] for lane in range(min(self.threads, len(parts)))]
        with (
            self._blas.limit(limits=1, user_api="blas"),
            ThreadPoolExecutor(len(lanes)) as pool,
        ):
            sums = list(
                pool.map(
                    lambda lane: self._accumulate(theta, lane, lanes[lane], rounding),
                    range(len(lanes)),
                )
            )
        total = sums[0]
        for other in sums[1:]:
            total += other
        return total

    def _batches(self, frames: NDArray[np.int64]) -> list[NDArray[np.int64]]:
        rows = np.cumsum([self.set.native.rows(int(k)) for k in frames])
        share = min(ROWS_AT_ONCE, max(1, int(rows[-1]) // self.threads))
        cuts = np.unique(np.searchsorted(rows, np.arange(share, rows[-1], share)) + 1)
        return [part for part in np.split(frames, cuts) if len(part)]

    def _accumulate(
        self, theta: Floats, lane: int, parts: list[NDArray[np.int64]], rounding: type
    ) -> Floats:
        total = np.zeros((self.n_parameters, self.n_parameters))
        product: NDArray[Any] = np.empty(total.shape, rounding)
        needed = max(self.set.rows(part) for part in parts)
        all_rows, all_residuals = self._buffer(lane, needed, rounding)
        for part in parts:
            count = self.set.rows(part)
            rows, residuals = all_rows[:count], all_residuals[:count]
            self.set.native.jacobian(theta, part, rows, residuals, 1)
            np.matmul(rows.T, rows, out=product)
            total += product
        return total

    def _buffer(self, lane: int, rows: int, rounding: type) -> tuple[NDArray[Any], Floats]:
        """Return memory of one thread, which is kept for the next matrix."""
        buffer = self._buffers.get(lane)
        if buffer is None or len(buffer[1]) < rows or buffer[0].dtype != rounding:
            buffer = (np.empty((rows, self.n_parameters), rounding), np.empty(rows))
            self._buffers[lane] = buffer
        return buffer
