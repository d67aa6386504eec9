"""The reference engines by name, behind one small record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from elyte.core.errors import InputError, MissingDependency, Outcome, did_you_mean
from elyte.core.frame import Frame
from elyte.reference import xtb
from elyte.reference.classical import engine as classical
from elyte.reference.settings import EngineSettings


@dataclass(frozen=True)
class Engine:
    """What elyte needs to know of a reference method.

    Args:
        name: as in `EngineSettings.engine`.
        task: import path of the function (frame, settings) → labels as a dictionary, or Outcome.
        available: whether it can be used here, with a version or a hint how to install it.
        version: what goes into the key of a label.
        level: name of the level of theory for given settings.
        check: raises `InputError` for frames or settings that it cannot take.
        environment: variables that its worker processes need.
    """

    name: str
    task: str
    available: Callable[[], Outcome]
    version: Callable[[], str]
    level: Callable[[EngineSettings], str]
    check: Callable[[Frame, EngineSettings], None]
    environment: Callable[[], dict[str, str]]


ENGINES: dict[str, Engine] = {
    "xtb": Engine(
        name="xtb",
        task=xtb.TASK,
        available=xtb.available,
        version=xtb.version,
        level=xtb.level,
        check=xtb.check,
        environment=xtb.environment,
    ),
    "classical": Engine(
        name="classical",
        task=classical.TASK,
        available=classical.available,
        version=classical.version,
        level=classical.level,
        check=classical.check,
        environment=classical.environment,
    ),
}


def find_engine(name: str) -> Engine:
    """Return an engine that can be used here.

    Raises:
        InputError: no engine has this name.
        MissingDependency: its library or program is not installed.
    """
    if name not in ENGINES:
        known = list(ENGINES)
        raise InputError(
            f"unknown engine '{name}'{did_you_mean(name, known)}: elyte has {', '.join(known)}"
        )
    engine = ENGINES[name]
    state = engine.available()
    if not state.done:
        raise MissingDependency(f"the engine '{name}' cannot be used: {state.reason}")
    return engine
