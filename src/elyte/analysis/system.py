"""What the atoms of a trajectory are: species, charges, molecules, sites."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from ase.data import atomic_masses, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from elyte.chemistry.species import SPECIES
from elyte.core.errors import InputError, UnknownSpecies, did_you_mean

Index = NDArray[np.int64]

METALS = frozenset({3, 11, 12, 13, 19, 20, 30, 37, 55})
DONORS = frozenset({7, 8, 9, 16, 17, 35, 53})
"""Elements whose atoms bind cations: N, O, F, S, Cl, Br, I."""


@dataclass(frozen=True, eq=False)
class SpeciesGroup:
    """All molecules of one species.

    Args:
        name: as in the species library ("Li+", "EC"), or the formula.
        charge: formal charge of one molecule, e.
        molecules: indices of its molecules in the system, (k,).
        atoms: indices of their atoms, one row for each molecule, (k, size).
        sites: name → indices of the atoms of that kind in all molecules ("O", "carbonyl O").
    """

    name: str
    charge: float
    molecules: Index
    atoms: Index
    sites: Mapping[str, Index] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.molecules)

    @property
    def monatomic(self) -> bool:
        """Whether a molecule is one atom."""
        return self.atoms.shape[1] == 1


@dataclass(frozen=True, eq=False)
class SystemDescription:
    """Which atom belongs to which molecule of which species.

    Args:
        numbers: atomic numbers, (n,).
        molecules: index of the molecule of each atom, 0 … M − 1, (n,).
        species: the species, each with its molecules; every molecule belongs to one.
        masses: u, (n,).
        bonds: pairs of bonded atoms, (m, 2), or None.
    """

    numbers: Index
    molecules: Index
    species: tuple[SpeciesGroup, ...]
    masses: NDArray[np.float64]
    bonds: Index | None = None

    @property
    def n_molecules(self) -> int:
        """Number of molecules."""
        return int(self.molecules.max()) + 1

    @property
    def molecular_masses(self) -> NDArray[np.float64]:
        """Masses of the molecules, u, (M,)."""
        return np.asarray(np.bincount(self.molecules, weights=self.masses), dtype=float)

    @property
    def charges(self) -> NDArray[np.float64]:
        """Formal charges of the molecules, e, (M,)."""
        charges = np.zeros(self.n_molecules)
        for group in self.species:
            charges[group.molecules] = group.charge
        return charges

    @property
    def total_charge(self) -> float:
        """Sum of the formal charges, e."""
        return float(self.charges.sum())

    @property
    def ions(self) -> list[SpeciesGroup]:
        """The charged species."""
        return [group for group in self.species if group.charge != 0]

    @property
    def cations(self) -> list[SpeciesGroup]:
        """Monatomic cations, whose shells the speciation describes."""
        return [g for g in self.species if g.charge > 0 and g.monatomic]

    def __getitem__(self, name: str) -> SpeciesGroup:
        for group in self.species:
            if group.name == name:
                return group
        known = [group.name for group in self.species]
        raise UnknownSpecies(
            f"there is no species '{name}' in this system{did_you_mean(name, known)}; "
            f"it has {', '.join(known)}"
        )

    @classmethod
    def from_molecules(
        cls,
        numbers: ArrayLike,
        molecules: ArrayLike,
        bonds: ArrayLike | None = None,
        names: Mapping[str, str] | None = None,
        charges: Mapping[str, float] | None = None,
        masses: ArrayLike | None = None,
    ) -> SystemDescription:
        """Name molecules by their formula and the species library.

        Args:
            numbers: atomic numbers, (n,).
            molecules: index of the molecule of each atom, (n,).
            bonds: pairs of bonded atoms, (m, 2), for sites such as "carbonyl O"; None: none.
            names: formula → name, where the library's is not wanted (isomers).
            charges: name → formal charge, e, where the library has none or another one.
            masses: u, (n,); None: those of the elements.

        Raises:
            InputError: arrays that do not fit together, or a charge or a name for what is not
                there.
        """
        z = np.asarray(numbers, dtype=np.int64)
        _, ids = np.unique(np.asarray(molecules), return_inverse=True)
        if len(ids) != len(z):
            raise InputError(f"{len(ids)} molecule indices for {len(z)} atoms")
        mass = atomic_masses[z] if masses is None else np.asarray(masses, dtype=float)
        by_formula = _molecules_by_formula(z, ids)
        sites = _site_names(z, bonds)
        groups = [
            _group(formula, members, z, sites, names or {}, charges or {})
            for formula, members in by_formula.items()
        ]
        present = [group.name for group in groups]
        for formula in names or {}:
            if formula not in by_formula:
                known = dict(zip(by_formula, present, strict=True))
                there = [f"{f} ({name})" if name != f else f for f, name in known.items()]
                raise UnknownSpecies(
                    f"a name is given for the formula '{formula}', which is not there"
                    f"{did_you_mean(formula, list(by_formula))}; the system has {', '.join(there)}"
                )
        for name in charges or {}:
            if name not in present:
                raise UnknownSpecies(
                    f"a charge is given for '{name}', which is not there"
                    f"{did_you_mean(name, present)}; the system has {', '.join(present)}"
                )
        order = sorted(
            groups, key=lambda g: ((0 if g.charge > 0 else 1) if g.charge else 2, g.name)
        )
        pairs = None if bonds is None else np.asarray(bonds, dtype=np.int64).reshape(-1, 2)
        members = np.asarray(ids, dtype=np.int64)
        return cls(z, members, tuple(order), np.asarray(mass, dtype=float), pairs)


def formula_of(numbers: Iterable[int]) -> str:
    """Return the formula of some atoms in Hill order ("C3H4O3", "F6P")."""
    symbols, counts = np.unique([chemical_symbols[z] for z in numbers], return_counts=True)
    table = dict(zip(symbols.tolist(), counts.tolist(), strict=True))
    first = [s for s in ("C", "H") if s in table] if "C" in table else []
    order = first + sorted(set(table) - set(first))
    return "".join(s + (str(table[s]) if table[s] > 1 else "") for s in order)


def _molecules_by_formula(z: Index, ids: Index) -> dict[str, list[tuple[int, Index]]]:
    order = np.argsort(ids, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(ids))[:-1])
    table: dict[str, list[tuple[int, Index]]] = {}
    for molecule, atoms in enumerate(members):
        table.setdefault(formula_of(z[atoms]), []).append((molecule, atoms))
    return table


def _library() -> dict[str, tuple[str, int]]:
    """Formula → (name, charge); the first species of the library with a formula has it."""
    table: dict[str, tuple[str, int]] = {}
    for species in SPECIES.values():
        if species.role != "element":
            table.setdefault(_hill(species.formula), (species.name, species.charge))
    return table


def _hill(formula: str) -> str:
    """Bring a formula of the library into this module's order."""
    return formula_of(_numbers_of(formula))


def _numbers_of(formula: str) -> list[int]:
    from_symbol = {s: z for z, s in enumerate(chemical_symbols)}
    numbers: list[int] = []
    for symbol, count in _split(formula):
        numbers += [from_symbol[symbol]] * count
    return numbers


def _split(formula: str) -> list[tuple[str, int]]:
    parts: list[tuple[str, int]] = []
    i = 0
    while i < len(formula):
        j = i + 1
        while j < len(formula) and formula[j].islower():
            j += 1
        k = j
        while k < len(formula) and formula[k].isdigit():
            k += 1
        parts.append((formula[i:j], int(formula[j:k] or 1)))
        i = k
    return parts


def _group(
    formula: str,
    members: list[tuple[int, Index]],
    z: Index,
    site_names: list[str],
    names: Mapping[str, str],
    charges: Mapping[str, float],
) -> SpeciesGroup:
    name, charge = _LIBRARY.get(formula, (formula, 0))
    name = names.get(formula, name)
    atoms = np.stack([a for _, a in members])
    flat = atoms.ravel()
    sites: dict[str, list[int]] = {}
    for atom in flat.tolist():
        symbol, refined = chemical_symbols[z[atom]], site_names[atom]
        sites.setdefault(symbol, []).append(atom)
        if refined != symbol:
            sites.setdefault(refined, []).append(atom)
    return SpeciesGroup(
        name=name,
        charge=float(charges.get(name, charge)),
        molecules=np.array([m for m, _ in members], dtype=np.int64),
        atoms=atoms,
        sites={s: np.array(i, dtype=np.int64) for s, i in sites.items()},
    )


def _site_names(z: Index, bonds: ArrayLike | None) -> list[str]:
    """Name each atom by its element and, where the bonds say more, its surroundings."""
    names = [chemical_symbols[k] for k in z]
    if bonds is None or not len(np.asarray(bonds)):
        return names
    neighbours: list[list[int]] = [[] for _ in z]
    for i, j in np.asarray(bonds, dtype=np.int64):
        neighbours[i].append(int(j))
        neighbours[j].append(int(i))
    for atom, around in enumerate(neighbours):
        names[atom] = _refined(int(z[atom]), sorted(int(z[k]) for k in around), names[atom])
    return names


def _refined(number: int, around: list[int], symbol: str) -> str:
    if number == 8:
        kinds = {(6,): "carbonyl O", (6, 6): "ether O", (1, 6): "hydroxyl O", (16,): "sulfonyl O"}
        return kinds.get(tuple(around), symbol)
    if number == 7 and around == [6]:
        return "nitrile N"
    return symbol


_LIBRARY = _library()
