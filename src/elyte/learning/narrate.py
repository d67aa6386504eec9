"""What the run says while it works: a title for each stage, a line for what came of it."""

from __future__ import annotations

from collections.abc import Sequence

from elyte.core.progress import Watcher
from elyte.learning.advance import Finished
from elyte.learning.state import State, Task

_TITLES = {
    "pack": "packing different boxes",
    "label": "labelling",
    "check": "comparing with the reference",
    "train": "training",
    "explore": "exploring",
    "select": "selecting frames",
    "prepare": "preparing the production boxes",
    "equilibrate": "equilibrating",
    "produce": "production (NVT)",
    "relabel": "re-labelling frames of the production",
    "verify": "comparing the production with the reference",
}


def title(state: State, tasks: Sequence[Task]) -> str:
    """Return the title of the stage's progress line."""
    words = _TITLES[state.stage]
    if state.stage in ("label", "train", "explore", "select", "check"):
        return f"round {state.round}: {words}"
    if state.stage in ("equilibrate", "produce"):
        chain = state.chains[0]
        done = len(chain.equilibration if state.stage == "equilibrate" else chain.production)
        return f"{words}, segment {done + 1}, {len(tasks)} trajectories"
    return words


def after(state: State, results: Sequence[Finished], watcher: Watcher) -> None:
    """Say in one line what the finished tasks brought; nothing for what is of no interest."""
    kind = results[0].task.kind
    text = _LINES[kind](state, results) if kind in _LINES else ""
    if text:
        watcher.say(text)
    if state.stage == "prepare" and kind == "train":
        watcher.say(f"learning ends: {state.finished_learning}")


def _labelled(state: State, results: Sequence[Finished]) -> str:
    bad = sum(r.summary["outcome"] != "done" for r in results)
    known = sum(bool(r.summary.get("known")) for r in results)
    text = f"labels: {len(results) - bad} frames"
    if known:
        text += f" ({known} from the ledger)"
    if bad:
        text += f", {bad} quarantined"
    return text + f"; {len(state.training)} in the training set"


def _trained(state: State, results: Sequence[Finished]) -> str:
    s = results[0].summary
    return (
        f"trained in {s['seconds']:.0f} s: forces {1000 * s['force_rmse']:.0f} meV/Å, "
        f"energy {1000 * s['energy_rmse']:.1f} meV/atom on the training set"
    )


def _explored(state: State, results: Sequence[Finished]) -> str:
    ends = [
        f"{r.task.inputs['temperature']:.0f} K {r.task.inputs['ensemble']} "
        + (
            "✓"
            if r.summary["outcome"] == "done"
            else f"{r.summary['outcome']} at {r.summary['time'] / 1000:.1f} ps"
        )
        for r in results
    ]
    record = state.rounds[-1]
    return f"explored: {', '.join(ends)}; largest grade {record.max_grade:.1f}"


def _checked(state: State, results: Sequence[Finished]) -> str:
    s = results[0].summary
    return (
        f"error on frames of its own trajectories: forces {1000 * s['force_rmse']:.0f} meV/Å, "
        f"energy {1000 * s['energy_rmse']:.1f} meV/atom ({s['frames']:.0f} frames)"
    )


def _stopped(state: State, results: Sequence[Finished]) -> str:
    bad = [r.summary["reason"] for r in results if r.summary["outcome"] != "done"]
    return f"production stopped, to learn from it: {'; '.join(bad)}" if bad else ""


def _segment(state: State, results: Sequence[Finished]) -> str:
    if stopped := _stopped(state, results):
        return stopped
    means = ", ".join(
        f"{r.task.inputs['temperature']:.0f} K {r.summary['density']:.3f} g/cm³" for r in results
    )
    first = results[0]
    if state.stage == "label":
        means += "; to be learnt from before it is believed"
    return f"{first.task.inputs['ensemble']} to {first.summary['time'] / 1000:.0f} ps: {means}"


_LINES = {
    "label": _labelled,
    "train": _trained,
    "explore": _explored,
    "check": _checked,
    "prepare": _stopped,
    "segment": _segment,
}
