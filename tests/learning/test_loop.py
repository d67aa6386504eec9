"""`plan` and `advance` are pure: a made-up world answers the tasks, no physics is needed."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from elyte.learning.advance import MOST_RESTARTS, Finished, advance
from elyte.learning.convergence import verdict
from elyte.learning.plan import anneal_temperature, plan, segments
from elyte.learning.state import Settings, State, Task

SETTINGS = Settings(
    label_counts=({"Li+": 1, "PF6-": 1, "EC": 8}, {"Li+": 2, "PF6-": 2, "EC": 7}),
    production_counts={"Li+": 4, "PF6-": 4, "EC": 32},
    density=1.4,
    engine={"engine": "xtb"},
    level=16,
    cutoff=5.0,
    radial_size=8,
    weights={"energy": 1.0, "force": 0.01, "stress": 0.001},
    temperatures=(330.0, 400.0),
    pressure=1.0,
    seed=3,
    timestep=1.0,
    start_frames=5,
    start_densities=(0.8, 1.1),
    start_scale=(0.97, 1.12),
    start_rattle=(0.02, 0.07),
    exploration_temperatures=(300.0, 400.0, 500.0),
    exploration_timestep=1.0,
    trajectories=6,
    trajectory_time=20000.0,
    grade_every=20,
    grade_save=2.0,
    grade_stop=10.0,
    labels_per_round=12,
    max_rounds=4,
    refinements=3,
    max_labels=60,
    force_error_target=0.12,
    train_seconds=60.0,
    selection="maxvol",
    mode="neighbourhood",
    replicas=2,
    npt_time=40000.0,
    nvt_time=60000.0,
    segment_time=20000.0,
    save_every=100,
    relabelled=3,
    thermostat="bussi",
    barostat="scr",
)

Answer = Callable[[State, Task], dict[str, Any]]


def world(**changed: Answer) -> Answer:
    """Return a world in which everything goes well, but for what is changed."""

    def answer(state: State, task: Task) -> dict[str, Any]:
        if task.kind in changed:
            return changed[task.kind](state, task)
        good = {"outcome": "done", "reason": "", "seconds": 1.0, "time": 20000.0}
        return good | {
            "label": {"label": task.key, "reason": ""},
            "check": {"force_rmse": 0.08, "energy_rmse": 0.002, "frames": 4.0},
            "train": {"force_rmse": 0.07, "energy_rmse": 0.001},
            "explore": {"max_grade": 1.5, "saved": [], "ordinary": [0, 1], "before_stop": []},
            "select": {"picks": []},
            "segment": {"density": 1.3},
        }.get(task.kind, {})

    return answer


def drive(answer: Answer, settings: Settings = SETTINGS, limit: int = 400) -> list[State]:
    """Return every state from the first to the last."""
    states = [State(settings)]
    while tasks := plan(states[-1]):
        assert len(states) < limit, "the loop does not end"
        results = [Finished(t, t.key, answer(states[-1], t)) for t in tasks]
        states.append(advance(states[-1], results))
    return states


def test_a_calm_world_converges_in_one_round_and_produces() -> None:
    states = drive(world())
    last = states[-1]
    assert last.finished_learning.startswith("converged")
    assert last.round == 2  # one round of exploring, one of learning from the large boxes
    assert len(last.training) == 5 + 12 + 8
    assert len(last.chains) == 4
    assert all(len(c.equilibration) == 2 and len(c.production) == 3 for c in last.chains)
    assert last.densities == {"330": pytest.approx(1.3), "400": pytest.approx(1.3)}
    assert len(last.relabelled) == 6
    assert last.production_errors["force_rmse"] == 0.08
    assert not last.messages


def test_the_same_state_plans_the_same_tasks() -> None:
    for state in drive(world()):
        assert [t.key for t in plan(state)] == [t.key for t in plan(state)]


def test_no_two_tasks_of_a_stage_are_the_same() -> None:
    for state in drive(world()):
        keys = [t.key for t in plan(state)]
        assert len(set(keys)) == len(keys)


def test_the_seed_changes_the_tasks() -> None:
    other = Settings(**{**vars(SETTINGS), "seed": 4})
    assert {t.key for t in plan(State(SETTINGS))}.isdisjoint(t.key for t in plan(State(other)))


def test_failing_trajectories_keep_learning_beyond_the_budget() -> None:
    def explore(state: State, task: Task) -> dict[str, Any]:
        calm = state.round > 5
        return {
            "outcome": "done" if calm else "exploded",
            "max_grade": 1.0 if calm else 30.0,
            "saved": [] if calm else [0],
            "ordinary": [0, 1] if calm else [],
            "before_stop": [] if calm else [2],
            "time": 100.0,
        }

    states = drive(world(explore=explore))
    last = states[-1]
    assert last.round == 7 > SETTINGS.max_rounds  # the last learns from the large boxes
    assert last.finished_learning.startswith("converged")
    assert [r.stopped for r in last.rounds[1:6]] == [6] * 5


def test_a_budget_ends_learning_only_when_the_last_round_survived() -> None:
    def explore(state: State, task: Task) -> dict[str, Any]:
        return {
            "outcome": "done",
            "max_grade": 3.0,
            "saved": [5, 6],
            "ordinary": [0, 1],
            "before_stop": [],
            "time": 100.0,
        }

    last = drive(world(explore=explore))[-1]
    assert last.finished_learning.startswith("budget reached: stable")
    assert "remain" in last.finished_learning
    assert len(last.training) >= SETTINGS.max_labels or last.round == SETTINGS.max_rounds


def test_a_potential_that_never_survives_is_given_up_with_the_reason() -> None:
    def explore(state: State, task: Task) -> dict[str, Any]:
        return {
            "outcome": "exploded",
            "max_grade": 30.0,
            "saved": [],
            "ordinary": [],
            "before_stop": [0],
            "time": 1.0,
        }

    last = drive(world(explore=explore))[-1]
    assert last.rounds[-2].stopped == 6
    assert math.isnan(last.rounds[-2].own_force_rmse)


def test_trajectories_that_leave_nothing_to_learn_from_do_not_go_on_for_ever() -> None:
    def explore(state: State, task: Task) -> dict[str, Any]:
        return {
            "outcome": "failed",
            "max_grade": 0.0,
            "saved": [],
            "ordinary": [],
            "before_stop": [],
            "time": 0.0,
        }

    last = drive(world(explore=explore))[-1]
    assert last.finished_learning == "budget exceeded: some trajectories still fail"


def test_a_quarantined_label_is_left_out_and_named() -> None:
    def label(state: State, task: Task) -> dict[str, Any]:
        bad = task.inputs["frame"][0] == plan(State(SETTINGS))[0].key
        return {
            "outcome": "scf_not_converged" if bad else "done",
            "reason": "no convergence in 250 iterations" if bad else "",
            "label": task.key,
        }

    states = drive(world(label=label))
    assert len(states[2].training) == 4
    assert states[2].rounds[0].quarantined == 1
    assert "no convergence" in states[-1].quarantined[0]


@pytest.mark.parametrize("kind", ["prepare", "segment"])
def test_production_that_fails_leads_back_to_learning(kind: str) -> None:
    def fails_at_first(state: State, task: Task) -> dict[str, Any]:
        if state.restarts == 0:
            return {"outcome": "exploded", "reason": "force 99 eV/Å", "before_stop": [0, 1, 2]}
        return {"outcome": "done", "reason": "", "density": 1.2, "time": 1.0}

    states = drive(world(**{kind: fails_at_first}))
    last = states[-1]
    assert last.stage == "done"
    assert last.restarts == 1
    assert "99 eV/Å" in last.messages[0]
    assert any(r.note == "production: exploded" for r in last.rounds)
    assert last.production_errors


def test_production_that_always_fails_is_given_up() -> None:
    def fails(state: State, task: Task) -> dict[str, Any]:
        return {"outcome": "void", "reason": "a hole", "before_stop": []}

    last = drive(world(segment=fails))[-1]
    assert last.restarts == MOST_RESTARTS
    assert "given up" in last.messages[-1]


def test_a_molecule_alone_is_run_at_constant_volume() -> None:
    """Under a barostat it is a gas at 1 bar, and its box grows a thousandfold."""
    lone = replace(SETTINGS, label_counts=({"EC": 1},), production_counts={"EC": 1})
    states = drive(world(), lone)
    assert states[-1].stage == "done"
    tasks = [task for state in states for task in plan(state)]
    moving = [t for t in tasks if t.kind in ("explore", "segment")]
    assert {t.inputs["ensemble"] for t in moving} == {"NVT"}
    assert len({t.inputs["begin_density"] for t in tasks if t.kind == "prepare"}) == 1
    others = [t for state in drive(world()) for t in plan(state) if t.kind == "segment"]
    assert {t.inputs["ensemble"] for t in others} == {"NPT", "NVT"}
    begun = [t for t in tasks if t.kind == "segment" and "density" in t.inputs]
    assert len(begun) == len(states[-1].chains)


def test_that_reactions_are_wanted_is_told_to_every_task_that_may_see_one() -> None:
    reactive = replace(SETTINGS, reactions=True)
    tasks = [task for state in drive(world(), reactive) for task in plan(state)]
    kinds = ("label", "explore", "prepare", "segment")
    told = {t.kind: t.inputs.get("reactions") for t in tasks if t.kind in kinds}
    assert told == dict.fromkeys(kinds, True)


def at_density(of_refinement: Callable[[int], float]) -> Answer:
    def segment(state: State, task: Task) -> dict[str, Any]:
        rho = of_refinement(state.refinements)
        return {"outcome": "done", "reason": "", "density": rho, "time": 1.0, "extrapolated": [0]}

    return world(segment=segment)


def test_the_potential_learns_from_its_own_liquid_until_the_density_stays() -> None:
    states = drive(at_density(lambda n: 1.3 - 0.1 * 0.25**n))
    last = states[-1]
    assert last.refinements == 2  # 1.2, 1.275, 1.294: the last moved by 1.5 %
    assert last.densities["330"] == pytest.approx(1.29375)
    assert not last.messages
    notes = [r.note for r in last.rounds]
    assert notes.count("from the equilibrated boxes") == 2
    refining = next(s for s in states if s.refinements == 1 and s.stage == "label")
    assert len(refining.ordinary) == 8
    assert len(refining.pending) == 4
    chain = refining.chains[0]
    assert chain.prepared in {r.task for r in refining.ordinary}
    assert not chain.equilibration
    assert all(len(c.equilibration) == 2 for c in last.chains)  # those of the last potential
    assert last.finished_learning.startswith("converged")


def test_a_density_that_never_settles_is_said() -> None:
    last = drive(at_density(lambda n: 1.3 + 0.05 * n))[-1]
    assert last.refinements == 3
    assert "still moved by 3.6%" in last.messages[-1]
    assert last.production_errors


def test_no_refinement_where_none_is_wanted() -> None:
    settings = Settings(**{**vars(SETTINGS), "refinements": 0})
    last = drive(world(), settings)[-1]
    assert last.refinements == 0
    assert len(last.training) == 5 + 12
    assert not last.messages


def test_a_bad_production_error_is_said() -> None:
    def check(state: State, task: Task) -> dict[str, Any]:
        bad = state.stage == "verify"
        return {"force_rmse": 0.3 if bad else 0.1, "energy_rmse": 0.002, "frames": 2.0}

    assert "300 meV/Å" in drive(world(check=check))[-1].messages[-1]


def test_annealing_stays_within_what_was_explored() -> None:
    assert anneal_temperature(SETTINGS, 330.0) == 430.0
    assert anneal_temperature(SETTINGS, 400.0) == 450.0
    assert anneal_temperature(SETTINGS, 480.0) == 480.0


def test_segments_cover_the_time() -> None:
    assert segments(60000, 20000) == 3
    assert segments(61000, 20000) == 4
    assert segments(10, 20000) == 1


def test_no_verdict_before_a_round_has_survived() -> None:
    state = next(s for s in drive(world()) if s.stage == "explore")
    assert verdict(state) == ""
