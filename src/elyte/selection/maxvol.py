"""Square submatrices of maximal volume: start, swaps, and the updates that make them cheap.

For a square matrix A of "active" rows, the coefficients of a row b are c = b A⁻¹. Putting b in
the place of active row j multiplies |det A| by |c_j|; A is dominant when no row has an entry
of c above one (Goreinov, Oseledets, Savostyanov, Tyrtyshnikov and Zamarashkin 2010,
doi:10.1142/9789812836021_0015).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

Matrix = NDArray[np.float64]
Indices = NDArray[np.int64]

_CHUNK = 4096  # rows a pass works on at once, so that temporaries stay near the cache


@dataclass(frozen=True)
class Replacement:
    """A batch of swaps as one update of coefficients: C ← C − C[:, positions] · shift."""

    positions: Indices
    shift: Matrix

    def apply(self, coefficients: Matrix) -> None:
        """Bring the coefficients (m, K) of any rows up to date, in place."""
        for part in chunks(len(coefficients)):
            coefficients[part] -= coefficients[part][:, self.positions] @ self.shift


class Basis:
    """K active rows of K columns, and the inverse of the matrix they make.

    The rows of a new basis are pseudo rows p_j e_j: they hold the places that no true row can
    fill. `holders[j]` is the number the caller gave to the row in place j, or −1 for a pseudo
    row.

    Args:
        pseudo: p_j, positive, (K,); also the units in which columns are balanced.
    """

    def __init__(self, pseudo: Matrix) -> None:
        self.pseudo = np.array(pseudo, dtype=float)
        self.matrix = np.diag(self.pseudo)
        self.inverse = np.diag(1.0 / self.pseudo)
        self.holders = np.full(len(pseudo), -1, dtype=np.int64)

    @classmethod
    def of(cls, matrix: Matrix, pseudo: Matrix, true: NDArray[np.bool_]) -> Basis:
        """Make a basis of given rows (K, K); `true` says which are not pseudo rows."""
        basis = cls(pseudo)
        basis.matrix = np.array(matrix)
        basis.holders = np.where(true, np.arange(len(matrix)), -1)
        basis.refresh()
        return basis

    def copy(self) -> Basis:
        """Return an independent copy."""
        other = Basis(self.pseudo)
        other.matrix = self.matrix.copy()
        other.inverse = self.inverse.copy()
        other.holders = self.holders.copy()
        return other

    @property
    def log_volume(self) -> float:
        """ln |det A|, with columns in units of their pseudo rows."""
        return float(np.linalg.slogdet(self.matrix / self.pseudo)[1])

    def start(self, rows: Matrix, numbers: Indices, favour: float = 1.0) -> None:
        """Fill the places by LU with row pivoting: a large volume, though not yet the maximum.

        Args:
            rows: (m, K), any of them may be chosen.
            numbers: what to call them in `holders`, (m,), not negative.
            favour: a row is chosen over a pseudo row that is up to so many times larger.
        """
        size = len(self.pseudo)
        stacked = np.empty((len(rows) + size, size), order="F")
        stacked[: len(rows)] = favour * rows / self.pseudo
        stacked[len(rows) :] = np.eye(size)
        _, pivots, _ = lapack.dgetrf(stacked, overwrite_a=True)
        order = np.arange(len(rows) + size)
        for place, other in enumerate(pivots):
            order[place], order[other] = order[other], order[place]
        chosen = order[:size]
        true = chosen < len(rows)
        # a pseudo row that was not chosen leaves its place to a true row
        places = np.setdiff1d(np.arange(size), chosen[~true] - len(rows))
        self.matrix[places] = rows[chosen[true]]
        self.holders[places] = numbers[chosen[true]]
        self.refresh()

    def refresh(self) -> None:
        """Compute the inverse anew, free of the rounding that updates gather."""
        self.inverse = np.linalg.inv(self.matrix / self.pseudo) / self.pseudo[:, None]

    def coefficients(self, rows: Matrix) -> Matrix:
        """Return c = b A⁻¹ for rows (m, K)."""
        return rows @ self.inverse

    def extend(self, pseudo: Matrix) -> None:
        """Add columns in which every active row so far is zero, held by pseudo rows."""
        old = len(self.pseudo)
        self.pseudo = np.concatenate([self.pseudo, pseudo])
        size = len(self.pseudo)
        for name, diagonal in (("matrix", pseudo), ("inverse", 1.0 / pseudo)):
            grown = np.zeros((size, size))
            grown[:old, :old] = getattr(self, name)
            grown[np.arange(old, size), np.arange(old, size)] = diagonal
            setattr(self, name, grown)
        self.holders = np.concatenate([self.holders, np.full(size - old, -1)])

    def replace(
        self, positions: Indices, rows: Matrix, found: Matrix, numbers: Indices
    ) -> Replacement:
        """Put rows (k, K) with coefficients `found` at `positions`, by Woodbury's formula.

        A'⁻¹ = A⁻¹ − A⁻¹[:, J] D_J⁻¹ (D − E_J), D = `found`, E_J = rows J of the identity.
        """
        target = found.copy()
        target[np.arange(len(positions)), positions] -= 1.0
        shift = np.asarray(np.linalg.solve(found[:, positions], target), dtype=np.float64)
        update = Replacement(positions, shift)
        update.apply(self.inverse)
        self.matrix[positions] = rows
        self.holders[positions] = numbers
        return update


def swap(coefficients: Matrix, threshold: float, among: Indices, places: dict[int, int]) -> float:
    """Swap rows into the basis while any entry of rows `among` exceeds `threshold`.

    Args:
        coefficients: c of a few rows, (q, K); kept up to date in place.
        threshold: one plus the tolerance.
        among: rows that may enter, indices into (q,).
        places: place → row that entered; added to.

    Returns:
        ln of the factor by which the volume grew.
    """
    growth = 0.0
    while True:
        part = coefficients[among]
        index, place = divmod(int(np.argmax(np.abs(part))), coefficients.shape[1])
        row = int(among[index])
        pivot = coefficients[row, place]
        if abs(pivot) <= threshold:
            return growth
        growth += float(np.log(abs(pivot)))
        step = coefficients[row] / pivot
        step[place] -= 1.0 / pivot
        coefficients -= np.outer(coefficients[:, place], step)
        coefficients[row] = 0.0  # exactly, so that no rounding lets a member in twice
        coefficients[row, place] = 1.0
        places[place] = row


def largest(coefficients: Matrix) -> Matrix:
    """Return max_j |c_j| of each row (m, K) without a temporary of its size."""
    return np.maximum(coefficients.max(axis=1), -coefficients.min(axis=1))


def chunks(length: int) -> Iterator[slice]:
    """Cut range(length) into slices of some thousand rows."""
    return (slice(first, first + _CHUNK) for first in range(0, length, _CHUNK))


def maximise(basis: Basis, rows: Matrix, threshold: float, batch: int = 64) -> int:
    """Swap rows (m, K) into the basis until it is dominant: |c| ≤ `threshold` for all of them.

    The `batch` rows that extrapolate most are brought to a maximum among themselves, then the
    coefficients of all rows are updated once.

    Returns:
        The number of rows that entered.
    """
    entered = 0
    coefficients = basis.coefficients(rows)
    exact = True
    while True:
        grades = largest(coefficients)
        top = np.argsort(-grades, kind="stable")[:batch]
        top = top[grades[top] > threshold]
        if len(top) == 0:
            if exact:
                return entered
            basis.refresh()
            coefficients = basis.coefficients(rows)
            exact = True
            continue
        places: dict[int, int] = {}
        working = coefficients[top]
        swap(working, threshold, np.arange(len(top)), places)
        positions = np.array(list(places), dtype=np.int64)
        numbers = top[np.array(list(places.values()), dtype=np.int64)]
        basis.replace(positions, rows[numbers], coefficients[numbers], numbers).apply(coefficients)
        entered += len(positions)
        exact = False
