"""Make labels: what the ledger has is not computed again, what fails is quarantined."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase.data import ground_state_magnetic_moments

from elyte.core.errors import DamagedData, Outcome
from elyte.core.frame import Frame, LabelledFrame, Labels
from elyte.core.progress import Progress, silent
from elyte.reference.cost import Cost, estimate_cost
from elyte.reference.engines import Engine, find_engine
from elyte.reference.firewall import Context, Limits, inspect
from elyte.reference.programs import CORES
from elyte.reference.settings import EngineSettings, label_key
from elyte.workflow.ledger import ISOLATED_ATOM, Ledger
from elyte.workflow.pool import LocalPool
from elyte.workflow.task import Task

_LABELS = ("energy", "forces", "stress", "charges")
TIME_LIMIT = 1800.0
"""Seconds that one label may take."""


@dataclass(frozen=True)
class _Request:
    """One label to be made, and what it is judged by."""

    key: str
    frame: Frame
    settings: EngineSettings
    level: str
    config_type: str


def label_frames(
    frames: Sequence[Frame],
    settings: EngineSettings,
    ledger: Ledger,
    workers: int = 2,
    progress: Progress | None = None,
    config_type: str = "",
    limits: Limits | None = None,
    accept: Callable[[Frame], Outcome] | None = None,
    time_limit: float = TIME_LIMIT,
    retry: bool = False,
    cores: int = 1,
) -> list[LabelledFrame | Outcome]:
    """Label frames by a reference method, each one exactly once.

    Every label goes to the ledger as soon as it is complete, so an interruption of any kind
    costs only what was running. A frame that fails, or whose label does not pass the firewall,
    is quarantined with its reason, and the others go on.

    Args:
        frames: structures, in any order; equal ones are computed once.
        settings: engine and method.
        ledger: open for writing.
        workers: child processes.
        progress: told the number of finished frames.
        config_type: kept with new labels.
        limits: of the firewall.
        accept: a judgement of the structure, for the firewall.
        time_limit: seconds for one label.
        retry: compute quarantined frames again instead of returning their reason.
        cores: processes that share one label, where the engine can.

    Returns:
        For each frame, in order, its `LabelledFrame` or the `Outcome` that says why not.

    Raises:
        InputError: an engine or settings that do not exist, or a frame it cannot take.
        MissingDependency: the engine is not installed.
        StorageError: the ledger cannot be written.
    """
    engine = find_engine(settings.engine)
    for frame in frames:
        engine.check(frame, settings)
    keys = [label_key(frame, settings, engine.version()) for frame in frames]
    level = engine.level(settings)
    requests = {
        key: _Request(key, frame, settings, level, config_type)
        for key, frame in zip(keys, frames, strict=True)
    }
    found = {key: _known(ledger, key, retry) for key in requests}
    missing = [requests[key] for key, known in found.items() if known is None]
    if missing:
        children = min(workers, len(missing))
        with LocalPool(children, _environment(engine, cores), time_limit) as pool:
            atoms = _atom_energies(_elements(missing), settings, ledger, engine, pool)
            context = Context(limits or Limits(), atoms, settings.charge, accept=accept)
            report = _counting(progress or silent, len(requests), len(requests) - len(missing))
            report(0, len(missing), str(_cost(missing, settings, ledger, children, cores)))
            found.update(_compute(missing, context, ledger, engine, pool, report))
    return [_with_frame(found[key], frame) for key, frame in zip(keys, frames, strict=True)]


def isolated_atom_energies(
    numbers: Iterable[int], settings: EngineSettings, ledger: Ledger
) -> dict[int, float]:
    """Return the energies of isolated atoms at the same level of theory.

    Each atom is neutral, without a box, with the unpaired electrons of its ground state; it is
    computed once and kept in the ledger with `config_type` "IsolatedAtom".

    Args:
        numbers: atomic numbers.
        settings: engine and method; its charge and spin are replaced.
        ledger: open for writing.

    Returns:
        eV by atomic number; an atom whose calculation failed is left out (and quarantined).

    Raises:
        InputError, MissingDependency, StorageError: as `label_frames`.
    """
    engine = find_engine(settings.engine)
    with LocalPool(1, engine.environment(), TIME_LIMIT) as pool:
        return _atom_energies(sorted(set(numbers)), settings, ledger, engine, pool)


def _atom_energies(
    elements: Sequence[int],
    settings: EngineSettings,
    ledger: Ledger,
    engine: Engine,
    pool: LocalPool,
) -> dict[int, float]:
    requests = {z: _atom_request(int(z), settings, engine) for z in elements}
    found = {request.key: _known(ledger, request.key) for request in requests.values()}
    missing = [request for request in requests.values() if found[request.key] is None]
    found.update(_compute(missing, Context(), ledger, engine, pool, silent))
    labels = {z: found[request.key] for z, request in requests.items()}
    return {z: x.labels.energy for z, x in labels.items() if isinstance(x, LabelledFrame)}


def _atom_request(number: int, settings: EngineSettings, engine: Engine) -> _Request:
    frame = Frame(np.array([number]), np.zeros((1, 3)))
    unpaired = round(float(ground_state_magnetic_moments[number]))
    chosen = replace(settings, charge=0.0, unpaired_electrons=unpaired)
    key = label_key(frame, chosen, engine.version())
    return _Request(key, frame, chosen, engine.level(settings), ISOLATED_ATOM)


def _compute(
    requests: Sequence[_Request],
    context: Context,
    ledger: Ledger,
    engine: Engine,
    pool: LocalPool,
    progress: Progress,
) -> dict[str, LabelledFrame | Outcome]:
    """Run requests and store each answer as it comes."""
    tasks = {
        Task(engine.task, {"frame": r.frame, "settings": r.settings.as_dict()}): r for r in requests
    }
    results: dict[str, LabelledFrame | Outcome] = {}
    refused, started = 0, time.monotonic()
    for task, answer in pool.run(tasks):
        request = tasks[task]
        results[request.key] = _store(request, answer, context, ledger)
        refused += isinstance(results[request.key], Outcome)
        rate = (time.monotonic() - started) / len(results)
        note = f"{rate:.2g} s a label" + (f", {refused} refused" if refused else "")
        progress(len(results), len(requests), note)
    return results


def _environment(engine: Engine, cores: int) -> dict[str, str]:
    return {**engine.environment(), CORES: str(cores)}


def _cost(
    missing: Sequence[_Request], settings: EngineSettings, ledger: Ledger, workers: int, cores: int
) -> Cost:
    frames = [request.frame for request in missing]
    return estimate_cost(frames, settings, ledger, workers, cores)


def _store(
    request: _Request, answer: Mapping[str, Any] | Outcome, context: Context, ledger: Ledger
) -> LabelledFrame | Outcome:
    provenance = {"settings": request.settings.as_dict()}
    if isinstance(answer, Outcome):
        _quarantine(ledger, request, answer, None, provenance)
        return answer
    provenance |= {name: value for name, value in answer.items() if name not in _LABELS}
    labels = Labels(level=request.level, **{n: answer[n] for n in _LABELS if n in answer})
    verdict = inspect(request.frame, labels, context)
    if not verdict.done:
        _quarantine(ledger, request, verdict, labels, provenance)
        return verdict
    ledger.put(request.key, request.frame, labels, request.config_type, provenance)
    return LabelledFrame(request.frame, labels, request.config_type)


def _quarantine(
    ledger: Ledger,
    request: _Request,
    outcome: Outcome,
    labels: Labels | None,
    provenance: dict[str, Any],
) -> None:
    ledger.quarantine(
        request.key,
        outcome,
        request.frame,
        labels,
        request.config_type,
        provenance,
        request.level,
    )


def _known(ledger: Ledger, key: str, retry: bool = False) -> LabelledFrame | Outcome | None:
    try:
        known = ledger.get(key)
    except DamagedData:
        return None  # the damaged file is replaced by a fresh label
    return None if retry and isinstance(known, Outcome) else known


def _with_frame(found: LabelledFrame | Outcome | None, frame: Frame) -> LabelledFrame | Outcome:
    """Return the label with the caller's own frame (its molecule ids are not in the key)."""
    assert found is not None
    return found if isinstance(found, Outcome) else replace(found, frame=frame)


def _elements(requests: Sequence[_Request]) -> list[int]:
    return sorted({int(z) for request in requests for z in np.unique(request.frame.numbers)})


def _counting(progress: Progress, whole: int, before: int) -> Progress:
    """Return a progress that counts the labels that were there before."""

    def report(done: float, total: float, note: str = "") -> None:
        progress(before + done, whole, note)

    return report
