"""What the steps of an analysis share: runs, system, options, and what is computed once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.checks import positive
from elyte.analysis.curve import Curve
from elyte.analysis.maps import Cloud, Map
from elyte.analysis.observation import Observation
from elyte.analysis.pairs import half_box
from elyte.analysis.sites import species_named
from elyte.analysis.structure.report import LONGEST
from elyte.analysis.structure.solvation import Solvation, solvation
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.quantity import Quantity

Array = NDArray[np.float64]
Ensemble = Literal["NVT", "NPT"]
ReferenceFrame = Literal["barycentric", "solvent"]
Series = Sequence[Mapping[str, ArrayLike]]

NO_TEMPERATURE = "the temperature is not known; give it"


@dataclass(frozen=True, eq=False)
class Options:
    """What a user may choose; everything has a sensible default.

    Args:
        properties: names of the steps to take; empty: all.
        without: names of steps to leave out.
        pairs: further pairs of sites ("Li–O(amide)") for g(r) and coordination numbers.
        cutoffs: species or site → Å for its shell, in place of the first minimum that is found.
        dihedrals: "SPECIES: 1-2-3-4", atoms by their place in the molecule, from 1.
        conformers: the same with names of angles, "SPECIES: 1-2-3-4: gauche 0..120, anti 120..240".
        vectors: "SPECIES: 1-2" for rotation and spatial distributions; else chosen.
        cluster_radius: Å from an ion within which centres of anions belong to its cluster.
        viscosity: Pa s, for the correction of diffusion for the size of the box.
        atom_charges: e, (n,), for the dielectric constant.
        universe: `MDAnalysis.Universe` whose names selections use.
        most_frames: frames that structure of high cost is averaged over.
    """

    properties: Sequence[str] = ()
    without: Sequence[str] = ()
    pairs: Sequence[str] = ()
    cutoffs: Mapping[str, float] = field(default_factory=dict)
    dihedrals: Sequence[str] = ()
    conformers: Sequence[str] = ()
    vectors: Sequence[str] = ()
    cluster_radius: float = 6.0
    viscosity: float | None = None
    atom_charges: ArrayLike | None = None
    universe: Any = None
    most_frames: int = 200


@dataclass(frozen=True, eq=False)
class Findings:
    """What a step has found."""

    quantities: Sequence[Quantity] = ()
    curves: Sequence[Curve] = ()
    maps: Sequence[Map] = ()
    clouds: Sequence[Cloud] = ()

    def __add__(self, other: Findings) -> Findings:
        return Findings(
            [*self.quantities, *other.quantities],
            [*self.curves, *other.curves],
            [*self.maps, *other.maps],
            [*self.clouds, *other.clouds],
        )


@dataclass(eq=False)
class Context:
    """The input of an analysis; intermediate results that steps share are computed once.

    Args:
        runs: checked runs of one system.
        system: its species.
        temperature: K, or None.
        ensemble: at constant volume or pressure.
        options: the user's choices.
        series: for each run, values recorded more often than frames, by name ("volume" Å³,
            "energy" and "enthalpy" eV, "stress" eV/Å³ (T, 3, 3), "timestep" fs), or None.
        currents: charge currents, e Å/fs, (T, 3) each run, or None.
        current_timestep: fs.
        frame: reference frame of collective transport.
        found: quantities of the steps before.
    """

    runs: Sequence[Observation]
    system: SystemDescription
    temperature: float | None
    ensemble: Ensemble
    options: Options = field(default_factory=Options)
    series: Series | None = None
    currents: Sequence[ArrayLike] | None = None
    current_timestep: float | None = None
    frame: ReferenceFrame = "barycentric"
    found: list[Quantity] = field(default_factory=list)

    @cached_property
    def timed(self) -> list[Observation]:
        """Runs that say something about time."""
        return [o for o in self.runs if not o.problem]

    @cached_property
    def no_dynamics(self) -> str:
        """Why nothing that depends on time can be computed, or an empty string."""
        steps = {round(o.timestep, 6) for o in self.timed}
        if not self.timed:
            return self.runs[0].problem
        return f"runs with different time steps: {sorted(steps)} fs" if len(steps) > 1 else ""

    @property
    def timestep(self) -> float:
        """fs between frames."""
        return self.timed[0].timestep

    @cached_property
    def reach(self) -> float:
        """Å to which radial distributions go."""
        return min(self.half_box, LONGEST)

    @cached_property
    def half_box(self) -> float:
        """Largest distance at which an atom meets no image of its neighbours, Å."""
        return min(half_box(o.cells) for o in self.runs)

    @cached_property
    def volume(self) -> float:
        """Mean volume, Å³."""
        frames = [len(o) for o in self.runs]
        return float(np.average([o.volumes.mean() for o in self.runs], weights=frames))

    @cached_property
    def first_frame(self) -> Frame:
        """The first structure."""
        run = self.runs[0]
        periodic = np.ones(3, dtype=bool)
        numbers, molecules = self.system.numbers, self.system.molecules
        return Frame(numbers, run.positions[0], run.cells[0], periodic, molecules)

    @cached_property
    def centres(self) -> list[SpeciesGroup]:
        """The cations whose surroundings are described: those of one atom, else all."""
        if self.system.cations:
            return self.system.cations
        return [g for g in self.system.ions if g.charge > 0]

    @cached_property
    def cutoffs(self) -> dict[str, float]:
        """Cut-offs of the options, species by their names in the system."""
        table = {}
        for name, distance in self.options.cutoffs.items():
            positive(**{f"the cut-off of {name}": distance})
            if distance > self.half_box:
                raise InputError(
                    f"the cut-off of {name} is {distance:g} Å, beyond half the box, "
                    f"{self.half_box:.2f} Å; beyond it a molecule would be its own neighbour"
                )
            group = species_named(name, self.system)
            table[group.name if group else name] = float(distance)
        return table

    @cached_property
    def solvations(self) -> list[Solvation]:
        """The surroundings of each cation."""
        known = {g.name for g in self.system.species}
        found = [
            solvation(g, self.runs, self.system, self.reach, self.cutoffs) for g in self.centres
        ]
        sites = {label for s in found for label in s.shells}
        for name in self.cutoffs:
            if name not in known | sites:
                raise InputError(
                    f"a cut-off is given for '{name}', which is no species or site of a shell; "
                    f"there are {', '.join(sorted(known | sites))}"
                )
        return found

    @cached_property
    def timed_solvations(self) -> list[Solvation]:
        """The same for runs with times only."""
        if len(self.timed) == len(self.runs):
            return self.solvations
        return [
            solvation(g, self.timed, self.system, self.reach, self.cutoffs) for g in self.centres
        ]

    def find(self, name: str, species: str = "") -> Quantity | None:
        """Return what an earlier step has found, or None."""
        return next((q for q in self.found if (q.name, q.species) == (name, species)), None)

    def sampled(self, most: int | None = None) -> list[tuple[Observation, slice]]:
        """Return each run with a stride that leaves at most `most` frames of all together."""
        share = max((most or self.options.most_frames) // len(self.runs), 1)
        return [(o, slice(None, None, -(-len(o) // share))) for o in self.runs]


@dataclass(frozen=True)
class Step:
    """One step of an analysis.

    Args:
        name: as a user asks for it.
        run: computes it.
        about: what it gives, in a few words.
    """

    name: str
    run: Callable[[Context], Findings]
    about: str
