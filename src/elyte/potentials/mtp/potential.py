"""`MTP`: a moment tensor potential, its parameters and what can be computed from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import FormatError, InputError, UnknownSpecies, did_you_mean
from elyte.core.frame import Frame
from elyte.potentials.ase_calculator import PotentialCalculator
from elyte.potentials.mtp import derivatives, files, kernel
from elyte.potentials.mtp.radial_start import radial_start
from elyte.potentials.mtp.repulsion import RepulsiveCore
from elyte.potentials.mtp.tables import Tables, generate
from elyte.potentials.protocol import Evaluation


def _frozen(values: ArrayLike, shape: tuple[int, ...], name: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64, order="C")
    if array.shape != shape:
        raise InputError(f"the potential's {name} have shape {array.shape}, expected {shape}")
    if not np.isfinite(array).all():
        raise InputError(f"the potential's {name} are not all finite")
    array.setflags(write=False)
    return array


def as_atomic_numbers(species: Sequence[str | int]) -> tuple[int, ...]:
    """Return atomic numbers for symbols or numbers, each once.

    Raises:
        UnknownSpecies: a symbol that is no element.
        InputError: an element given twice.
    """
    numbers = []
    for name in species:
        if isinstance(name, str) and name not in atomic_numbers:
            hint = did_you_mean(name, list(chemical_symbols[1:]))
            raise UnknownSpecies(f"'{name}' is not a chemical symbol{hint}")
        numbers.append(int(atomic_numbers[name]) if isinstance(name, str) else int(name))
    if len(set(numbers)) != len(numbers):
        raise InputError(f"an element is named twice in {list(species)}")
    return tuple(numbers)


@dataclass(frozen=True, eq=False)
class MTP:
    """A moment tensor potential, E = Σ_i (c_{z_i} + Σ_α ξ_α B_α(neighbours of i)).

    The equations are those of `elyte.potentials.mtp.reference`, one function for each;
    doi:10.1137/15M1054183, 10.1088/2632-2153/abc9fe.

    Args:
        species: atomic numbers, in the order of the types in files, s of them.
        min_distance: lower end of the interval of the Chebyshev polynomials, Å.
        max_distance: cutoff, Å.
        tables: basic moments, products and scalars.
        radial: c[z_i][z_j][μ][β], (s, s, n_mu, radial_size).
        species_coefficients: energy of an isolated atom, eV, (s,).
        moment_coefficients: ξ, eV, (A,).
        scaling: factor of all radial functions.
        tag: what the file says of itself (`potential_tag`).
        core: repulsion at short distances that is no parameter, or None.
        precision: in which energies and forces are computed, see `kernel.Kernel`; no file keeps it.

    Raises:
        InputError: shapes that do not fit, values that are not finite.
    """

    species: tuple[int, ...]
    min_distance: float
    max_distance: float
    tables: Tables
    radial: NDArray[np.float64]
    species_coefficients: NDArray[np.float64]
    moment_coefficients: NDArray[np.float64]
    scaling: float = 1.0
    tag: str = field(default="", compare=False)
    core: RepulsiveCore | None = None
    precision: kernel.Precision = field(default="double", compare=False)

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "species", as_atomic_numbers(self.species))
        s, n_mu = len(self.species), self.tables.n_mu
        radial = np.asarray(self.radial)
        size = radial.shape[-1] if radial.ndim == 4 else 0
        if size < 1 or s < 1:
            raise InputError("a potential needs at least one element and one radial function")
        n_mu = max(n_mu, radial.shape[2])
        set_(self, "radial", _frozen(radial, (s, s, n_mu, size), "radial coefficients"))
        for name, count in (
            ("species_coefficients", s),
            ("moment_coefficients", len(self.tables.mapping)),
        ):
            set_(self, name, _frozen(getattr(self, name), (count,), name.replace("_", " ")))
        if not 0 <= self.min_distance < self.max_distance < np.inf:
            raise InputError(
                f"distances from {self.min_distance} to {self.max_distance} Å make no interval"
            )
        if not np.isfinite(self.scaling):
            raise InputError("the potential's scaling is not finite")
        if self.core is not None and self.core.distances.shape != (s, s):
            raise InputError(f"the repulsive core is not for {s} species")

    # ---- making and keeping -----------------------------------------------------------------

    @classmethod
    def initial(
        cls,
        level: int,
        species: Sequence[str | int],
        cutoff: float = 5.0,
        min_distance: float = 0.8,
        radial_size: int = 8,
        seed: int = 0,
    ) -> MTP:
        """Return a potential with random parameters, to be trained.

        Radial coefficients are those of `radial_start`, scaled so that moments of a liquid's
        neighbourhoods are of order one; ξ are small, the isolated atoms at zero.

        Args:
            level: 2 … 28.
            species: chemical symbols or atomic numbers.
            cutoff: Å.
            min_distance: no pair of the training set should be nearer, Å.
            radial_size: Chebyshev polynomials.
            seed: of the random numbers.
        """
        tables, numbers = generate(level), as_atomic_numbers(species)
        random = np.random.default_rng(seed)
        s = len(numbers)
        return cls(
            species=numbers,
            min_distance=min_distance,
            max_distance=cutoff,
            tables=tables,
            radial=radial_start(random, s, tables.n_mu, radial_size),
            species_coefficients=np.zeros(s),
            moment_coefficients=1e-3 * random.uniform(-1, 1, len(tables.mapping)),
            scaling=1 / (cutoff - min_distance) ** 2,
        )

    @classmethod
    def load(cls, path: str | Path, species: Sequence[str | int] | None = None) -> MTP:
        """Read an `.almtp` or `.mtp` file, with its own tables as they stand.

        Args:
            path: the file.
            species: elements in the order of the file's types; files written by elyte name them.

        Raises:
            FormatError: a file that is cut short, of another version or kind, has values that
                are not finite, or another number of species.
        """
        content = files.read(path)
        named = files.species_of_tag(content.tag) if species is None else species
        if named is None:
            raise FormatError(
                f"{path} does not name its {content.species_count} elements: "
                'give them in the order of its types, species=["H", "C", …]'
            )
        if len(named) != content.species_count:
            raise FormatError(
                f"{path} is for {content.species_count} species, {len(named)} were named: "
                f"{', '.join(map(str, named))}"
            )
        return cls(
            species=as_atomic_numbers(named),
            min_distance=content.min_distance,
            max_distance=content.max_distance,
            tables=content.tables,
            radial=content.radial,
            species_coefficients=content.species_coefficients,
            moment_coefficients=content.moment_coefficients,
            scaling=content.scaling,
            tag=content.tag,
            core=files.core_of_tag(content.tag, content.species_count),
        )

    def save(self, path: str | Path) -> None:
        """Write an `.almtp` or `.mtp` file; reading it gives every number back bit by bit."""
        tag = self.tag
        if not tag or files.species_of_tag(tag) is not None:
            tag = files.tag_of(self.symbols, self.core)
        elif self.core is not None:
            raise InputError("a file with a tag of its own cannot keep the repulsive core")
        content = files.Content(
            species_count=len(self.species),
            min_distance=self.min_distance,
            max_distance=self.max_distance,
            tables=self.tables,
            radial=self.radial,
            species_coefficients=self.species_coefficients,
            moment_coefficients=self.moment_coefficients,
            scaling=self.scaling,
            tag=tag,
        )
        files.write(path, content)

    # ---- sizes and parameters ---------------------------------------------------------------

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols of `species`."""
        return [chemical_symbols[z] for z in self.species]

    @property
    def cutoff(self) -> float:
        """Largest distance at which two atoms see each other, Å."""
        return self.max_distance

    @property
    def radial_size(self) -> int:
        """Number of Chebyshev polynomials."""
        return int(self.radial.shape[3])

    @property
    def n_mu(self) -> int:
        """Number of radial functions for each pair of species."""
        return int(self.radial.shape[2])

    @cached_property
    def level(self) -> int:
        """Highest level of the scalars in the basis."""
        return self.tables.level

    @property
    def n_parameters(self) -> int:
        """P = s + A + s² n_mu radial_size."""
        return len(self.species) + len(self.moment_coefficients) + self.radial.size

    @property
    def parameters(self) -> NDArray[np.float64]:
        """θ = [species coefficients, moment coefficients, radial coefficients], (P,)."""
        return np.concatenate(
            [self.species_coefficients, self.moment_coefficients, self.radial.ravel()]
        )

    def with_parameters(self, theta: ArrayLike) -> MTP:
        """Return the same potential with other parameters.

        Raises:
            InputError: not P values, or values that are not finite.
        """
        values = _frozen(theta, (self.n_parameters,), "parameters")
        s, a = len(self.species), len(self.moment_coefficients)
        return replace(
            self,
            species_coefficients=values[:s],
            moment_coefficients=values[s : s + a],
            radial=values[s + a :].reshape(self.radial.shape),
        )

    def with_core(self, core: RepulsiveCore | None) -> MTP:
        """Return the same potential with another repulsive core, or without.

        Training and `atom_gradients` know nothing of it: it must be zero on the training set, as
        that of `RepulsiveCore.below` is.
        """
        return replace(self, core=core)

    def with_precision(self, precision: kernel.Precision) -> MTP:
        """Return the same potential evaluated in "double" or "single" precision.

        Single precision is about 1.5 times faster from level 16 on; energies differ by some 1e-8
        of their value, forces by some 1e-6 of the largest. Parameter derivatives are in double.
        """
        return replace(self, precision=precision)

    def native_arrays(self) -> dict[str, Any]:
        """Return the plain numbers that csrc/mtp/model_python.hpp makes an MtpModel of."""
        core = {}
        if self.core is not None:
            core = {
                "core_distance": self.core.distances,
                "core_strength": float(self.core.strength),
            }
        return core | {
            "level": self.level,
            "min_distance": float(self.min_distance),
            "max_distance": float(self.max_distance),
            "scaling": float(self.scaling),
            "radial_size": self.radial_size,
            "n_mu": self.n_mu,
            "moments_count": int(self.tables.moments_count),
            "species": np.array(self.species, dtype=np.int64),
            "basic": self.tables.basic,
            "products": self.tables.products,
            "mapping": self.tables.mapping,
            "species_coefficients": self.species_coefficients,
            "moment_coefficients": self.moment_coefficients,
            "radial": self.radial,
        }

    # ---- evaluation -------------------------------------------------------------------------

    @cached_property
    def _kernel(self) -> kernel.Kernel:
        return kernel.Kernel(self.native_arrays(), precision=self.precision)

    def evaluate(self, frames: Sequence[Frame], threads: int = 1) -> list[Evaluation]:
        """Return energy, forces, stress and atomic energies of each frame.

        Threads work on blocks of atoms of one frame, or on frames where there are several;
        results do not depend on their number. Atoms nearer than `min_distance` bring about a
        `CloseContact` warning.

        Raises:
            UnknownSpecies: an element that the potential does not know.
            InputError: two atoms at one point, a box that has collapsed.
        """
        if len(frames) < max(threads, 2):
            return [self._kernel.evaluate(frame, threads) for frame in frames]
        return self._kernel.evaluate_all(frames, threads)

    def atom_gradients(self, frame: Frame, threads: int = 1) -> NDArray[np.float64]:
        """Return ∂E_i/∂θ of each atom's energy, in the order of `parameters`, (n, P).

        Raises:
            UnknownSpecies: an element that the potential does not know.
            InputError: two atoms at one point.
        """
        return derivatives.atom_gradients(self.native_arrays(), self.parameters, frame, threads)

    def site_rows(self, frame: Frame) -> NDArray[np.float64]:
        """Return ∂E_i/∂θ of each atom by its species' own parameters, (n, W).

        Made along with energies and forces, so nearly for nothing. W = A + s n_mu radial_size;
        row i holds the parameters `site_columns(z_i)`, those of `atom_gradients` that may be
        other than zero without the isolated atom's, whose derivative is one.

        Raises:
            UnknownSpecies: an element that the potential does not know.
            InputError: two atoms at one point.
        """
        return self._kernel.follower(0.0).rows(frame)

    def site_columns(self, z: int) -> NDArray[np.int64]:
        """Return the parameters of a row of `site_rows` for atoms of element z, (W,)."""
        s, a, k = len(self.species), len(self.moment_coefficients), self.species.index(z)
        of_pairs = self.radial[0].size
        return np.concatenate([np.arange(s, s + a), s + a + k * of_pairs + np.arange(of_pairs)])

    def native(self, skin: float = kernel.SKIN, threads: int = 1) -> object:
        """Return this potential as a capsule "elyte::ForceField" for native dynamics.

        Args:
            skin: how far the neighbour list reaches beyond the cutoff, Å.
            threads: threads over blocks of atoms; results do not depend on it.
        """
        return self._kernel.force_field(skin, threads)

    def calculator(self, threads: int = 1, skin: float = kernel.SKIN) -> PotentialCalculator:
        """Return an ASE calculator (energy, energies, forces, stress).

        It keeps a neighbour list that reaches `skin` (Å) beyond the cutoff, for runs of ASE.
        """
        return PotentialCalculator(self, self._kernel.follower(skin, threads).evaluate)
