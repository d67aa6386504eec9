"""Make labels: what the ledger has is not computed again, what fails is quarantined."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
from ase.data import ground_state_magnetic_moments

from elyte.core.errors import DamagedData, Outcome
from elyte.core.frame import Frame, LabelledFrame
from elyte.core.progress import Progress, silent
from elyte.reference import strain
from elyte.reference.bench import Bench, Request, compute, refuse
from elyte.reference.cost import Cost, estimate_cost
from elyte.reference.engines import Engine, find_engine
from elyte.reference.firewall import Context, Limits
from elyte.reference.programs import CORES
from elyte.reference.settings import EngineSettings, label_key
from elyte.reference.suggested import Extremes, suggested_limits
from elyte.workflow.ledger import Ledger
from elyte.workflow.pool import LocalPool
from elyte.workflow.reading import AUXILIARY, ISOLATED_ATOM, STRAIN_TEST

TIME_LIMIT = 1800.0
"""Seconds that one label may take."""
TEST_FRAMES = 3
"""Labels of a new level of theory whose stress is tested, until one passes."""


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
    version, level = engine.version(), engine.level(settings)
    keys = [label_key(frame, settings, version) for frame in frames]
    requests = {
        key: Request(key, frame, settings, level, config_type)
        for key, frame in zip(keys, frames, strict=True)
    }
    found = {key: _known(ledger, key, retry) for key in requests}
    missing = [requests[key] for key, known in found.items() if known is None]
    if missing:
        report = _counting(progress or silent, len(requests), len(requests) - len(missing))
        children = min(workers, len(missing))
        report(0, len(missing), str(_cost(missing, settings, ledger, children, cores)))
        with LocalPool(children, _environment(engine, cores), time_limit) as pool:
            bench = Bench(settings, ledger, engine, pool)
            context = _context(missing, bench, limits, accept)
            found.update(_tested(missing, context, bench, report, retry))
    return [_with_frame(found[key], frame) for key, frame in zip(keys, frames, strict=True)]


def strain_test(
    item: LabelledFrame, settings: EngineSettings, ledger: Ledger, workers: int = 2
) -> Outcome:
    """Hold the stress of one label against finite differences of the energy.

    `label_frames` does so by itself with the first label of every level of theory.

    Args:
        item: a periodic frame with its label, made by `settings`.
        settings: engine and method.
        ledger: open for writing; the strained frames are kept in it.
        workers: child processes.

    Returns:
        "done", or "stress_wrong" with both numbers and the likely cause; "failed" when a strained
        frame has no label.

    Raises:
        InputError, MissingDependency, StorageError: as `label_frames`.
    """
    engine = find_engine(settings.engine)
    with LocalPool(workers, engine.environment(), TIME_LIMIT) as pool:
        bench = Bench(settings, ledger, engine, pool)
        energies = _strained_energies(bench, Context())
        outcome = strain.compare(
            item, engine.level(settings), energies, engine.strain, engine.stress_noise
        )
        if outcome.kind == "stress_wrong":
            outcome = strain.diagnosed(item, outcome, energies)
    return outcome


def was_tested(settings: EngineSettings, ledger: Ledger) -> bool:
    """Whether the stress of this level of theory was held against the energy."""
    level = find_engine(settings.engine).level(settings)
    return ledger.test(level, strain.NAME) is not None


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
        bench = Bench(settings, ledger, engine, pool)
        return _atom_energies(sorted(set(numbers)), bench)


def _context(
    missing: Sequence[Request],
    bench: Bench,
    limits: Limits | None,
    accept: Callable[[Frame], Outcome] | None,
) -> Context:
    """Return what the firewall is to know; limits are narrowed by what the ledger holds."""
    level = bench.level
    known = [
        Extremes(e.provenance.get("largest_force"), e.provenance.get("largest_stress"))
        for e in bench.ledger.entries(quarantined=False)
        if e.level == level and e.config_type not in AUXILIARY
    ]
    return Context(
        suggested_limits(known, limits),
        _atom_energies(_elements(missing), bench),
        bench.settings.charge,
        accept=accept,
    )


def _tested(
    missing: Sequence[Request],
    context: Context,
    bench: Bench,
    report: Progress,
    again: bool = False,
) -> dict[str, LabelledFrame | Outcome]:
    """Label frames; where the level of theory is new, its stress is tested before the most.

    The first periodic frames (up to three, for one may be odd) are labelled and strained. A stress
    that is no derivative of the energy puts these and all others into quarantine.
    """
    level = bench.level
    verdict = bench.ledger.test(level, strain.NAME)
    if again and verdict is not None and not verdict.done:
        verdict = None  # the engine may have been put right
    found: dict[str, LabelledFrame | Outcome] = {}
    samples = [r for r in missing if r.frame.pbc.all() and len(r.frame) > 1][:TEST_FRAMES]
    for request in samples if verdict is None else ():
        found.update(compute([request], context, bench, report))
        item = found[request.key]
        if isinstance(item, Outcome) or item.labels.stress is None:
            continue
        outcome = strain.compare(
            item,
            level,
            _strained_energies(bench, context),
            bench.engine.strain,
            bench.engine.stress_noise,
        )
        if outcome.kind != "failed":
            verdict = outcome
        if outcome.done:
            break
    if verdict is not None and not verdict.done:
        return _condemned(missing, found, verdict, bench, context)
    if verdict is not None and found:
        bench.ledger.note_test(level, strain.NAME, verdict)
    rest = [request for request in missing if request.key not in found]
    found.update(compute(rest, context, bench, _counting(report, len(missing), len(found))))
    return found


def _condemned(
    missing: Sequence[Request],
    found: dict[str, LabelledFrame | Outcome],
    verdict: Outcome,
    bench: Bench,
    context: Context,
) -> dict[str, LabelledFrame | Outcome]:
    """Quarantine everything of a level whose stress is wrong, and keep the verdict with its cause.

    What was not computed yet is not computed: `retry` does so once the engine is put right.
    """
    level = bench.level
    item = next((x for x in found.values() if isinstance(x, LabelledFrame)), None)
    if item is not None:
        verdict = strain.diagnosed(item, verdict, _strained_energies(bench, context))
    bench.ledger.note_test(level, strain.NAME, verdict)
    for request in missing:
        known = found.get(request.key)
        if not isinstance(known, Outcome):
            labels = None if known is None else known.labels
            refuse(bench.ledger, request, verdict, labels, bench.provenance(labels))
            found[request.key] = verdict
    return found


def _strained_energies(bench: Bench, context: Context) -> strain.Energies:
    """Return a function that labels strained frames on a bench and returns their energies."""

    def energies(frames: Sequence[Frame]) -> list[float] | Outcome:
        requests = [
            Request(
                label_key(f, bench.settings, bench.version),
                f,
                bench.settings,
                bench.level,
                STRAIN_TEST,
            )
            for f in frames
        ]
        found = {r.key: _known(bench.ledger, r.key) for r in requests}
        missing = [r for r in requests if found[r.key] is None]
        found.update(compute(missing, context, bench, silent))
        values = []
        for request in requests:
            item = found[request.key]
            if not isinstance(item, LabelledFrame):
                return item or Outcome("failed", "no label")
            values.append(item.labels.energy)
        return values

    return energies


def _atom_energies(elements: Sequence[int], bench: Bench) -> dict[int, float]:
    requests = {z: _atom_request(int(z), bench.settings, bench.engine) for z in elements}
    found = {request.key: _known(bench.ledger, request.key) for request in requests.values()}
    missing = [request for request in requests.values() if found[request.key] is None]
    found.update(compute(missing, Context(), bench, silent))
    labels = {z: found[request.key] for z, request in requests.items()}
    return {z: x.labels.energy for z, x in labels.items() if isinstance(x, LabelledFrame)}


def _atom_request(number: int, settings: EngineSettings, engine: Engine) -> Request:
    frame = Frame(np.array([number]), np.zeros((1, 3)))
    unpaired = round(float(ground_state_magnetic_moments[number]))
    chosen = replace(settings, charge=0.0, unpaired_electrons=unpaired)
    key = label_key(frame, chosen, engine.version())
    return Request(key, frame, chosen, engine.level(settings), ISOLATED_ATOM)


def _environment(engine: Engine, cores: int) -> dict[str, str]:
    return {**engine.environment(), CORES: str(cores)}


def _cost(
    missing: Sequence[Request], settings: EngineSettings, ledger: Ledger, workers: int, cores: int
) -> Cost:
    frames = [request.frame for request in missing]
    return estimate_cost(frames, settings, ledger, workers, cores)


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


def _elements(requests: Sequence[Request]) -> list[int]:
    return sorted({int(z) for request in requests for z in np.unique(request.frame.numbers)})


def _counting(progress: Progress, whole: int, before: int) -> Progress:
    """Return a progress that counts the labels that were there before."""

    def report(done: float, total: float, note: str = "") -> None:
        progress(before + done, whole, note)

    return report
