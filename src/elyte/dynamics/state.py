"""Everything a run needs to go on: `MDState`, and velocities to begin with."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from elyte.core.errors import DamagedData, InputError
from elyte.core.frame import Frame
from elyte.core.units import BOLTZMANN, MASS_VELOCITY2_TO_EV

_VERSION = 1


@dataclass(frozen=True, eq=False)
class MDState:
    """The state of a run at one step.

    From the same state a run goes on bit for bit as it would have without the interruption, if
    the step is a multiple of `simulate`'s `renew_every` (or if the force field has no memory).

    Args:
        frame: atoms, unwrapped positions, cell.
        velocities: Å/fs, (n, 3).
        forces: eV/Å, (n, 3), of these positions; nan when they are not known.
        energy: eV.
        strain_gradient: ∂E/∂ε, eV, (3, 3).
        step: steps since the beginning.
        time: fs since the beginning.
        extended: variables of thermostat and barostat.
        random: state of the random numbers, (4,) unsigned.
        conditions: of the run that led here, as `RunSettings.conditions`; "" if not known.
    """

    frame: Frame
    velocities: NDArray[np.float64]
    forces: NDArray[np.float64]
    energy: float
    strain_gradient: NDArray[np.float64]
    step: int
    time: float
    extended: NDArray[np.float64]
    random: NDArray[np.uint64]
    conditions: str = ""

    @property
    def temperature(self) -> float:
        """Temperature of 3N − 3 degrees of freedom, K."""
        kinetic = kinetic_energy(self.frame, self.velocities)
        return 2 * kinetic / (max(3 * len(self.frame) - 3, 1) * BOLTZMANN)

    def changed(
        self,
        frame: Frame | None = None,
        velocities: NDArray[np.float64] | None = None,
        chain_length: int = 3,
    ) -> MDState:
        """Return the state with other positions, cell or velocities, and the baths at rest.

        The forces are not known then; the next run evaluates them.
        """
        return replace(
            self.with_new_baths(chain_length),
            frame=self.frame if frame is None else frame,
            velocities=self.velocities if velocities is None else velocities,
            forces=np.full_like(self.forces, np.nan) if frame is not None else self.forces,
        )

    def with_new_baths(self, chain_length: int = 3) -> MDState:
        """Return the state with thermostat and barostat at rest, for other settings."""
        chain = [float(chain_length), *[0.0] * (2 * chain_length)]
        return replace(self, extended=np.array([0.0, 0.0, *chain, *chain]))

    def native(self) -> dict[str, Any]:
        """Return the state for the native loop."""
        state = fresh_state(self.frame, self.velocities, seed=0, chain_length=1)
        if np.isfinite(self.forces).all():
            state |= {
                "forces": np.ascontiguousarray(self.forces, dtype=float),
                "energy": float(self.energy),
                "strain_gradient": np.ascontiguousarray(self.strain_gradient, dtype=float),
            }
        return state | {
            "step": int(self.step),
            "time": float(self.time),
            "extended": np.ascontiguousarray(self.extended, dtype=float),
            "random": [int(word) for word in self.random],
        }

    @classmethod
    def from_native(cls, frame: Frame, values: dict[str, Any], conditions: str) -> MDState:
        """Take the state that the native loop gives."""
        return cls(
            frame=frame.moved(values["positions"], values["cell"]),
            velocities=values["velocities"],
            forces=values["forces"],
            energy=values["energy"],
            strain_gradient=values["strain_gradient"],
            step=values["step"],
            time=values["time"],
            extended=values["extended"],
            random=np.array(values["random"], dtype=np.uint64),
            conditions=conditions,
        )

    def save(self, path: str | Path) -> None:
        """Write an .npz file, renamed into place when whole."""
        frame = self.frame
        arrays: dict[str, Any] = {
            "version": _VERSION,
            "numbers": frame.numbers,
            "positions": frame.positions,
            "cell": frame.cell,
            "pbc": frame.pbc,
            "conditions": self.conditions,
        }
        if frame.molecules is not None:
            arrays["molecules"] = frame.molecules
        for name in _FIELDS:
            arrays[name] = getattr(self, name)
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        partial = Path(path).with_name(Path(path).name + ".part")
        partial.write_bytes(buffer.getvalue())
        partial.replace(path)

    @classmethod
    def load(cls, path: str | Path) -> MDState:
        """Read what `save` wrote.

        Raises:
            DamagedData: the file is not whole, or no state.
        """
        try:
            content = io.BytesIO(Path(path).read_bytes())
            with np.load(content, allow_pickle=False) as file:
                values = {name: file[name] for name in file.files}
            molecules = values.get("molecules")
            frame = Frame(
                values["numbers"], values["positions"], values["cell"], values["pbc"], molecules
            )
            scalars: dict[str, Any] = {"energy": float, "step": int, "time": float}
            fields: dict[str, Any] = {
                name: scalars.get(name, np.asarray)(values[name]) for name in _FIELDS
            }
            return cls(frame=frame, **fields, conditions=str(values.get("conditions", "")))
        except FileNotFoundError as error:
            raise InputError(f"{path}: no such file") from error
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise DamagedData(f"{path} is no state of a run: {error}") from error


_FIELDS = (
    "velocities", "forces", "energy", "strain_gradient", "step", "time", "extended", "random",
)  # fmt: skip


def fresh_state(
    frame: Frame, velocities: NDArray[np.float64], seed: int, chain_length: int
) -> dict[str, Any]:
    """Return the state of the native loop at step 0, forces unknown."""
    return {
        "numbers": np.ascontiguousarray(frame.numbers, dtype=np.int64),
        "pbc": [bool(p) for p in frame.pbc],
        "masses": np.ascontiguousarray(frame.masses, dtype=float),
        "positions": np.array(frame.positions, dtype=float),
        "velocities": np.ascontiguousarray(velocities, dtype=float),
        "cell": np.array(frame.cell, dtype=float),
        "step": 0,
        "time": 0.0,
        "seed": int(seed),
        "chain_length": int(chain_length),
    }


def kinetic_energy(frame: Frame, velocities: NDArray[np.float64]) -> float:
    """Return ½ Σ m v², eV."""
    return float(0.5 * MASS_VELOCITY2_TO_EV * (frame.masses[:, None] * velocities**2).sum())


def maxwell_boltzmann(
    frame: Frame, temperature: float, seed: int, free_momentum: bool = False
) -> NDArray[np.float64]:
    """Draw velocities from the Maxwell–Boltzmann distribution, without a total momentum.

    Args:
        frame: atoms.
        temperature: K.
        seed: of the draw.
        free_momentum: keep the total momentum of the draw.

    Returns:
        Velocities, Å/fs, (n, 3).

    Raises:
        InputError: a negative temperature.
    """
    if not temperature >= 0:
        raise InputError(f"a temperature cannot be {temperature} K")
    masses = frame.masses[:, None]
    widths = np.sqrt(BOLTZMANN * temperature / (masses * MASS_VELOCITY2_TO_EV))
    velocities = np.random.default_rng(seed).normal(size=(len(frame), 3)) * widths
    if not free_momentum:
        velocities -= (masses * velocities).sum(axis=0) / masses.sum()
    return np.asarray(velocities, dtype=float)
