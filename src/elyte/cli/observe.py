"""What `elyte md --observe` accumulates while it runs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from elyte.analysis import describe
from elyte.analysis.export import write_curves
from elyte.analysis.observers import (
    CurrentObserver,
    DiffusionObserver,
    restore_observers,
    save_observers,
)
from elyte.cli.display import wide_console
from elyte.core.errors import InputError, did_you_mean
from elyte.core.frame import Frame
from elyte.dynamics import Flux, RunSettings
from elyte.report import property_table

PROPERTIES = ("conductivity", "diffusion")


@dataclass
class Observing:
    """The observers of a run.

    Args:
        path: where their states stand while the run goes on (npz).
        temperature: K, of the thermostat.
        current: of conductivity, or None.
        walks: of diffusion, or None.
    """

    path: Path
    temperature: float
    current: CurrentObserver | None = None
    walks: DiffusionObserver | None = None

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        frame: Frame,
        settings: RunSettings,
        every: int,
        window: float,
        path: Path,
        charges: Mapping[str, float] | None = None,
    ) -> Observing | None:
        """Return observers of some properties, or None where none is wanted.

        Args:
            names: of `PROPERTIES`.
            frame: where the run begins.
            settings: of the run.
            every: steps between two looks.
            window: longest lag, fs.
            path: for their states.
            charges: name of a species → charge, e, where the library's is not wanted.

        Raises:
            InputError: an unknown property, a ramp of the temperature, no box, no ions.
        """
        if not names:
            return None
        for name in names:
            if name not in PROPERTIES:
                hint = did_you_mean(name, list(PROPERTIES))
                raise InputError(f"--observe is '{name}'{hint}; it is {' or '.join(PROPERTIES)}")
        if not isinstance(settings.temperature, int | float):
            raise InputError("--observe needs one temperature, not a ramp")
        if not frame.pbc.all():
            raise InputError("--observe needs a periodic box; the structure has none")
        system = describe(frame, charges=charges)
        step = settings.timestep
        current = walks = None
        if "conductivity" in names:
            current = CurrentObserver(system, every * step, window)
        if "diffusion" in names:
            walks = DiffusionObserver(system, every, step, window)
        return cls(path, float(settings.temperature), current, walks)

    @property
    def observers(self) -> list[CurrentObserver | DiffusionObserver]:
        """Those that there are."""
        return [o for o in (self.current, self.walks) if o is not None]

    @property
    def looking(self) -> list[DiffusionObserver]:
        """Those that the run calls."""
        return [] if self.walks is None else [self.walks]

    @property
    def flux(self) -> Flux | None:
        """What the run is to record."""
        return None if self.current is None else self.current.flux()

    def restore(self, step: int) -> None:
        """Go on from the states that belong to a step; without any, observe from here on.

        Raises:
            InputError: they belong to another step.
        """
        if self.path.exists():
            restore_observers(self.path, step, self.observers)

    def segment(self, series: Mapping[str, Any], step: int) -> None:
        """Take what a segment of the run recorded, and save."""
        if self.current is not None:
            self.current.take(series["flux"])
        save_observers(self.path, step, self.observers)

    def report(self, volume: float, out: Path) -> None:
        """Print what was found; write OUT.observed.json and the curves beside it."""
        quantities, curves = [], []
        if self.current is not None:
            more = self.current.results(volume, self.temperature)
            quantities += more[0]
            curves += more[1]
        if self.walks is not None:
            more = self.walks.results(self.temperature)
            quantities += more[0]
            curves += more[1]
        path = out.with_name(f"{out.name}.observed.json")
        records = [quantity.to_record() for quantity in quantities]
        path.write_text(json.dumps(records, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        folder = out.with_name(f"{out.name}.observed")
        write_curves(curves, folder)
        console = wide_console()
        console.print(property_table(quantities))
        console.print(f"observed: {path}, curves: {folder}", markup=False)


def mean_volume(series: Path) -> float:
    """Return the mean volume (Å³) of the series of a run."""
    with series.open(encoding="utf-8") as file:
        names = [name.split(" ")[0] for name in file.readline().split(",")]
        column = names.index("volume")
        values = np.loadtxt(file, delimiter=",", usecols=column, ndmin=1)
    return float(values.mean())
