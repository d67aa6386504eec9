"""Does an engine's stress belong to its energy? One finite difference tells."""

from __future__ import annotations

import numpy as np

from elyte.core.errors import Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.reference.engines import find_engine
from elyte.reference.labelling import label_frames
from elyte.reference.settings import EngineSettings
from elyte.workflow.ledger import STRAIN_TEST, Ledger

STRAIN = 1e-3
"""Long enough that the noise of a self-consistent energy does not matter."""
DIRECTION = np.array([[1.0, 0.4, -0.3], [0.4, -0.6, 0.5], [-0.3, 0.5, 0.8]])
"""Has all six components, different ones, so that a wrong order or sign of any shows."""
ABSOLUTE, RELATIVE = 2e-4, 0.02  # eV/Å³; share of the stress


def strain_test(
    item: LabelledFrame, settings: EngineSettings, ledger: Ledger, workers: int = 2
) -> Outcome:
    """Compare the stress of one label with the change of the energy under a strain.

    σ : d = [E(+h d) − E(−h d)] / (2 h V), with a fixed symmetric direction d and h = 0.001.

    Args:
        item: a periodic frame with its label, made by `settings`.
        settings: engine and method.
        ledger: open for writing; the strained frames are kept in it.
        workers: child processes.

    Returns:
        "done", or "stress_wrong" with both numbers; "failed" when a strained frame has no label.

    Raises:
        InputError, MissingDependency, StorageError: as `label_frames`.
    """
    if item.labels.stress is None or not item.frame.pbc.all():
        return Outcome("failed", "the strain test needs a periodic frame with a stress")
    frames = [strained(item.frame, sign * STRAIN) for sign in (1, -1)]
    results = label_frames(frames, settings, ledger, workers, config_type=STRAIN_TEST)
    energies = [r.labels.energy for r in results if isinstance(r, LabelledFrame)]
    if len(energies) < 2:
        reasons = [r.reason for r in results if isinstance(r, Outcome)]
        return Outcome("failed", f"a strained frame could not be labelled: {reasons[0]}")
    numeric = (energies[0] - energies[1]) / (2 * STRAIN * item.frame.volume)
    given = float((item.labels.stress * DIRECTION).sum())
    size = float(np.abs(item.labels.stress * DIRECTION).sum())
    if abs(given - numeric) <= ABSOLUTE + RELATIVE * max(size, abs(numeric)):
        return Outcome("done", details={"given": given, "numeric": numeric})
    return Outcome(
        "stress_wrong",
        f"the stress of {find_engine(settings.engine).level(settings)} along a strain is "
        f"{given:.4g} eV/Å³, but the energy says {numeric:.4g}",
        {"given": given, "numeric": numeric},
    )


def strained(frame: Frame, size: float) -> Frame:
    """Return a frame with cell and positions strained by `size` along `DIRECTION`."""
    deformation = np.eye(3) + size * DIRECTION
    return frame.moved(frame.positions @ deformation, frame.cell @ deformation)


def was_tested(settings: EngineSettings, ledger: Ledger) -> bool:
    """Whether strained frames of this level of theory are in the ledger."""
    level = find_engine(settings.engine).level(settings)
    entries = ledger.entries(quarantined=False)
    return any(e.config_type == STRAIN_TEST and e.level == level for e in entries)
