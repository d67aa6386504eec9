"""`advance(state, results) → state`: what has been learnt from finished tasks; a pure function."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from elyte.core.errors import InputError
from elyte.learning.convergence import verdict
from elyte.learning.plan import segments
from elyte.learning.state import Chain, FrameRef, State, Task, Trajectory

MOST_RESTARTS = 3
MOST_PRODUCTION_LABELS = 4  # large boxes are dear to label
# A density that moves by less, when the potential has learnt from its own liquid, has settled; its
# statistical error over the usual 80 ps in two boxes is about a third of this.
DENSITY_TOLERANCE = 0.015


@dataclass(frozen=True)
class Finished:
    """A finished task: its key, and the plain values it returned."""

    task: Task
    key: str
    summary: Mapping[str, Any]


def advance(state: State, results: Sequence[Finished]) -> State:
    """Return the state after the tasks of the present stage."""
    return _ADVANCERS[state.stage](state, results)


def _seconds(state: State, name: str, results: Sequence[Finished]) -> Mapping[str, float]:
    spent = sum(float(r.summary.get("seconds", 0.0)) for r in results)
    known = state.rounds[-1].seconds
    return {**known, name: known.get(name, 0.0) + spent}


def _packed(state: State, results: Sequence[Finished]) -> State:
    good = tuple(
        FrameRef(r.key, index)
        for r in results
        if r.summary["outcome"] == "done"
        for index in range(r.summary.get("frames", 1))
    )
    for r in results:
        if "sampler" in r.task.inputs and r.summary.get("reason"):
            state = state.saying(f"sampler {r.task.inputs['sampler']}: {r.summary['reason']}")
    if not good:
        raise InputError(f"no box could be packed: {results[0].summary.get('reason', '')}")
    return state.but(stage="label", pending=good).with_new_round()


def _labelled(state: State, results: Sequence[Finished]) -> State:
    labels = [r.summary["label"] for r in results if r.summary["outcome"] == "done"]
    bad = tuple(
        f"{r.summary['label']}: {r.summary['reason']}"
        for r in results
        if r.summary["outcome"] != "done"
    )
    known = set(state.training)
    new = tuple(dict.fromkeys(key for key in labels if key not in known))
    ordinary = tuple(
        r.summary["label"]
        for r in results
        if r.summary["outcome"] == "done" and r.task.inputs["config_type"].endswith("ordinary")
    )
    state = state.but(
        stage="check" if ordinary else "train",
        training=state.training + new,
        pending=(),
        ordinary=(),
        fresh=ordinary,
        quarantined=state.quarantined + bad,
    )
    state = state.with_round(
        labels=len(state.training),
        new_labels=len(new),
        quarantined=len(bad),
        seconds=_seconds(state, "label", results),
    )
    return state if ordinary else _judged(state)


def _checked(state: State, results: Sequence[Finished]) -> State:
    summary = results[0].summary
    state = state.with_round(
        own_force_rmse=summary["force_rmse"], own_energy_rmse=summary["energy_rmse"]
    )
    return _judged(state.but(stage="train"))


def _judged(state: State) -> State:
    """Say whether learning is finished; once it is, production boxes only refine it."""
    return state.but(finished_learning=state.finished_learning or verdict(state))


def _trained(state: State, results: Sequence[Finished]) -> State:
    (result,) = results
    state = state.with_round(
        train_force_rmse=result.summary["force_rmse"],
        train_energy_rmse=result.summary["energy_rmse"],
        seconds=_seconds(state, "train", results),
    ).but(potential=result.key)
    if state.chains:  # refined by their own boxes, which go on where they are
        return state.but(stage="equilibrate")
    if state.finished_learning:
        return _begin_production(state)
    return state.but(stage="explore", round=state.round + 1)


def _begin_production(state: State) -> State:
    chains = tuple(
        Chain(temperature, replica)
        for temperature in state.settings.temperatures
        for replica in range(state.settings.replicas)
    )
    return state.but(stage="prepare" if chains else "done", chains=chains)


def _explored(state: State, results: Sequence[Finished]) -> State:
    trajectories = tuple(
        Trajectory(
            task=r.key,
            outcome=r.summary["outcome"],
            max_grade=r.summary["max_grade"],
            saved=len(r.summary["saved"]),
            ordinary=len(r.summary["ordinary"]),
            before_stop=len(r.summary["before_stop"]),
            time=r.summary["time"],
        )
        for r in results
    )
    calm = all(t.outcome == "done" for t in trajectories)
    state = state.with_new_round(
        max_grade=max(t.max_grade for t in trajectories),
        saved=sum(t.saved for t in trajectories),
        stopped=sum(t.outcome != "done" for t in trajectories),
        trajectories=len(trajectories),
        note=", ".join(sorted({t.outcome for t in trajectories if t.outcome != "done"})),
    )
    state = state.but(
        stage="select",
        exploration=trajectories,
        calm_rounds=state.calm_rounds + 1 if calm else 0,
        ordinary=tuple(
            FrameRef(r.key, index)
            for r in results
            if r.summary["outcome"] == "done"
            for index in r.summary["ordinary"]
        ),
        pending=tuple(
            FrameRef(r.key, index) for r in results for index in r.summary["before_stop"]
        ),
    )
    return state.with_round(seconds=_seconds(state, "explore", results))


def _selected(state: State, results: Sequence[Finished]) -> State:
    picks = tuple(FrameRef(task, index) for task, index in results[0].summary["picks"])
    pending = tuple(dict.fromkeys(state.pending + picks))
    ordinary = tuple(ref for ref in state.ordinary if ref not in pending)
    if pending or ordinary:
        state = state.but(stage="label", pending=pending, ordinary=ordinary)
    elif reason := verdict(state):
        state = _begin_production(state.but(finished_learning=reason))
    else:  # every trajectory failed before there was anything to learn from: try other boxes
        state = state.but(stage="explore", round=state.round + 1)
    return state.with_round(seconds=_seconds(state, "select", results))


def _failed_production(state: State, results: Sequence[Finished]) -> State:
    """A production run left what the potential knows: learn from it, and begin again."""
    failed = [r for r in results if r.summary["outcome"] != "done"]
    reasons = "; ".join(f"{r.summary['outcome']} ({r.summary['reason']})" for r in failed)
    state = state.saying(f"production at potential of round {state.round} stopped: {reasons}")
    if state.restarts >= MOST_RESTARTS:
        return state.saying("production was given up after repeated failures").but(stage="done")
    refs = [FrameRef(r.key, index) for r in failed for index in r.summary.get("before_stop", ())]
    state = state.with_new_round(
        stopped=len(failed),
        trajectories=len(results),
        note="production: " + ", ".join(sorted({r.summary["outcome"] for r in failed})),
    )
    return state.but(
        stage="label" if refs else "explore",
        round=state.round if refs else state.round + 1,
        pending=tuple(refs[:MOST_PRODUCTION_LABELS]),
        ordinary=(),
        chains=(),
        earlier_densities={},
        refinements=0,
        calm_rounds=0,
        finished_learning="",
        restarts=state.restarts + 1,
    )


def _all_done(results: Sequence[Finished]) -> bool:
    return all(r.summary["outcome"] == "done" for r in results)


def _prepared(state: State, results: Sequence[Finished]) -> State:
    if not _all_done(results):
        return _failed_production(state, results)
    chains = tuple(replace(c, prepared=r.key) for c, r in zip(state.chains, results, strict=True))
    return state.but(stage="equilibrate", chains=chains)


def _equilibrated(state: State, results: Sequence[Finished]) -> State:
    if not _all_done(results):
        return _failed_production(state, results)
    chains = tuple(
        replace(
            c,
            equilibration=(*c.equilibration, r.key),
            extrapolated=(
                *c.extrapolated,
                *(FrameRef(r.key, index) for index in r.summary.get("extrapolated", ())),
            ),
        )
        for c, r in zip(state.chains, results, strict=True)
    )
    state = state.but(chains=chains)
    total = segments(state.settings.npt_time, state.settings.segment_time)
    last_half = len(chains[0].equilibration) > total // 2
    sums = dict(state.densities)
    if last_half:  # the mean density over the second half, replicas together
        weight = len(chains[0].equilibration) - total // 2
        for temperature in state.settings.temperatures:
            name = f"{temperature:g}"
            now = [
                r.summary["density"]
                for c, r in zip(chains, results, strict=True)
                if c.temperature == temperature
            ]
            mean = sum(now) / len(now)
            sums[name] = sums.get(name, 0.0) + (mean - sums.get(name, 0.0)) / weight
    state = state.but(densities=sums)
    return _settled(state) if len(chains[0].equilibration) == total else state


def _settled(state: State) -> State:
    """Produce where the density stays as the potential learns from its own liquid, else learn.

    Boxes for labelling are small and packed at random; what a potential makes of the large one
    over its time is another liquid, a little. If it is off there, it is off in the density first,
    and frames of that liquid are what corrects it.
    """
    before = state.earlier_densities
    moves = [abs(rho / before[t] - 1) for t, rho in state.densities.items() if before]
    moved = max(moves, default=math.inf)
    if moved <= DENSITY_TOLERANCE or state.settings.refinements == 0:
        return state.but(stage="produce")
    if state.refinements >= state.settings.refinements:
        return state.but(stage="produce").saying(
            f"the density still moved by {moved:.1%} when the potential learnt from its own liquid "
            "for the last time: it is known no better than that"
        )
    return _refining(state)


def _refining(state: State) -> State:
    """Label frames of the equilibrated boxes, and those that extrapolated; go on from there."""
    ordinary = [
        FrameRef(key, -1)
        for keys in (chain.equilibration for chain in state.chains)
        for key in dict.fromkeys((keys[(len(keys) - 1) // 2], keys[-1]))
    ]
    extrapolated = [ref for chain in state.chains for ref in chain.extrapolated]
    state = state.but(round=state.round + 1).with_new_round(note="from the equilibrated boxes")
    return state.but(
        stage="label",
        pending=tuple(extrapolated[:MOST_PRODUCTION_LABELS]),
        ordinary=tuple(ordinary),
        chains=tuple(Chain(c.temperature, c.replica, prepared=c.last) for c in state.chains),
        earlier_densities=state.densities,
        refinements=state.refinements + 1,
    )


def _produced(state: State, results: Sequence[Finished]) -> State:
    if not _all_done(results):
        return _failed_production(state, results)
    chains = tuple(
        replace(c, production=(*c.production, r.key))
        for c, r in zip(state.chains, results, strict=True)
    )
    total = segments(state.settings.nvt_time, state.settings.segment_time)
    done = len(chains[0].production) == total
    return state.but(chains=chains, stage="relabel" if done else "produce")


def _relabelled(state: State, results: Sequence[Finished]) -> State:
    labels = tuple(r.summary["label"] for r in results if r.summary["outcome"] == "done")
    bad = tuple(
        f"{r.summary['label']}: {r.summary['reason']}"
        for r in results
        if r.summary["outcome"] != "done"
    )
    return state.but(
        stage="verify" if labels else "done",
        relabelled=labels,
        quarantined=state.quarantined + bad,
    )


def _verified(state: State, results: Sequence[Finished]) -> State:
    summary = results[0].summary
    errors = {k: v for k, v in summary.items() if isinstance(v, float)}
    state = state.but(stage="done", production_errors=errors)
    target = state.settings.force_error_target
    if math.isfinite(target) and summary["force_rmse"] > target:
        state = state.saying(
            f"the force error on frames of the production itself, "
            f"{1000 * summary['force_rmse']:.0f} meV/Å, is above the target of {1000 * target:.0f}"
        )
    return state


_ADVANCERS = {
    "pack": _packed,
    "label": _labelled,
    "check": _checked,
    "train": _trained,
    "explore": _explored,
    "select": _selected,
    "prepare": _prepared,
    "equilibrate": _equilibrated,
    "produce": _produced,
    "relabel": _relabelled,
    "verify": _verified,
}
