"""A small potential of pairs, linear in its parameters, for tests of what surrounds potentials.

E_i = e_{z_i} + ½ Σ_j Σ_k θ_{z_i z_j k} φ_k(r_ij)
φ_k(r) = (1 − r/r_c)² T_k(2 r/r_c − 1) for r < r_c, else 0.

It has everything a trained potential has (forces, stress, ∂E_i/∂θ, a calculator, files) and is
fitted by one least-squares solution, in milliseconds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from os import PathLike
from pathlib import Path

import numpy as np
from numpy.polynomial import chebyshev
from numpy.typing import NDArray

from elyte.core import Dataset, FormatError, Frame, InputError, UnknownSpecies
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.protocol import Evaluation

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FakePotential:
    """Pair potential of Chebyshev polynomials, linear in θ.

    Args:
        species: atomic numbers.
        cutoff: r_c, Å.
        parameters: θ = [e (s), θ (s, s, size)], (P,); the pair part is symmetric in what it
            does: only the sum of θ_{ab} and θ_{ba} acts on energies of whole frames.
        size: number of functions φ_k.
    """

    species: tuple[int, ...]
    cutoff: float
    parameters: Array
    size: int = 4

    def __post_init__(self) -> None:
        s = len(self.species)
        if len(self.parameters) != s + s * s * self.size:
            raise InputError(
                f"{len(self.parameters)} parameters given, {s + s * s * self.size} expected"
            )

    @classmethod
    def initial(
        cls, species: Sequence[int], cutoff: float = 4.0, size: int = 4, seed: int = 0
    ) -> FakePotential:
        """Return a mostly repulsive potential with a little randomness."""
        s = len(species)
        random = np.random.default_rng(seed)
        pairs = random.uniform(-0.2, 0.2, (s, s, size))
        pairs = pairs + pairs.transpose(1, 0, 2)
        pairs[..., 0] += 2.0
        theta = np.concatenate([random.uniform(-1, 1, s), pairs.ravel()])
        return cls(tuple(int(z) for z in species), float(cutoff), theta, size)

    @classmethod
    def fitted(
        cls, dataset: Dataset, cutoff: float = 4.0, size: int = 6, force_weight: float = 0.1
    ) -> FakePotential:
        """Fit energies and forces of a dataset by least squares."""
        start = cls.initial(dataset.species, cutoff, size)
        rows: list[Array] = []
        targets: list[Array] = []
        for item in dataset:
            rows.append(start.atom_gradients(item.frame).sum(axis=0, keepdims=True))
            targets.append(np.array([item.labels.energy]))
            if item.labels.forces is not None:
                rows.append(force_weight * start._force_rows(item.frame))
                targets.append(force_weight * item.labels.forces.ravel())
        theta = np.linalg.lstsq(np.concatenate(rows), np.concatenate(targets), rcond=1e-10)[0]
        return start.with_parameters(theta)

    @property
    def n_parameters(self) -> int:
        """Number of parameters P."""
        return len(self.parameters)

    def with_parameters(self, theta: Array) -> FakePotential:
        """Return the same potential with other parameters (P,)."""
        return replace(self, parameters=np.array(theta, dtype=float))

    def evaluate(self, frames: Sequence[Frame], threads: int = 1) -> list[Evaluation]:
        """Return the evaluation of each frame.

        Raises:
            UnknownSpecies: an element that is not among `species`.
        """
        return [self._evaluate(frame) for frame in frames]

    def atom_gradients(self, frame: Frame, threads: int = 1) -> Array:
        """Return ∂E_i/∂θ, (n, P)."""
        kinds = self._kinds(frame)
        first, second, _, distances = pairs_within(frame, self.cutoff)
        values, _ = radial(distances, self.cutoff, self.size)
        s = len(self.species)
        rows = np.zeros((len(frame), self.n_parameters))
        rows[np.arange(len(frame)), kinds] = 1.0
        columns = s + self.size * (kinds[first] * s + kinds[second])
        for k in range(self.size):
            np.add.at(rows, (first, columns + k), 0.5 * values[:, k])
        return rows

    def calculator(self) -> PotentialCalculator:
        """Return an ASE calculator."""
        return PotentialCalculator(self)  # type: ignore[arg-type]

    def save(self, path: str | PathLike[str]) -> None:
        """Write as JSON; every bit of the parameters survives."""
        facts = {
            "species": self.species,
            "cutoff": self.cutoff,
            "size": self.size,
            "parameters": [float(x).hex() for x in self.parameters],
        }
        Path(path).write_text(json.dumps(facts))

    @classmethod
    def load(cls, path: str | PathLike[str]) -> FakePotential:
        """Read what `save` wrote."""
        try:
            facts = json.loads(Path(path).read_text())
            theta = np.array([float.fromhex(x) for x in facts["parameters"]])
            return cls(tuple(facts["species"]), facts["cutoff"], theta, facts["size"])
        except (ValueError, KeyError, TypeError) as error:
            raise FormatError(f"{path} is not a saved FakePotential: {error}") from error

    def _kinds(self, frame: Frame) -> NDArray[np.int64]:
        unknown = set(frame.numbers.tolist()) - set(self.species)
        if unknown:
            raise UnknownSpecies(
                f"the potential knows the elements {self.species}, the frame has {sorted(unknown)}"
            )
        return np.array([self.species.index(z) for z in frame.numbers], dtype=np.int64)

    def _coefficients(self) -> Array:
        s = len(self.species)
        return self.parameters[s:].reshape(s, s, self.size)

    def _evaluate(self, frame: Frame) -> Evaluation:
        kinds = self._kinds(frame)
        first, second, vectors, distances = pairs_within(frame, self.cutoff)
        values, slopes = radial(distances, self.cutoff, self.size)
        theta = self._coefficients()[kinds[first], kinds[second]]
        energies = self.parameters[kinds].copy()
        np.add.at(energies, first, 0.5 * np.einsum("pk,pk->p", values, theta))
        # the half bond i→j pulls on both of its ends
        slope = 0.5 * np.einsum("pk,pk->p", slopes, theta)
        pull = (slope / distances)[:, None] * vectors
        forces = np.zeros((len(frame), 3))
        np.add.at(forces, first, pull)
        np.add.at(forces, second, -pull)
        virial = np.einsum("pa,pb->ab", pull, vectors)
        stress = virial / frame.volume if frame.pbc.any() else np.zeros((3, 3))
        return Evaluation(float(energies.sum()), forces, stress, energies)

    def _force_rows(self, frame: Frame) -> Array:
        """Return ∂F/∂θ, (3 n, P)."""
        kinds = self._kinds(frame)
        first, second, vectors, distances = pairs_within(frame, self.cutoff)
        _, slopes = radial(distances, self.cutoff, self.size)
        s = len(self.species)
        rows = np.zeros((len(frame), 3, self.n_parameters))
        columns = s + self.size * (kinds[first] * s + kinds[second])
        for k, axis in product(range(self.size), range(3)):
            pull = 0.5 * slopes[:, k] * vectors[:, axis] / distances
            np.add.at(rows[:, axis], (first, columns + k), pull)
            np.add.at(rows[:, axis], (second, columns + k), -pull)
        return rows.reshape(3 * len(frame), -1)


def radial(distances: Array, cutoff: float, size: int) -> tuple[Array, Array]:
    """Return φ_k(r) and dφ_k/dr, (p, size) each."""
    x = 2.0 * distances / cutoff - 1.0
    fade = (1.0 - distances / cutoff)[:, None]
    polynomials = chebyshev.chebvander(x, size - 1)
    slopes = np.stack(
        [chebyshev.chebval(x, chebyshev.chebder(row)) for row in np.eye(size)], axis=1
    )
    values = fade**2 * polynomials
    return values, (-2.0 * fade * polynomials + 2.0 * fade**2 * slopes) / cutoff


def pairs_within(
    frame: Frame, cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array, Array]:
    """Return all pairs i, j (both ways, all images), r_j − r_i (p, 3) and distances (p,), slowly.

    Every image that can matter is tried: right for any cell, also those smaller than the cutoff.
    """
    shifts = _images(frame, cutoff) @ frame.cell
    delta = frame.positions[None, :, :] - frame.positions[:, None, :]
    vectors = delta[None] + shifts[:, None, None, :]
    distances = np.linalg.norm(vectors, axis=-1)
    image, first, second = np.nonzero((distances < cutoff) & (distances > 1e-10))
    found = (image, first, second)
    return first, second, vectors[found], distances[found]


def _images(frame: Frame, cutoff: float) -> Array:
    """Lattice shifts that may bring an atom within the cutoff, (m, 3)."""
    if not frame.pbc.any():
        return np.zeros((1, 3))
    inverse = np.linalg.inv(frame.cell)
    fractional = frame.positions @ inverse
    reach = cutoff * np.linalg.norm(inverse, axis=0) + np.ptp(fractional, axis=0)
    counts = [
        int(np.ceil(r)) if periodic else 0 for r, periodic in zip(reach, frame.pbc, strict=True)
    ]
    return np.array(list(product(*(range(-c, c + 1) for c in counts))), dtype=float)
