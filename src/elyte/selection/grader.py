"""Grades while a run goes on, from rows that were made with the forces."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
_MARGIN = 8.0  # roundings that two grades by quick products are apart when their order is sure


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
        exact: rows of A⁻¹ for the site columns and, last, for the isolated atom's energy, whose
            derivative is one, (W + 1, K); zero where A has no such column.
        quick: its transpose in single precision, or None where that could be too rough.
        rounding: of a grade by `quick`, u max (|A| |A⁻¹|): about what it is off at most.
        far: 1/(untrained pseudo row) of the site columns that A has not, zero else, (W,).
        own_far: the same of the isolated atom's energy.
    """

    exact: NDArray[np.float64]
    quick: NDArray[np.float32] | None
    rounding: float
    far: NDArray[np.float64]
    own_far: float

    def grades(self, rows: NDArray[np.float64], rough: bool = False) -> NDArray[np.float64]:
        """Return γ of site rows (m, W), by the quick product if `rough`."""
        if rough and self.quick is not None:
            # one atom per column: the largest of each is then taken over whole vectors
            coefficients = self.quick @ _with_one(rows, np.float32).T
            grades = np.abs(coefficients, out=coefficients).max(axis=0).astype(np.float64)
        else:
            grades = largest(_with_one(rows, np.float64) @ self.exact)
        beyond = np.flatnonzero(self.far)
        if len(beyond):
            grades = np.maximum(grades, np.abs(rows[:, beyond] * self.far[beyond]).max(axis=1))
        return np.maximum(grades, self.own_far)


def _with_one(rows: NDArray[np.float64], kind: type[np.floating[Any]]) -> NDArray[Any]:
    full = np.empty((len(rows), rows.shape[1] + 1), dtype=kind)
    full[:, :-1] = rows
    full[:, -1] = 1
    return full


class _Mean:
    """γ of the mean row of a frame.

    A pseudo row p_j e_j only meets its own column, so with F the places of the true rows R
        c_F = b_F R_F⁻¹,  c_j = (b_j − (c_F R)_j) / p_j elsewhere:
    as many multiply-adds as R has entries, instead of a product with all of A⁻¹.

    Args:
        columns: site columns of each species, (W,) each.
        known: parameters of the basis, (K,).
        basis: the active rows.
        pseudo: pseudo rows of all parameters, (P,).
    """

    def __init__(
        self,
        columns: Sequence[NDArray[np.int64]],
        known: NDArray[np.int64],
        basis: Basis,
        pseudo: NDArray[np.float64],
    ) -> None:
        self._columns = columns
        true = basis.holders >= 0
        self._true, self._open = known[true], known[~true]
        self._inverse = basis.inverse[np.ix_(true, true)]
        self._rows = basis.matrix[np.ix_(true, ~true)]
        self._pseudo = pseudo.copy()
        unknown = np.setdiff1d(np.arange(len(pseudo)), known)
        self._pseudo[unknown] *= UNTRAINED
        self._open = np.concatenate([self._open, unknown])

    @property
    def map(self) -> dict[str, NDArray[Any]]:
        """What makes this grade along with the forces."""
        rows = np.zeros((len(self._true), len(self._open)))
        rows[:, : self._rows.shape[1]] = self._rows
        return {
            "columns": np.array(self._columns),
            "filled": self._true,
            "open": self._open,
            "inverse": self._inverse,
            "rows": rows,
            "pseudo": self._pseudo[self._open],
        }

    def grade(self, shares: NDArray[np.float64], parts: NDArray[np.float64]) -> float:
        """Return γ of the species' shares of the atoms, (s,), and parts of the mean, (s, W)."""
        mean = np.zeros(len(self._pseudo))
        mean[: len(shares)] = shares
        for columns, part in zip(self._columns, parts, strict=True):
            mean[columns] += part
        of_true = mean[self._true] @ self._inverse
        left = mean[self._open]
        left[: self._rows.shape[1]] -= of_true @ self._rows
        left /= self._pseudo[self._open]
        return float(np.maximum(np.abs(of_true).max(initial=0.0), np.abs(left).max(initial=0.0)))


class SiteGrader:
    """γ of every atom from the rows that the potential makes along with the forces.

    Neighbourhoods are graded in single precision where its rounding is below 0.01 of a grade, and
    those that may be the largest once more in double: the largest grade is right in all digits,
    the others to that.

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
        columns = [potential.site_columns(z) for z in potential.species]
        self._mean: _Mean | None = None
        self._products = {}
        if mode == "configuration":
            self._mean = _Mean(columns, *blocks[EVERY_SPECIES], pseudo)
            return
        for kind, z in enumerate(potential.species):
            block = z if z in blocks else EVERY_SPECIES
            if block in blocks:
                self._products[z] = _product(columns[kind], kind, *blocks[block], pseudo)

    @property
    def maps(self) -> dict[str, Any]:
        """What makes grades of rows along with the forces (csrc/grade_map_python.hpp)."""
        if self._mean is not None:
            return {"mean": self._mean.map}
        of_atoms = [
            {
                "number": z,
                "inverse": np.ascontiguousarray(product.exact),
                "single": product.quick is not None,
                "far": np.flatnonzero(product.far),
                "far_scale": product.far[product.far != 0],
                "least": product.own_far,
            }
            for z, product in self._products.items()
        ]
        return {"atoms": of_atoms}

    def __call__(self, frame: Frame) -> NDArray[np.float64]:
        """Return the grades of a frame's atoms, (n,)."""
        return self.of_rows(frame.numbers, self.potential.site_rows(frame))

    def of_rows(self, numbers: NDArray[np.int64], rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the grades of atoms, (n,), with these numbers, (n,), and site rows, (n, W)."""
        if self._mean is None:
            return self._of_atoms(numbers, rows)
        of_species = np.equal.outer(self.potential.species, numbers) / len(numbers)
        grade = self._mean.grade(of_species.sum(axis=1), of_species @ rows)
        return np.full(len(numbers), grade)

    def _of_atoms(
        self, numbers: NDArray[np.int64], rows: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        grades = np.full(len(numbers), np.inf)
        known = [(product, np.flatnonzero(numbers == z)) for z, product in self._products.items()]
        known = [(product, atoms) for product, atoms in known if len(atoms)]
        top = 0.0
        with np.errstate(over="ignore", invalid="ignore"):  # what single precision cannot hold
            for product, atoms in known:
                grades[atoms] = product.grades(rows[atoms], rough=True)
                top = np.maximum(top, grades[atoms].max())
        rounding = max((p.rounding for p, _ in known if p.quick is not None), default=0.0)
        margin = _MARGIN * rounding * max(1.0, top)
        for product, atoms in known:
            doubtful = atoms[~(grades[atoms] < top - margin)]  # all, where the top is not a number
            if product.quick is not None and len(doubtful):
                grades[doubtful] = product.grades(rows[doubtful])
        return grades


def _product(
    columns: NDArray[np.int64],
    kind: int,
    known: NDArray[np.int64],
    basis: Basis,
    pseudo: NDArray[np.float64],
) -> _Product:
    columns = np.append(columns, kind)
    places = np.minimum(np.searchsorted(known, columns), len(known) - 1)
    there = known[places] == columns
    exact = np.where(there[:, None], basis.inverse[places], 0.0)
    far = np.where(there, 0.0, 1 / (UNTRAINED * pseudo[columns]))
    rounding = float(_SINGLE_ROUNDING * (np.abs(basis.matrix) @ np.abs(basis.inverse)).max())
    quick = (
        np.ascontiguousarray(exact.T, dtype=np.float32) if rounding < _ROUNDING_ALLOWED else None
    )
    return _Product(exact, quick, rounding, far[:-1], float(far[-1]))


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
