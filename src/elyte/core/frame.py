"""Structures and their labels: `Frame`, `Labels`, `LabelledFrame`, `Dataset`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, overload

import ase
import numpy as np
from ase.data import atomic_masses, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError


def _readonly(values: ArrayLike, dtype: type, shape: tuple[int, ...], name: str) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype=dtype, order="C")
    if array.shape != shape:
        raise InputError(f"{name} has shape {array.shape}, expected {shape}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Frame:
    """A structure, and nothing else.

    Args:
        numbers: atomic numbers, (n,).
        positions: Å, (n, 3).
        cell: lattice vectors as rows, Å, (3, 3); zeros without a box.
        pbc: periodic directions, (3,).
        molecules: index of the molecule each atom belongs to, (n,), or None when unknown.

    Raises:
        InputError: shapes that do not fit, or values that are not finite.
    """

    numbers: NDArray[np.int64]
    positions: NDArray[np.float64]
    cell: NDArray[np.float64] = field(default_factory=lambda: np.zeros((3, 3)))
    pbc: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(3, dtype=bool))
    molecules: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        n = len(self.numbers)
        set_ = object.__setattr__
        set_(self, "numbers", _readonly(self.numbers, np.int64, (n,), "numbers"))
        set_(self, "positions", _readonly(self.positions, np.float64, (n, 3), "positions"))
        set_(self, "cell", _readonly(self.cell, np.float64, (3, 3), "cell"))
        set_(self, "pbc", _readonly(np.broadcast_to(self.pbc, 3), np.bool_, (3,), "pbc"))
        if self.molecules is not None:
            set_(self, "molecules", _readonly(self.molecules, np.int64, (n,), "molecules"))
        if not (np.isfinite(self.positions).all() and np.isfinite(self.cell).all()):
            raise InputError("a frame has positions or cell vectors that are not finite")
        if self.pbc.any() and self.volume <= 0:
            raise InputError("a periodic frame needs three independent cell vectors")

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def volume(self) -> float:
        """Volume of the cell, Å³ (0 without a box)."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def masses(self) -> NDArray[np.float64]:
        """Atomic masses, u, (n,)."""
        return np.asarray(atomic_masses[self.numbers], dtype=float)

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols, one for each atom."""
        return [chemical_symbols[z] for z in self.numbers]

    def digest(self) -> str:
        """Hash of the physics alone: elements, positions and cell to 1e-9 Å, periodicity."""
        hasher = hashlib.sha256(np.ascontiguousarray(self.numbers, "<i8").tobytes())
        for array in (self.positions, self.cell):
            hasher.update((np.round(array, 9) + 0.0).astype("<f8").tobytes())
        hasher.update(self.pbc.astype("u1").tobytes())
        return hasher.hexdigest()

    def moved(self, positions: ArrayLike, cell: ArrayLike | None = None) -> Frame:
        """Return the same atoms at other positions (and in another cell)."""
        new_cell = self.cell if cell is None else cell
        return replace(self, positions=np.asarray(positions), cell=np.asarray(new_cell))

    def to_ase(self) -> ase.Atoms:
        """Return an `ase.Atoms` with the same structure (molecule ids in array "molecules")."""
        atoms = ase.Atoms(self.numbers, self.positions, cell=self.cell, pbc=self.pbc)
        if self.molecules is not None:
            atoms.set_array("molecules", np.array(self.molecules))
        return atoms

    @classmethod
    def from_ase(cls, atoms: ase.Atoms) -> Frame:
        """Take the structure of an `ase.Atoms`."""
        return cls(
            numbers=atoms.numbers,
            positions=atoms.positions,
            cell=np.asarray(atoms.cell),
            pbc=atoms.pbc,
            molecules=atoms.arrays.get("molecules"),
        )


@dataclass(frozen=True, eq=False)
class Labels:
    """What a reference method says of a frame.

    Args:
        energy: eV.
        forces: eV/Å, (n, 3), or None when there are none.
        stress: ASE's sign σ = (1/V) ∂E/∂ε (tension positive), eV/Å³, (3, 3), or None.
        charges: e, (n,), or None.
        level: identifier of the level of theory ("GFN1-xTB/tblite-0.8"), or "".
    """

    energy: float
    forces: NDArray[np.float64] | None = None
    stress: NDArray[np.float64] | None = None
    charges: NDArray[np.float64] | None = None
    level: str = ""

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "energy", float(self.energy))
        if self.forces is not None:
            n = len(self.forces)
            set_(self, "forces", _readonly(self.forces, np.float64, (n, 3), "forces"))
        if self.stress is not None:
            set_(self, "stress", _readonly(self.stress, np.float64, (3, 3), "stress"))
        if self.charges is not None:
            n = len(self.charges)
            set_(self, "charges", _readonly(self.charges, np.float64, (n,), "charges"))


@dataclass(frozen=True, eq=False)
class LabelledFrame:
    """A frame with its labels and where it came from (`config_type`, as in extxyz)."""

    frame: Frame
    labels: Labels
    config_type: str = ""


@dataclass(frozen=True, eq=False)
class Dataset(Sequence[LabelledFrame]):
    """An immutable sequence of labelled frames."""

    items: tuple[LabelledFrame, ...] = ()

    def __init__(self, items: Iterable[LabelledFrame] = ()) -> None:
        object.__setattr__(self, "items", tuple(items))

    def __len__(self) -> int:
        return len(self.items)

    @overload
    def __getitem__(self, index: int) -> LabelledFrame: ...
    @overload
    def __getitem__(self, index: slice) -> Dataset: ...
    def __getitem__(self, index: int | slice) -> LabelledFrame | Dataset:
        return Dataset(self.items[index]) if isinstance(index, slice) else self.items[index]

    def __iter__(self) -> Iterator[LabelledFrame]:
        return iter(self.items)

    def __add__(self, other: Iterable[LabelledFrame]) -> Dataset:
        return Dataset(self.items + tuple(other))

    @property
    def frames(self) -> list[Frame]:
        """The structures."""
        return [item.frame for item in self.items]

    @property
    def species(self) -> list[int]:
        """Atomic numbers that occur, ascending."""
        return sorted({int(z) for item in self.items for z in np.unique(item.frame.numbers)})
