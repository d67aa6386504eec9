"""Derivatives of a moment tensor potential by its parameters θ (face of csrc/mtp_derivatives).

θ = [species coefficients (s), moment coefficients (A), radial coefficients (s, s, n_mu, n_beta)].
docs/theory/training.md derives the passes and counts their operations.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte._native import mtp_derivatives as _native
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.potentials.mtp.kernel import check_species

Floats = NDArray[np.float64]


def instruction_sets() -> list[str]:
    """Return the instruction sets that this processor has, the fastest first."""
    return list(_native.instruction_sets())


class FrameSet:
    """Frames with their neighbours found once, and sums over them for any θ.

    Arrays over atoms hold all frames one after the other; frame k has the rows
    `offsets[k]` … `offsets[k + 1]`.

    Args:
        arrays: `MTP.native_arrays()`; its coefficients are not used.
        frames: structures.
        isa: instruction set; the fastest when empty.

    Raises:
        UnknownSpecies: an element that the potential does not know.
        InputError: two atoms at one point; an instruction set that is not there.
    """

    def __init__(self, arrays: Mapping[str, Any], frames: Sequence[Frame], isa: str = "") -> None:
        try:
            self.native = _native.FrameSet(dict(arrays), isa)
        except ValueError as error:
            raise InputError(f"the potential cannot be prepared: {error}") from error
        species = [int(z) for z in arrays["species"]]
        for number, frame in enumerate(frames):
            check_species(frame, species)
            try:
                self.native.add(frame.numbers, frame.positions, frame.cell, frame.pbc)
            except ValueError as error:
                raise InputError(f"frame {number}: {error}") from error
        self.sizes = np.array([len(frame) for frame in frames], dtype=np.int64)
        self.offsets = np.concatenate([[0], np.cumsum(self.sizes)])
        self.all = np.arange(len(frames), dtype=np.int64)

    def __len__(self) -> int:
        return len(self.sizes)

    def part(self, chosen: NDArray[np.int64]) -> FrameSet:
        """Return a view of some of the frames."""
        view = copy.copy(self)
        view.all, view.sizes = self.all[chosen], self.sizes[chosen]
        view.offsets = np.concatenate([[0], np.cumsum(view.sizes)])
        return view

    def rows(self, frames: NDArray[np.int64] | None = None) -> int:
        """Return the number of rows of the Jacobian of all frames, or of those named."""
        chosen = self.all if frames is None else frames
        return sum(self.native.rows(int(k)) for k in chosen)

    def evaluate(self, theta: ArrayLike, threads: int = 1) -> tuple[Floats, Floats, Floats]:
        """Return energies (k), forces (Σn, 3) and strain gradients ∂E/∂ε (k, 3, 3)."""
        energies, forces, strain = self.native.evaluate(_contiguous(theta), self.all, threads)
        return energies, forces, strain

    def gradient(
        self,
        theta: ArrayLike,
        energy_weights: ArrayLike,
        force_weights: ArrayLike,
        strain_weights: ArrayLike,
        threads: int = 1,
    ) -> Floats:
        """Return Σ_k λ_k ∂E_k/∂θ + Σ v·∂F/∂θ + Σ_k S_k : ∂²E_k/∂ε∂θ, (P,).

        One directional derivative of ∂E/∂θ, along δr_ij = −(v_j − v_i) + S r_ij.

        Args:
            theta: parameters, (P,).
            energy_weights: λ, (k,).
            force_weights: v, (Σn, 3).
            strain_weights: S, symmetric, (k, 3, 3).
            threads: threads over frames; the result does not depend on it.
        """
        return np.asarray(
            self.native.gradient(
                _contiguous(theta),
                self.all,
                _contiguous(energy_weights),
                _contiguous(force_weights),
                _contiguous(strain_weights),
                threads,
            )
        )

    def atom_gradients(self, theta: ArrayLike, frame: int, threads: int = 1) -> Floats:
        """Return ∂E_i/∂θ of the atoms of one frame, (n, P)."""
        number = int(self.all[frame])
        return np.asarray(self.native.atom_gradients(_contiguous(theta), number, threads))


def atom_gradients(
    arrays: Mapping[str, Any], theta: ArrayLike, frame: Frame, threads: int = 1
) -> Floats:
    """Return ∂E_i/∂θ of the atoms of a frame, (n, P)."""
    return FrameSet(arrays, [frame]).atom_gradients(theta, 0, threads)


def _contiguous(values: ArrayLike) -> Floats:
    return np.ascontiguousarray(values, dtype=np.float64)
