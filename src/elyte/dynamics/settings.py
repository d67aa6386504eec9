"""What a run is to do: `RunSettings`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import InputError, did_you_mean
from elyte.core.frame import Frame
from elyte.core.units import BAR
from elyte.dynamics.schedule import Ramp, Schedule, as_schedule

Ensemble = Literal["NVE", "NVT", "NPT"]
ThermostatName = Literal["bussi", "nose-hoover", "langevin"]
BarostatName = Literal["scr", "mtk"]
_THERMOSTATS = ["bussi", "nose-hoover", "langevin"]
_BAROSTATS = ["scr", "mtk"]
# What a run that ends early leaves: bonds are looked at every hundred steps or so, so that whatever
# broke may have done so a few hundred steps ago.
HISTORY_EVERY, HISTORY_LENGTH = 10, 50  # steps, frames


@dataclass(frozen=True)
class RunSettings:
    """Settings of one run of molecular dynamics.

    Args:
        ensemble: "NVE", "NVT" or "NPT" (isotropic).
        temperature: K; a number, (start, end) over the run, `Ramp` or `Modifier`.
        pressure_bar: bar, likewise.
        steps: number of time steps.
        timestep: fs.
        thermostat: "bussi" (stochastic velocity rescaling), "nose-hoover" (chains) or
            "langevin" (BAOAB).
        thermostat_time: relaxation time, fs; for Nosé–Hoover chains √(Q/gkT).
        chain_length: thermostats in a Nosé–Hoover chain.
        barostat: "scr" (stochastic cell rescaling) or "mtk" (Martyna–Tobias–Klein).
        barostat_time: fs.
        compressibility: 1/bar, for "scr": only its ratio to `barostat_time` matters.
        volume: Å³, for NVT runs whose volume follows a schedule; None leaves the cell alone.
        series_every, frames_every, flux_every: steps between records; 0 for none.
        velocities: whether frames come with velocities.
        max_force: eV/Å; a larger force on any atom ends the run as "exploded".
        max_temperature: K; a higher one ends the run as "too_hot". None: 5 × the highest
            target + 500 K (no limit in NVE).
        max_energy_jump: eV per atom between two steps; more ends the run as "exploded".
        max_volume_change: largest |ln V'/V| in one step; more ends the run as "exploded".
        free_momentum: the force field does not conserve momentum, which is then not removed,
            and counts as three degrees of freedom.

    Raises:
        InputError: a value that cannot be used.
    """

    ensemble: Ensemble = "NVT"
    temperature: Schedule | tuple[float, float] = 300.0
    pressure_bar: Schedule | tuple[float, float] = 1.0
    steps: int = 1000
    timestep: float = 1.0
    thermostat: ThermostatName = "bussi"
    thermostat_time: float = 100.0
    chain_length: int = 3
    barostat: BarostatName = "scr"
    barostat_time: float = 1500.0
    compressibility: float = 5e-5
    volume: Schedule | tuple[float, float] | None = None
    series_every: int = 10
    frames_every: int = 0
    flux_every: int = 0
    velocities: bool = False
    max_force: float = 100.0
    max_temperature: float | None = None
    max_energy_jump: float = 1.0
    max_volume_change: float = 0.1
    free_momentum: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "ensemble", str(self.ensemble).upper())
        _one_of("ensemble", self.ensemble, ["NVE", "NVT", "NPT"])
        _one_of("thermostat", self.thermostat, _THERMOSTATS)
        _one_of("barostat", self.barostat, _BAROSTATS)
        for name in ("timestep", "thermostat_time", "barostat_time", "compressibility"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive, not {getattr(self, name)}")
        for name in ("steps", "series_every", "frames_every", "flux_every"):
            if getattr(self, name) < 0:
                raise InputError(f"{name} must not be negative, but is {getattr(self, name)}")
        if self.chain_length < 1:
            raise InputError(f"chain_length must be at least 1, not {self.chain_length}")
        if self.ensemble != "NVE" and not as_schedule(self.temperature).lowest > 0:
            raise InputError(f"temperature must stay above 0 K: {self.temperature}")
        if self.volume is not None and self.ensemble != "NVT":
            raise InputError("a volume schedule needs the ensemble NVT")

    @property
    def duration(self) -> float:
        """Length of the run, fs."""
        return self.steps * self.timestep

    @property
    def conditions(self) -> str:
        """What is held at which values, and by what: "NPT at 300 K (bussi), 1 bar (scr)"."""
        if self.ensemble == "NVE":
            return "NVE"
        held = [f"{_in_words(self.temperature)} K ({self.thermostat})"]
        if self.ensemble == "NPT":
            held.append(f"{_in_words(self.pressure_bar)} bar ({self.barostat})")
        if self.volume is not None:
            held.append(f"{_in_words(self.volume)} Å³")
        return f"{self.ensemble} at {', '.join(held)}"

    def check(self, frame: Frame) -> None:
        """Raise InputError when the frame cannot be run so."""
        if len(frame) == 0:
            raise InputError("the frame has no atoms: there is nothing to run")
        periodic = bool(frame.pbc.all())
        if not periodic and (self.ensemble == "NPT" or self.volume is not None):
            raise InputError("a changing volume needs a frame that is periodic in all directions")
        if self.degrees_of_freedom(frame) <= 0:
            raise InputError("a single atom has no degrees of freedom once its drift is removed")

    def degrees_of_freedom(self, frame: Frame) -> int:
        """Return 3N − 3, or 3N when the total momentum is free."""
        return 3 * len(frame) - (0 if self.momentum_is_free else 3)

    @property
    def momentum_is_free(self) -> bool:
        """Whether the total momentum changes (Langevin forces act on every atom)."""
        langevin = self.ensemble != "NVE" and self.thermostat == "langevin"
        return self.free_momentum or langevin

    @property
    def temperature_limit(self) -> float:
        """Temperature above which the run ends, K."""
        if self.max_temperature is not None:
            return self.max_temperature
        if self.ensemble == "NVE":
            return float("inf")
        fractions = np.linspace(0, 1, 1001)
        targets = as_schedule(self.temperature).values(fractions, self.duration)
        return 5 * float(targets.max()) + 500

    def targets(
        self, count: int, begin: int = 0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Return temperature (K), pressure (eV/Å³) and volume (Å³ or None), each (count,).

        The k-th is the target of the step after `begin` + k steps of this run; the last step has
        the end of a ramp.
        """
        done = (np.arange(begin, begin + count, dtype=float) + 1) / max(self.steps, 1)
        fractions = np.clip(done, 0.0, 1.0)
        temperature = as_schedule(self.temperature).values(fractions, self.duration)
        pressure = as_schedule(self.pressure_bar).values(fractions, self.duration) * BAR
        if self.volume is None:
            return np.maximum(temperature, 0.0), pressure, None
        volume = as_schedule(self.volume).values(fractions, self.duration)
        return temperature, pressure, volume

    def native(self, frame: Frame, renew_every: int) -> dict[str, Any]:
        """Return the settings of the native loop."""
        barostat = self.barostat if self.ensemble == "NPT" else "none"
        return {
            "timestep": float(self.timestep),
            "thermostat": "none" if self.ensemble == "NVE" else self.thermostat,
            "thermostat_time": float(self.thermostat_time),
            "barostat": "prescribed" if self.volume is not None else barostat,
            "barostat_time": float(self.barostat_time),
            "compressibility": self.compressibility / BAR,
            "degrees_of_freedom": float(self.degrees_of_freedom(frame)),
            "max_force": float(self.max_force),
            "max_temperature": float(self.temperature_limit),
            "max_energy_jump": float(self.max_energy_jump),
            "max_strain": float(self.max_volume_change),
            "renew_every": renew_every,
            "history_every": HISTORY_EVERY,
            "history_length": HISTORY_LENGTH,
        }


def _in_words(value: Schedule | tuple[float, float]) -> str:
    if isinstance(value, tuple):
        return ":".join(f"{number:g}" for number in value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _one_of(name: str, value: str, known: list[str]) -> None:
    if value not in known:
        hint = did_you_mean(value, known)
        raise InputError(f"unknown {name} '{value}'{hint}; known are {', '.join(known)}")


__all__ = ["BarostatName", "Ensemble", "Ramp", "RunSettings", "ThermostatName"]
