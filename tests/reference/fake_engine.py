"""An engine for tests: a harmonic well, a log of every call, and faults on demand."""

from __future__ import annotations

import os
import time

import numpy as np

from elyte.core import Outcome
from elyte.reference.engines import Engine

LOG = "ELYTE_FAKE_LOG"


def label(frame, settings):
    """Energy ½ Σ|r|²; writes its process id and the frame's digest to the log."""
    with open(os.environ[LOG], "a") as log:
        log.write(f"{os.getpid()} {frame.digest()}\n")
    time.sleep(float(os.environ.get("ELYTE_FAKE_SECONDS", "0")))
    if settings["max_iterations"] == 1:
        return Outcome("scf_not_converged", "it would not")
    if len(frame) == 5:
        os.kill(os.getpid(), 9)
    positions = frame.positions - frame.positions.mean(axis=0)
    return {
        "energy": 0.5 * float((positions**2).sum()) / 1e3,
        "forces": -positions / 1e3,
        "stress": np.eye(3) * 1e-3 if frame.pbc.all() else None,
        "charges": None,
    }


def engine(environment):
    """Return the record of the engine; children find this module by PYTHONPATH."""
    before = os.environ.get("PYTHONPATH", "")
    here = os.pathsep.join(filter(None, [os.path.dirname(os.path.abspath(__file__)), before]))
    return Engine(
        name="fake",
        task="fake_engine:label",
        available=lambda: Outcome(details={"version": "1"}),
        version=lambda: "1",
        level=lambda settings: f"fake{settings.differences()}",
        check=lambda frame, settings: None,
        environment=lambda: {"PYTHONPATH": here, **environment},
    )
