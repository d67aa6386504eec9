"""What a run knows: an immutable state, from which `plan` and `advance` work.

Everything large (frames, trajectories, potentials) lies in the project folder and is referred to
by the key of the task that made it; the state holds plain values only. It is a pure function of
the settings and of the finished tasks, so nothing is lost when a process dies: replaying the
finished tasks leads to the same state.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from elyte.core.frame import Frame
from elyte.workflow.codec import content_hash

Stage = Literal[
    "pack",
    "label",
    "check",
    "train",
    "explore",
    "select",
    "prepare",
    "equilibrate",
    "produce",
    "relabel",
    "verify",
    "done",
]


@dataclass(frozen=True)
class FrameRef:
    """One frame in the result of a finished task."""

    task: str
    index: int = 0

    def plain(self) -> list[Any]:
        """Return plain values for the inputs of a task."""
        return [self.task, self.index]


@dataclass(frozen=True)
class Settings:
    """The plain values of a recipe on which the course of a run depends.

    `label_counts` holds the composition of the recipe first, and then those that are mixed in.

    Times in fs, temperatures in K, pressure in bar, densities in g/cm³, lengths in Å.
    """

    label_counts: tuple[Mapping[str, int], ...]
    production_counts: Mapping[str, int]
    density: float
    engine: Mapping[str, Any]
    level: int
    cutoff: float
    radial_size: int
    weights: Mapping[str, float]
    temperatures: tuple[float, ...]
    pressure: float
    seed: int
    timestep: float
    # learning
    start_frames: int
    start_densities: tuple[float, float]
    start_scale: tuple[float, float]
    start_rattle: tuple[float, float]
    exploration_temperatures: tuple[float, ...]
    exploration_timestep: float
    trajectories: int
    trajectory_time: float
    grade_every: int
    grade_save: float
    grade_stop: float
    labels_per_round: int
    max_rounds: int
    refinements: int
    max_labels: int
    force_error_target: float
    train_seconds: float
    selection: str
    mode: str
    # production
    replicas: int
    npt_time: float
    nvt_time: float
    segment_time: float
    save_every: float
    relabelled: int
    thermostat: str
    barostat: str
    dispersion: Mapping[str, Any] | None = None
    reactions: bool = False
    label_cell: Frame | None = None
    production_cell: Frame | None = None
    # the start set's samplers: frames of each, and the engine and length of their dynamics
    samplers: Mapping[str, int] = field(default_factory=dict)
    sampler_engine: Mapping[str, Any] = field(default_factory=dict)
    sampler_time: float = 10_000.0

    @property
    def alone(self) -> bool:
        """Whether the production box holds one molecule: no liquid, and no density to be found."""
        return self.production_cell is None and sum(self.production_counts.values()) == 1


@dataclass(frozen=True)
class Task:
    """A piece of work: what to do and the plain values it depends on, nothing else."""

    kind: str
    inputs: Mapping[str, Any]

    @property
    def key(self) -> str:
        """Hash of what is to be done; never of a path, a host or a time."""
        return content_hash({"kind": self.kind, "inputs": dict(self.inputs)})


@dataclass(frozen=True)
class Trajectory:
    """How one exploring trajectory ended."""

    task: str
    outcome: str
    max_grade: float
    saved: int
    ordinary: int
    before_stop: int
    time: float


@dataclass(frozen=True)
class RoundRecord:
    """What one round of learning did; the learning curve of the report."""

    index: int
    labels: int
    new_labels: int
    quarantined: int
    train_force_rmse: float = float("nan")
    train_energy_rmse: float = float("nan")
    own_force_rmse: float = float("nan")
    own_energy_rmse: float = float("nan")
    max_grade: float = float("nan")
    saved: int = 0
    stopped: int = 0
    trajectories: int = 0
    seconds: Mapping[str, float] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True)
class Chain:
    """One production trajectory: a temperature, a replica, and its finished segments."""

    temperature: float
    replica: int
    prepared: str = ""
    equilibration: tuple[str, ...] = ()
    production: tuple[str, ...] = ()
    extrapolated: tuple[FrameRef, ...] = ()  # in the equilibration: worth a label

    @property
    def last(self) -> str:
        """Key of the newest finished segment."""
        return (self.production or self.equilibration or (self.prepared,))[-1]


@dataclass(frozen=True)
class State:
    """Where a run stands."""

    settings: Settings
    stage: Stage = "pack"
    round: int = 0
    training: tuple[str, ...] = ()
    pending: tuple[FrameRef, ...] = ()
    ordinary: tuple[FrameRef, ...] = ()
    fresh: tuple[str, ...] = ()
    quarantined: tuple[str, ...] = ()
    potential: str = ""
    exploration: tuple[Trajectory, ...] = ()
    calm_rounds: int = 0
    finished_learning: str = ""
    rounds: tuple[RoundRecord, ...] = ()
    chains: tuple[Chain, ...] = ()
    densities: Mapping[str, float] = field(default_factory=dict)
    earlier_densities: Mapping[str, float] = field(default_factory=dict)
    refinements: int = 0
    restarts: int = 0
    relabelled: tuple[str, ...] = ()
    production_errors: Mapping[str, float] = field(default_factory=dict)
    messages: tuple[str, ...] = ()

    def but(self, **changes: Any) -> State:
        """Return the same state with some fields changed."""
        return replace(self, **changes)

    def with_new_round(self, **known: Any) -> State:
        """Return the state with a record of the present round begun: no labels of its own yet."""
        begun = RoundRecord(self.round, len(self.training), new_labels=0, quarantined=0, **known)
        return self.but(rounds=(*self.rounds, begun))

    def with_round(self, **changes: Any) -> State:
        """Return the state with the record of the present round changed."""
        current = replace(self.rounds[-1], **changes)
        return self.but(rounds=(*self.rounds[:-1], current))

    def saying(self, message: str) -> State:
        """Return the state with one more message for the report."""
        return self.but(messages=(*self.messages, message))
