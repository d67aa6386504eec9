"""How long a batch of labels takes, said before it starts.

Where the ledger has labels of the same level of theory that tell their time, it is scaled from
them; else it is the engine's own formula, which is right to a factor of three or so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Literal

import numpy as np

from elyte.core.frame import Frame
from elyte.reference.engines import Engine, find_engine
from elyte.reference.settings import EngineSettings
from elyte.workflow.ledger import Ledger
from elyte.workflow.reading import ISOLATED_ATOM

LATEST = 50
"""So many of the latest labels are looked at."""


@dataclass(frozen=True)
class Cost:
    """An estimate.

    Args:
        labels: how many are to be made.
        each: mean time of one on one worker, s; nan when nobody can say.
        workers: side by side.
        basis: "measured" on labels of the ledger, the engine's "formula", or "unknown".
    """

    labels: int
    each: float
    workers: int
    basis: Literal["measured", "formula", "unknown"]

    @property
    def seconds(self) -> float:
        """Wall time of all of them, s."""
        rounds = -(-self.labels // self.workers)
        return self.each * rounds

    def __str__(self) -> str:
        if not self.labels or not isfinite(self.each):
            return f"{self.labels} labels, duration unknown" if self.labels else "no labels"
        source = "as measured before" if self.basis == "measured" else "a rough guess"
        return f"{self.labels} labels, about {_words(self.seconds)} ({source})"


def estimate_cost(
    frames: Sequence[Frame],
    settings: EngineSettings,
    ledger: Ledger | None = None,
    workers: int = 1,
    cores: int = 1,
) -> Cost:
    """Return how long it takes to label frames that have no label yet.

    Args:
        frames: those to be computed.
        settings: engine and method.
        ledger: where labels of the same level of theory may be.
        workers: side by side.
        cores: processes of one label, which a formula takes as that many times faster.

    Raises:
        InputError, MissingDependency: the engine does not exist, or is not there.
    """
    engine = find_engine(settings.engine)
    if not frames:
        return Cost(0, 0.0, workers, "formula")
    formula = float(np.mean([engine.seconds(frame, settings) for frame in frames])) / cores
    measured = _measured(frames, settings, ledger, engine) if ledger is not None else None
    if measured is not None:
        return Cost(len(frames), measured, workers, "measured")
    return Cost(len(frames), formula, workers, "formula" if isfinite(formula) else "unknown")


def _measured(
    frames: Sequence[Frame], settings: EngineSettings, ledger: Ledger, engine: Engine
) -> float | None:
    """Scale the median time of earlier labels by the square of the number of atoms."""
    level = engine.level(settings)
    rates = [
        float(entry.provenance["seconds"]) / entry.atoms**2
        for entry in ledger.entries(quarantined=False)
        if entry.level == level
        and entry.config_type != ISOLATED_ATOM
        and "seconds" in entry.provenance
    ][-LATEST:]
    if not rates:
        return None
    return float(np.median(rates) * np.mean([len(frame) ** 2 for frame in frames]))


def _words(seconds: float) -> str:
    for unit, size in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{seconds / size:.2g} {unit}"
    return f"{max(seconds, 1.0):.0f} s"
