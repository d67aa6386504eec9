"""Molecular dynamics of the classical force field in OpenMM, at constant volume or pressure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, Outcome
from elyte.core.frame import Frame
from elyte.core.progress import Progress, silent
from elyte.core.units import DENSITY_TO_G_PER_CM3
from elyte.reference.classical.cells import reduced_cell, whole_molecules
from elyte.reference.classical.field import frame_topology
from elyte.reference.classical.system import NM, library, make_system
from elyte.reference.classical.topology import KJ_PER_MOL

_SMALL_BOX = 0.42  # of the width: room for the barostat before the cutoff meets half the box
_BAROSTAT_EVERY = 25
_EWALD_TOLERANCE = 5e-4  # OpenMM's own; enough for dynamics
_MINIMISE_STEPS = 500


@dataclass(frozen=True)
class ClassicalRun:
    """Settings of a run.

    Args:
        ensemble: "NVT" or "NPT" (isotropic Monte Carlo barostat).
        temperature: K, or (start, end) of a ramp.
        pressure_bar: bar.
        steps: number of time steps.
        timestep: fs.
        frames_every: steps between two frames that are kept; 0 for none.
        series_every: steps between two records.
        charge_scale: factor on all charges (0.7 or 0.8 in ionic liquids).
        cutoff: Å; in a small box at most 0.42 of its width.
        rigid_hydrogens: bonds to hydrogen at fixed length, for steps of 2 fs.
        friction: of the Langevin thermostat, 1/ps.
        tail: mean Lennard-Jones interaction beyond the cutoff.
        molecules: names of the species without a table of elyte's, which GAFF2 describes.

    Raises:
        InputError: a value that cannot be used.
    """

    ensemble: Literal["NVT", "NPT"] = "NPT"
    temperature: float | tuple[float, float] = 300.0
    pressure_bar: float = 1.0
    steps: int = 10_000
    timestep: float = 1.0
    frames_every: int = 1000
    series_every: int = 100
    charge_scale: float = 1.0
    cutoff: float = 10.0
    rigid_hydrogens: bool = False
    friction: float = 1.0
    tail: bool = True
    molecules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.ensemble not in ("NVT", "NPT"):
            raise InputError(f"the ensemble is NVT or NPT, not '{self.ensemble}'")
        if min(self.ramp) <= 0 or self.timestep <= 0 or self.cutoff <= 0 or self.friction <= 0:
            raise InputError("temperature, timestep, cutoff and friction must be positive")
        if self.steps < 1 or self.series_every < 1 or self.frames_every < 0:
            raise InputError("steps and series_every must be at least 1, frames_every not negative")

    @property
    def ramp(self) -> tuple[float, float]:
        """First and last temperature, K."""
        t = self.temperature
        return (float(t[0]), float(t[1])) if isinstance(t, tuple | list) else (float(t), float(t))


@dataclass(frozen=True, eq=False)
class ClassicalResult:
    """What a run leaves.

    Args:
        outcome: "done", or "exploded" or "collapsed".
        frames: every `frames_every` steps; without them, the last one.
        series: time (fs), potential (eV), temperature (K), density (g/cm³), each (rows,).
    """

    outcome: Outcome
    frames: list[Frame]
    series: dict[str, NDArray[np.float64]]


def run_classical(
    frame: Frame,
    settings: ClassicalRun,
    seed: int = 0,
    progress: Progress | None = None,
    threads: int = 1,
) -> ClassicalResult:
    """Minimise a periodic box and run it.

    The same seed gives the same run with one thread on one machine.

    Args:
        frame: periodic; its axes are turned where the cell is not lower triangular.
        settings: of the run.
        seed: of the velocities, the thermostat and the barostat.
        progress: called with the steps done and in all, and the density.
        threads: of OpenMM.

    Raises:
        InputError: a frame without a box.
        UnknownSpecies: a molecule without parameters.
        MissingDependency: OpenMM is not installed.
    """
    if not frame.pbc.all():
        raise InputError("a classical run needs a frame that is periodic in all directions")
    run = _Run(frame, settings, seed, threads)
    return run.go(progress or silent)


class _Run:
    def __init__(self, frame: Frame, settings: ClassicalRun, seed: int, threads: int) -> None:
        self.settings = settings
        self.frame = frame
        topology = frame_topology(frame, settings.molecules)
        whole = whole_molecules(np.array(frame.positions), np.array(frame.cell), topology.bonds)
        cell, turn = reduced_cell(np.array(frame.cell))
        cutoff = min(settings.cutoff, _SMALL_BOX * float(np.diag(cell).min()))
        system = make_system(
            topology.scaled(settings.charge_scale),
            frame.masses,
            cell,
            cutoff,
            settings.tail,
            settings.rigid_hydrogens,
            _EWALD_TOLERANCE,
        )
        self.mm = library()
        self.context = _context(self.mm, system, settings, seed, threads)
        self.context.setPositions(NM * (whole @ turn))
        self.degrees = 3 * len(frame) - system.getNumConstraints()
        self.frames: list[Frame] = []
        self.rows: list[tuple[float, float, float, float]] = []
        self.seed = seed

    def go(self, progress: Progress) -> ClassicalResult:
        settings = self.settings
        outcome = Outcome()
        try:
            self.mm.LocalEnergyMinimizer.minimize(self.context, 10.0, _MINIMISE_STEPS)
            self.context.setVelocitiesToTemperature(settings.ramp[0], _seed(self.seed, 3))
            done = 0
            while done < settings.steps and outcome.done:
                done = self._block(done)
                outcome = self._record(done)
                progress(done, settings.steps, f"{self.rows[-1][3]:.3f} g/cm³")
        except self.mm.OpenMMException as error:
            outcome = _failure(error)
        if not self.frames and outcome.done:
            self._keep()
        columns = np.array(self.rows, dtype=float).reshape(-1, 4).T
        names = ("time", "potential", "temperature", "density")
        return ClassicalResult(outcome, self.frames, dict(zip(names, columns, strict=True)))

    def _block(self, done: int) -> int:
        """Run to the next record, at the ramp's temperature there."""
        settings = self.settings
        steps = min(settings.series_every, settings.steps - done)
        start, end = settings.ramp
        temperature = start + (end - start) * (done + steps) / settings.steps
        integrator = self.context.getIntegrator()
        integrator.setTemperature(temperature)
        if settings.ensemble == "NPT":
            self.context.setParameter(self.mm.MonteCarloBarostat.Temperature(), temperature)
        integrator.step(steps)
        return done + steps

    def _record(self, done: int) -> Outcome:
        state = self.context.getState(getEnergy=True)
        potential = state.getPotentialEnergy()._value
        kinetic = state.getKineticEnergy()._value
        if not np.isfinite(potential) or abs(potential) > 1e12:
            return Outcome("exploded", f"the potential energy is not finite at step {done}")
        volume = state.getPeriodicBoxVolume()._value / NM**3
        self.rows.append(
            (
                done * self.settings.timestep,
                potential * KJ_PER_MOL,
                2 * kinetic / (self.degrees * 0.00831446261815324),
                float(self.frame.masses.sum()) / volume * DENSITY_TO_G_PER_CM3,
            )
        )
        every = self.settings.frames_every
        if every and done // every > (done - self.settings.series_every) // every:
            self._keep()
        return Outcome()

    def _keep(self) -> None:
        state = self.context.getState(getPositions=True)
        cell = np.array([[*row] for row in state.getPeriodicBoxVectors(asNumpy=True)._value]) / NM
        self.frames.append(
            self.frame.moved(np.asarray(state.getPositions(asNumpy=True)._value) / NM, cell)
        )


def _seed(seed: int, stream: int) -> int:
    """Return a seed that OpenMM takes; 0 would be a random one."""
    return int(np.random.SeedSequence([seed, stream]).generate_state(1)[0] % (2**31 - 2)) + 1


def _context(mm: Any, system: Any, settings: ClassicalRun, seed: int, threads: int) -> Any:
    start = settings.ramp[0]
    if settings.ensemble == "NPT":
        barostat = mm.MonteCarloBarostat(settings.pressure_bar, start, _BAROSTAT_EVERY)
        barostat.setRandomNumberSeed(_seed(seed, 1))
        system.addForce(barostat)
    integrator = mm.LangevinMiddleIntegrator(start, settings.friction, 1e-3 * settings.timestep)
    integrator.setRandomNumberSeed(_seed(seed, 2))
    options = {"Threads": str(threads), "DeterministicForces": "true"}
    return mm.Context(system, integrator, mm.Platform.getPlatformByName("CPU"), options)


def _failure(error: Exception) -> Outcome:
    text = " ".join(str(error).split())
    if "cutoff distance" in text:
        return Outcome("collapsed", "the box became narrower than two cutoffs")
    return Outcome("exploded", f"OpenMM stopped: {text}")
