"""Molecular dynamics: ensembles, schedules, observers, stop rules."""

from elyte.dynamics.forcefield import Evaluator, evaluate, force_field
from elyte.dynamics.grade_watch import GradeWatch
from elyte.dynamics.ladder import liquid_ladder, run_ladder
from elyte.dynamics.records import Flux
from elyte.dynamics.relax import Relaxed, relax
from elyte.dynamics.schedule import Modifier, Ramp, VolumeOfDensity
from elyte.dynamics.settings import RunSettings
from elyte.dynamics.simulate import RunResult, simulate
from elyte.dynamics.state import MDState, maxwell_boltzmann
from elyte.dynamics.stops import (
    Checkpoint,
    DecompositionWatch,
    HeatWatch,
    Moment,
    Observer,
    StopRule,
    VoidWatch,
    VolumeWatch,
)
from elyte.dynamics.voids import density_heterogeneity, largest_empty_sphere

__all__ = [
    "Checkpoint",
    "DecompositionWatch",
    "Evaluator",
    "Flux",
    "GradeWatch",
    "HeatWatch",
    "MDState",
    "Modifier",
    "Moment",
    "Observer",
    "Ramp",
    "Relaxed",
    "RunResult",
    "RunSettings",
    "StopRule",
    "VoidWatch",
    "VolumeOfDensity",
    "VolumeWatch",
    "density_heterogeneity",
    "evaluate",
    "force_field",
    "largest_empty_sphere",
    "liquid_ladder",
    "maxwell_boltzmann",
    "relax",
    "run_ladder",
    "simulate",
]
