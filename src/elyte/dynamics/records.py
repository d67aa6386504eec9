"""The arrays that a run fills: series, frames, and velocity sums of groups of atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from elyte.core.errors import InputError
from elyte.core.frame import Frame
from elyte.core.h5md import TrajectoryWriter
from elyte.core.trajectory import Trajectory
from elyte.core.units import BAR
from elyte.dynamics.settings import RunSettings

COLUMNS = (
    "step", "time", "potential", "kinetic", "temperature", "pressure_bar", "volume", "conserved",
    "pxx", "pyy", "pzz", "pyz", "pxz", "pxy",
)  # fmt: skip
_PRESSURES = ("pressure_bar", *COLUMNS[8:])


@dataclass(frozen=True, eq=False)
class Flux:
    """Velocity sums J_g = Σ_{i in g} w_i v_i, recorded without keeping the velocities.

    With w = q and one group this is the charge current of Green–Kubo; with w = 1 and a group for
    each species, their velocity sums.

    Args:
        groups: of each atom, from 0; −1 for none, (n,).
        weights: of each atom, (n,); 1 by default.
    """

    groups: ArrayLike
    weights: ArrayLike | None = None

    @classmethod
    def charge(cls, charges: ArrayLike) -> Flux:
        """Return the charge current Σ q v for charges (n,) in e."""
        charges = np.asarray(charges, dtype=float)
        return cls(np.zeros(len(charges), dtype=np.int64), charges)

    def native(self, n: int) -> dict[str, Any]:
        """Return the arrays of the native loop for n atoms."""
        groups = np.ascontiguousarray(self.groups, dtype=np.int64)
        given = np.ones(n) if self.weights is None else self.weights
        weights = np.ascontiguousarray(given, dtype=float)
        if groups.shape != (n,) or weights.shape != (n,):
            raise InputError(f"a flux needs one group and one weight for each of the {n} atoms")
        return {"groups": groups, "weights": weights, "n_groups": int(groups.max(initial=0)) + 1}


class Records:
    """Rows for a whole run, filled block by block; frames go to a writer when there is one.

    Args:
        frame: atoms.
        settings: what is recorded how often.
        start: step at which recording begins; step 0 is recorded too.
        start_time: its time, fs.
        stop: last step.
        flux: velocity sums to record, or None.
        writer: where frames go; without one they are kept.
    """

    def __init__(
        self,
        frame: Frame,
        settings: RunSettings,
        start: int,
        start_time: float,
        stop: int,
        flux: Flux | None,
        writer: TrajectoryWriter | None,
    ) -> None:
        self._frame = frame
        self._settings = settings
        self._writer = writer
        self._flux = flux.native(len(frame)) if flux and settings.flux_every else None
        self._start, self._start_time = start, start_time
        self._used = {"series": 0, "frames": 0, "flux": 0}
        n = len(frame)

        def rows(every: int) -> int:
            return (stop // every - (start - 1) // every) if every else 0

        self._series = np.empty((rows(settings.series_every), len(COLUMNS)))
        frames = rows(settings.frames_every)
        self._keep = frames if writer is None else 0
        self._arrays = self._frame_arrays(self._keep, n)
        groups = self._flux["n_groups"] if self._flux else 0
        self._sums = np.empty((rows(settings.flux_every) if self._flux else 0, groups, 3))
        self._block: dict[str, NDArray[np.float64]] = {}

    def _frame_arrays(self, rows: int, n: int) -> dict[str, NDArray[np.float64]]:
        arrays = {
            "positions": np.empty((rows, n, 3)),
            "cells": np.empty((rows, 3, 3)),
            "frame_times": np.empty((rows, 2)),
        }
        if self._settings.velocities:
            arrays["velocities"] = np.empty((rows, n, 3))
        return arrays

    def into(self, step: int, steps: int) -> dict[str, Any]:
        """Return where the native loop writes the next block of `steps` steps after `step`."""
        s = self._settings
        into: dict[str, Any] = {}
        if s.series_every:
            into |= {"series_every": s.series_every, "series": self._series[self._used["series"] :]}
        if s.frames_every:
            into["frames_every"] = s.frames_every
            if self._writer is None:
                self._block = {k: a[self._used["frames"] :] for k, a in self._arrays.items()}
            else:
                rows = (step + steps) // s.frames_every - (step - 1) // s.frames_every
                self._block = self._frame_arrays(rows, len(self._frame))
            into |= self._block
        if self._flux:
            sums = self._sums[self._used["flux"] :]
            into |= {"flux_every": s.flux_every, "flux": sums, **self._flux}
        return into

    def wrote(self, report: dict[str, Any]) -> None:
        """Take note of the rows that a block has written."""
        for name in self._used:
            self._used[name] += report[name]
        count = report["frames"]
        if self._writer is not None and count:
            block = {name: array[:count] for name, array in self._block.items()}
            steps, times = block["frame_times"].T
            self._writer.extend(
                block["positions"],
                block["cells"],
                times,
                steps.astype(np.int64),
                block.get("velocities"),
            )

    def trajectory(self) -> Trajectory | None:
        """Return the kept frames, or None when none were to be kept."""
        if self._writer is not None or not self._settings.frames_every:
            return None
        arrays = {k: a[: self._used["frames"]] for k, a in self._arrays.items()}
        return Trajectory(
            self._frame.numbers,
            arrays["positions"],
            arrays["cells"],
            arrays["frame_times"][:, 1],
            arrays.get("velocities"),
            self._frame.molecules,
            self._frame.pbc,
        )

    def series(self) -> dict[str, NDArray[np.float64]]:
        """Return the series by name: those of `COLUMNS`, and "flux" (rows, groups, 3)."""
        table = self._series[: self._used["series"]]
        result = {name: table[:, k].copy() for k, name in enumerate(COLUMNS)}
        for name in _PRESSURES:
            result[name] /= BAR
        if self._flux:
            every, count = self._settings.flux_every, self._used["flux"]
            first = 0 if self._start == 0 else self._start // every + 1
            steps = every * (first + np.arange(count, dtype=float))
            result["flux"] = self._sums[:count]
            result["flux_time"] = self._start_time + (steps - self._start) * self._settings.timestep
        return result
