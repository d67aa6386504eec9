"""Properties that are accumulated while elyte's own dynamics runs, without a trajectory on disk.

`CurrentObserver` takes the velocity sums that a run records (`elyte.dynamics.Flux`),
`DiffusionObserver` looks at the run every so many steps. Both keep one window of lags; what they
find for lags within it is what the analysis of the whole run finds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.analysis.correlator import DisplacementCorrelator
from elyte.analysis.curve import Curve
from elyte.analysis.observation import centres_of_mass
from elyte.analysis.system import SpeciesGroup, SystemDescription
from elyte.analysis.transport.diffusion import diffusion_from_displacement
from elyte.analysis.transport.onsager import (
    collective_from_displacement,
    conductivity_of_current,
    onsager_from_displacements,
    onsager_quantities,
)
from elyte.analysis.unwrap import Walk
from elyte.analysis.walk import Slope
from elyte.analysis.whole import MoleculeTree
from elyte.core.errors import InputError
from elyte.core.quantity import Quantity
from elyte.dynamics import Flux, Moment

Array = NDArray[np.float64]
State = dict[str, Array]


class CurrentObserver:
    """Conductivity, Onsager coefficients and transference numbers from currents of a run.

    The currents are those of centres of mass with formal charges, relative to the centre of mass
    of everything. They are integrated by the trapezoidal rule.

    Args:
        system: its species; at least two of them charged, all together neutral.
        timestep: fs between currents.
        window: longest lag, fs.

    Raises:
        InputError: no current is defined, or a window shorter than a step.
    """

    def __init__(self, system: SystemDescription, timestep: float, window: float) -> None:
        if len(system.ions) < 2:
            raise InputError("a conductivity needs at least two charged species")
        if abs(system.total_charge) > 1e-6:
            raise InputError(
                f"the charges add up to {system.total_charge:+g} e, so the current is not defined"
            )
        self.system, self.timestep = system, timestep
        self._ions = [k for k, group in enumerate(system.species) if group.charge != 0]
        lags = round(window / timestep) + 1
        self._correlator = DisplacementCorrelator(lags, len(self._ions), crossed=True)
        self._last: Array | None = None
        self._dipole = np.zeros((len(self._ions), 3))

    def flux(self) -> Flux:
        """Return what the run is to record: Σ of velocities of centres of mass, each species."""
        groups = np.empty(len(self.system.numbers), dtype=np.int64)
        weights = np.empty(len(self.system.numbers))
        for k, group in enumerate(self.system.species):
            groups[group.atoms] = k
            weights[group.atoms] = self.system.masses[group.atoms] / _mass(self.system, group)
        return Flux(groups, weights)

    def take(self, flux: ArrayLike) -> None:
        """Take the next velocity sums, Å/fs, (t, species, 3), in the order of the run."""
        currents = species_currents(flux, self.system)
        if not len(currents):
            return
        if self._last is None:
            self._correlator.add(np.zeros_like(self._dipole))
        else:
            currents = np.concatenate([self._last[None], currents])
        steps = (currents[1:] + currents[:-1]) * (self.timestep / 2)
        if len(steps):
            dipoles = self._dipole + np.cumsum(steps, axis=0)
            self._correlator.add(dipoles)
            self._dipole = dipoles[-1]
        self._last = currents[-1]

    def results(self, volume: float, temperature: float) -> tuple[list[Quantity], list[Curve]]:
        """Return conductivity, its parts and transference numbers, and the displacement.

        Args:
            volume: Å³.
            temperature: K.
        """
        found = self._correlator.displacements()
        frames = (self._correlator.frames,)
        total = collective_from_displacement(
            found.sum(axis=(1, 2)), frames, self.timestep, volume, temperature
        )
        sigma, curve = conductivity_of_current(total, self.timestep, temperature)
        names = [self.system.species[k].name for k in self._ions]
        parts = onsager_from_displacements(lambda i, j: found[:, i, j], names, total)
        return [sigma, *onsager_quantities(parts, temperature, "barycentric")], [curve]

    def state(self) -> State:
        """Return everything that is needed to go on."""
        blank = np.full_like(self._dipole, np.nan)
        last = blank if self._last is None else self._last
        return {**self._correlator.state(), "dipole": self._dipole, "current": last}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._correlator.restore(dict(state))
        self._dipole, current = np.array(state["dipole"]), np.array(state["current"])
        self._last = None if np.isnan(current).any() else current


def _mass(system: SystemDescription, group: SpeciesGroup) -> float:
    return float(system.masses[group.atoms[0]].sum())


def species_currents(flux: ArrayLike, system: SystemDescription) -> Array:
    """Return z_i (Σ v − N_i v_barycentre) of each charged species, e Å/fs, (t, ions, 3).

    Args:
        flux: Σ of velocities of the centres of mass of each species, Å/fs, (t, species, 3).
        system: its species.
    """
    sums = np.asarray(flux, dtype=float)
    masses = np.array([_mass(system, g) for g in system.species])
    counts = np.array([len(g) for g in system.species], dtype=float)
    barycentre = np.einsum("tsx,s->tx", sums, masses) / (masses @ counts)
    charges = np.array([g.charge for g in system.species])
    relative = sums - counts[:, None] * barycentre[:, None]
    return np.asarray((charges[:, None] * relative)[:, charges != 0])


@dataclass(frozen=True, eq=False)
class _Placed:
    """What the first moment tells: shifts that make molecules whole."""

    shifts: Array


class DiffusionObserver:
    """Self-diffusion of every species, from centres of mass seen while the run goes on.

    An observer of `elyte.dynamics.simulate`.

    Args:
        system: its species.
        every: steps between two looks.
        timestep: fs of a step of the dynamics.
        window: longest lag, fs.

    Raises:
        InputError: a window shorter than a look.
    """

    def __init__(
        self, system: SystemDescription, every: int, timestep: float, window: float
    ) -> None:
        self.system, self.every, self.timestep = system, every, timestep * every
        lags = round(window / self.timestep) + 1
        self._correlator = DisplacementCorrelator(lags, system.n_molecules)
        self._walk = Walk(continuous=True)
        self._placed: _Placed | None = None
        self._step = -1

    def __call__(self, moment: Moment) -> None:
        """Take the centres of mass of this moment."""
        if moment.step <= self._step:
            return  # a run that goes on looks at its first moment again
        self._step = moment.step
        frame = moment.frame
        if self._placed is None:
            self._placed = _Placed(_shifts(frame.positions, frame.cell, self.system))
        positions = frame.positions + self._placed.shifts @ frame.cell
        centres = self._walk.go_on(centres_of_mass(positions[None], self.system), frame.cell[None])
        masses = self.system.molecular_masses
        self._correlator.add(centres - (masses / masses.sum()) @ centres[0])

    def results(self, temperature: float | None) -> tuple[list[Quantity], list[Curve]]:
        """Return a self-diffusion coefficient and a displacement for each species."""
        found = self._correlator.displacements()
        quantities, curves = [], []
        for group in self.system.species:
            mine = found[:, group.molecules]

            def slopes(slope: Slope, of: Array = mine) -> Array:
                return np.asarray(slope.weights @ of[slope.lags] / 3)

            quantity, curve = diffusion_from_displacement(
                mine.mean(axis=1), [self._correlator.frames], len(group), slopes,
                self.timestep, group.name, temperature,
            )  # fmt: skip
            quantities.append(quantity)
            curves.append(curve)
        return quantities, curves

    def state(self) -> State:
        """Return everything that is needed to go on."""
        shifts = np.zeros((0, 3)) if self._placed is None else self._placed.shifts
        walk = self._walk.state()
        return {**self._correlator.state(), "shifts": shifts, "step": np.array(self._step), **walk}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on from a state."""
        self._correlator.restore(dict(state))
        shifts = np.array(state["shifts"])
        self._placed = _Placed(shifts) if len(shifts) else None
        self._step = int(state["step"])
        self._walk.restore(state)


def _shifts(positions: Array, cell: Array, system: SystemDescription) -> Array:
    """Whole lattice vectors that bring each atom next to its molecule, (n, 3)."""
    tree = MoleculeTree.from_bonds(system.molecules, system.bonds)
    moved = tree.whole(positions[None], cell[None])[0] - positions
    return np.asarray(np.round(moved @ np.linalg.inv(cell)))


def save_observers(
    path: Any, step: int, observers: Sequence[CurrentObserver | DiffusionObserver]
) -> None:
    """Write the states of observers with the step that they belong to (npz, renamed into place)."""
    arrays = {"step": np.array(step)}
    for k, observer in enumerate(observers):
        arrays |= {f"{k}.{name}": value for name, value in observer.state().items()}
    partial = path.with_name(f"{path.name}.part.npz")
    np.savez(partial, **arrays)  # type: ignore[arg-type]
    partial.replace(path)


def restore_observers(
    path: Any, step: int, observers: Sequence[CurrentObserver | DiffusionObserver]
) -> None:
    """Let observers go on from a file.

    Raises:
        InputError: the file belongs to another step, or to other observers.
    """
    with np.load(path) as stored:
        if int(stored["step"]) != step:
            raise InputError(
                f"{path}: observations up to step {int(stored['step'])}, the state is of step "
                f"{step}; delete them to observe from here on"
            )
        for k, observer in enumerate(observers):
            prefix = f"{k}."
            names = [name for name in stored.files if name.startswith(prefix)]
            if not names:
                raise InputError(f"{path}: other properties were observed before")
            observer.restore({name.removeprefix(prefix): stored[name] for name in names})
