"""The reference engines by name, behind one small record."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import nan
from typing import Any

from elyte.core.errors import InputError, MissingDependency, Outcome, did_you_mean
from elyte.core.frame import Frame
from elyte.reference import ase_engine, cp2k, espresso, foundation, gpaw, vasp, xtb
from elyte.reference.classical import engine as classical
from elyte.reference.settings import EngineSettings


def _unknown(frame: Frame, settings: EngineSettings) -> float:
    return nan


@dataclass(frozen=True)
class Engine:
    """What elyte needs to know of a reference method.

    Args:
        name: as in `EngineSettings.engine`.
        task: import path of the function (frame, settings) → labels as a dictionary, or Outcome;
            what the dictionary holds besides labels ("seconds", …) is kept as provenance.
        available: whether it can be used here, with a version or a hint how to install it.
        version: what goes into the key of a label.
        level: name of the level of theory for given settings.
        check: raises `InputError` for frames or settings that it cannot take.
        environment: variables that its worker processes need.
        seconds: about how long one label takes here, s; nan when nobody can say.
        strain: size of the strain over which its stress is tested.
        stress_noise: difference from the energy's slope that is no fault, eV/Å³.
    """

    name: str
    task: str
    available: Callable[[], Outcome]
    version: Callable[[], str]
    level: Callable[[EngineSettings], str]
    check: Callable[[Frame, EngineSettings], None]
    environment: Callable[[], dict[str, str]]
    seconds: Callable[[Frame, EngineSettings], float] = _unknown
    strain: float = 1e-3
    stress_noise: float = 2e-4


def _engine(name: str, module: Any) -> Engine:
    """Return the record of an engine whose module has the functions by these names."""
    return Engine(
        name=name,
        task=module.TASK,
        available=module.available,
        version=module.version,
        level=module.level,
        check=module.check,
        environment=module.environment,
        seconds=module.seconds,
        strain=getattr(module, "STRAIN", 1e-3),
        stress_noise=getattr(module, "STRESS_NOISE", 2e-4),
    )


ENGINES: dict[str, Engine] = {
    name: _engine(name, module)
    for name, module in {
        "xtb": xtb,
        "classical": classical,
        "gpaw": gpaw,
        "cp2k": cp2k,
        "espresso": espresso,
        "vasp": vasp,
        "ase": ase_engine,
        "foundation": foundation,
    }.items()
}
"""A further engine is a module with these functions, its settings, and a line here."""


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
