"""Where labels are made: requests go to the pool, answers through the firewall to the ledger."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from elyte.core.errors import Outcome
from elyte.core.frame import Frame, LabelledFrame, Labels
from elyte.core.progress import Progress
from elyte.reference.engines import Engine
from elyte.reference.firewall import Context, inspect
from elyte.reference.settings import EngineSettings
from elyte.reference.suggested import extremes
from elyte.workflow.ledger import Ledger
from elyte.workflow.pool import LocalPool
from elyte.workflow.task import Task

_LABELS = ("energy", "forces", "stress", "charges")
ELECTRONS = ("electrons", "expected_electrons")
"""What an engine's answer may hold besides labels: how many there are, and how many ought to."""


@dataclass(frozen=True)
class Request:
    """One label to be made, and what it is judged by."""

    key: str
    frame: Frame
    settings: EngineSettings
    level: str
    config_type: str


@dataclass(frozen=True, eq=False)
class Bench:
    """What labels are made by and kept in."""

    settings: EngineSettings
    ledger: Ledger
    engine: Engine
    pool: LocalPool

    @cached_property
    def version(self) -> str:
        """The engine's version, asked for once: not for each label."""
        return self.engine.version()

    @cached_property
    def level(self) -> str:
        """The level of theory, asked for once."""
        return self.engine.level(self.settings)

    def provenance(
        self, labels: Labels | None, settings: EngineSettings | None = None
    ) -> dict[str, Any]:
        """Return what is kept with a label besides its numbers."""
        kept: dict[str, Any] = {
            "engine": self.engine.name,
            "version": self.version,
            "settings": (settings or self.settings).as_dict(),
        }
        if labels is not None:
            largest = extremes(labels)
            kept |= {"largest_force": largest.force, "largest_stress": largest.stress}
        return kept


def compute(
    requests: Sequence[Request], context: Context, bench: Bench, progress: Progress
) -> dict[str, LabelledFrame | Outcome]:
    """Run requests and store each answer as it comes."""
    tasks = {
        Task(bench.engine.task, {"frame": r.frame, "settings": r.settings.as_dict()}): r
        for r in requests
    }
    results: dict[str, LabelledFrame | Outcome] = {}
    refused, started = 0, time.monotonic()
    for task, answer in bench.pool.run(tasks):
        request = tasks[task]
        results[request.key] = _store(request, answer, context, bench)
        refused += isinstance(results[request.key], Outcome)
        rate = (time.monotonic() - started) / len(results)
        note = f"{rate:.2g} s a label" + (f", {refused} refused" if refused else "")
        progress(len(results), len(requests), note)
    return results


def _store(
    request: Request, answer: Mapping[str, Any] | Outcome, context: Context, bench: Bench
) -> LabelledFrame | Outcome:
    if isinstance(answer, Outcome):
        provenance = bench.provenance(None, request.settings)
        refuse(bench.ledger, request, answer, None, provenance)
        return answer
    labels = Labels(level=request.level, **{n: answer[n] for n in _LABELS if n in answer})
    electrons = [answer.get(name) for name in ELECTRONS]
    others = {n: v for n, v in answer.items() if n not in (*_LABELS, *ELECTRONS)}
    provenance = {**bench.provenance(labels, request.settings), **others}
    verdict = inspect(request.frame, labels, replace(context, electrons=tuple(electrons)))
    if not verdict.done:
        refuse(bench.ledger, request, verdict, labels, provenance)
        return verdict
    bench.ledger.put(request.key, request.frame, labels, request.config_type, provenance)
    return LabelledFrame(request.frame, labels, request.config_type)


def refuse(
    ledger: Ledger,
    request: Request,
    outcome: Outcome,
    labels: Labels | None,
    provenance: dict[str, Any],
) -> None:
    """Put a request into quarantine, with the labels that were refused where there are some."""
    ledger.quarantine(
        request.key,
        outcome,
        request.frame,
        labels,
        request.config_type,
        provenance,
        request.level,
    )
