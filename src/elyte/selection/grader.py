"""Grades while a run goes on: one matrix product for each species on rows made with the forces."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from elyte.core import Frame
from elyte.selection.derivatives import EVERY_SPECIES, Differentiable
from elyte.selection.maxvol import Basis, largest

UNTRAINED = 0.1  # part of a pseudo row, for parameters on which no training row depends at all
_SINGLE_ROUNDING = 6e-8
_ROUNDING_ALLOWED = 0.01  # of a grade


@runtime_checkable
class GivesSiteRows(Protocol):
    """A potential that makes the rows of its atoms along with the forces."""

    @property
    def species(self) -> tuple[int, ...]:
        """Atomic numbers it knows."""

    def site_rows(self, frame: Frame) -> NDArray[np.float64]:
        """Return ∂E_i/∂θ by the parameters of each atom's species, (n, W)."""

    def site_columns(self, z: int) -> NDArray[np.int64]:
        """Return which parameters these are for element z, (W,)."""


@dataclass(frozen=True, eq=False)
class _Product:
    """c = b A⁻¹ for site rows b of one species, and the grade of what A does not know.

    Args:
        inverse: rows of A⁻¹ for the site columns, (W, K); zero where A has no such column.
        own: the row of the isolated atom's energy, whose derivative is one, (K,).
        far: 1/(untrained pseudo row) of the site columns that A has not, zero else, (W,).
        own_far: the same of the isolated atom's energy.
    """

    inverse: NDArray[Any]
    own: NDArray[Any]
    far: NDArray[np.float64]
    own_far: float

    def grades(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        coefficients = rows.astype(self.inverse.dtype, copy=False) @ self.inverse
        coefficients += self.own
        grades = largest(coefficients).astype(np.float64)
        beyond = np.flatnonzero(self.far)
        if len(beyond):
            grades = np.maximum(grades, np.abs(rows[:, beyond] * self.far[beyond]).max(axis=1))
        return np.maximum(grades, self.own_far)


class SiteGrader:
    """γ of every atom from the rows that the potential makes along with the forces.

    The products are taken in single precision where its rounding cannot change a grade by more
    than 0.01: places are bounded by pseudo rows, so that it seldom can.

    Args:
        potential: gives site rows.
        blocks: parameters and basis by atomic number (0: a common set).
        pseudo: pseudo rows of all parameters, (P,).
        mode: "neighbourhood" or "configuration".
    """

    def __init__(
        self,
        potential: GivesSiteRows,
        blocks: Mapping[int, tuple[NDArray[np.int64], Basis]],
        pseudo: NDArray[np.float64],
        mode: str,
    ) -> None:
        self.potential = potential
        self._configuration = mode == "configuration"
        self._products = {}
        for kind, z in enumerate(potential.species):
            block = z if z in blocks else EVERY_SPECIES
            if block in blocks:
                columns = potential.site_columns(z)
                self._products[z] = _product(columns, kind, *blocks[block], pseudo)
        if self._configuration:
            products = self._products.values()
            self._stacked = (
                np.concatenate([product.inverse for product in products]),
                np.stack([product.own for product in products]),
            )

    def __call__(self, frame: Frame) -> NDArray[np.float64]:
        """Return the grades of a frame's atoms, (n,)."""
        return self.of_rows(frame.numbers, self.potential.site_rows(frame))

    def of_rows(self, numbers: NDArray[np.int64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the grades of atoms of which the site rows (n, W) are known, (n,)."""
        if self._configuration:
            return np.full(len(numbers), self._of_mean(numbers, rows))
        grades = np.full(len(numbers), np.inf)
        for z, product in self._products.items():
            atoms = np.flatnonzero(numbers == z)
            if len(atoms):
                grades[atoms] = product.grades(rows[atoms])
        return grades

    def _of_mean(self, numbers: NDArray[np.int64], rows: NDArray[np.float64]) -> float:
        """Return the grade of the mean row of all atoms: the species' parts of it add."""
        products = list(self._products.values())
        of_species = (np.array(list(self._products))[:, None] == numbers).astype(np.float64)
        shares, parts = of_species.mean(axis=1), of_species @ rows / len(numbers)
        inverse, own = self._stacked
        total = parts.ravel().astype(inverse.dtype) @ inverse + shares @ own
        beyond = max(
            max(float(np.abs(part * product.far).max()), float(share * product.own_far))
            for part, share, product in zip(parts, shares, products, strict=True)
        )
        return max(float(np.abs(total).max()), beyond)


def _product(
    columns: NDArray[np.int64],
    kind: int,
    known: NDArray[np.int64],
    basis: Basis,
    pseudo: NDArray[np.float64],
) -> _Product:
    places = np.minimum(np.searchsorted(known, columns), len(known) - 1)
    there = known[places] == columns
    inverse = np.where(there[:, None], basis.inverse[places], 0.0)
    own = np.flatnonzero(known == kind)
    own_row = basis.inverse[own[0]] if len(own) else np.zeros(len(known))
    rounding = _SINGLE_ROUNDING * (np.abs(basis.matrix).mean(axis=0) @ np.abs(basis.inverse)).max()
    kept = np.float32 if rounding < _ROUNDING_ALLOWED else np.float64
    return _Product(
        inverse.astype(kept),
        own_row.astype(kept),
        np.where(there, 0.0, 1 / (UNTRAINED * pseudo[columns])),
        0.0 if len(own) else float(1 / (UNTRAINED * pseudo[kind])),
    )


def site_grader(
    potential: Differentiable,
    blocks: Mapping[int, tuple[NDArray[np.int64], Basis]],
    pseudo: NDArray[np.float64],
    mode: str,
) -> SiteGrader | None:
    """Return a `SiteGrader`, or None for a potential that makes no site rows."""
    if not isinstance(potential, GivesSiteRows):
        return None
    return SiteGrader(potential, blocks, pseudo, mode)
