"""From recipes to the first state."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elyte.chemistry import Recipe, determine
from elyte.core import RecipeError
from elyte.core.progress import silent
from elyte.learning import start
from elyte.learning.advance import Finished, advance
from elyte.learning.plan import plan
from elyte.learning.start import label_compositions
from elyte.learning.state import FrameRef, State
from elyte.learning.work.boxes import pack

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=[p.stem for p in EXAMPLES])
def test_every_example_begins_with_packing(path: Path) -> None:
    settings = start.settings(Recipe.load(path))
    tasks = plan(start.first_state(settings))
    assert len(tasks) == settings.start_frames
    assert {task.kind for task in tasks} == {"pack"}


def test_a_seed_can_be_given() -> None:
    recipe = Recipe.load(EXAMPLES[0])
    assert start.settings(recipe, seed=7).seed == 7
    assert start.settings(recipe).seed == recipe.seed


def test_a_single_ion_pair_gets_company() -> None:
    base, richer = label_compositions({"Li+": 1, "PF6-": 1, "EC": 8})
    assert base == {"Li+": 1, "PF6-": 1, "EC": 8}
    assert richer == {"Li+": 2, "PF6-": 2, "EC": 7}


@pytest.mark.parametrize(
    "counts", [{"EC": 9}, {"EMIM+": 3, "BF4-": 3}, {"Li+": 3, "PF6-": 3, "EC": 8}]
)
def test_others_keep_their_composition(counts: dict[str, int]) -> None:
    assert label_compositions(counts) == (counts,)


def recipe(**learning: Any) -> Recipe:
    return Recipe.read(
        {
            "components": {"LiPF6": "1.0 mol/L", "EC": "50 wt%", "DMC": "50 wt%"},
            "temperature": ["300 K", "350 K"],
            "box": "600 atoms",
            "learning": {"start_frames": 4, **learning},
        }
    )


def test_samplers_become_tasks_of_a_few_frames_each() -> None:
    settings = start.settings(recipe(start={"volume_scan": 10, "dimers": 3, "ladder": 0}))
    tasks = plan(start.first_state(settings))
    assert {t.kind for t in tasks} == {"pack"}
    sampled = [t.inputs for t in tasks if "sampler" in t.inputs]
    assert [(i["sampler"], i["number"]) for i in sampled] == [
        ("volume_scan", 8),
        ("volume_scan", 2),
        ("dimers", 3),
    ]
    assert len({t.key for t in tasks}) == len(tasks)
    plain = plan(start.first_state(start.settings(recipe())))
    assert [t.key for t in plain] == [t.key for t in tasks[:4]]


def test_frames_of_samplers_are_labelled_and_what_failed_is_said() -> None:
    settings = start.settings(recipe(start={"dimers": 3, "isolated_atoms": 8}))
    state = start.first_state(settings)
    tasks = plan(state)
    results = []
    for task in tasks:
        if "sampler" in task.inputs:
            made = pack(task.inputs, None, silent)  # type: ignore[arg-type]
        else:
            made = {"summary": {"outcome": "done"}, "frames": [None]}
        results.append((Finished(task, task.key, made["summary"]), made["frames"]))
    after = advance(state, [r for r, _ in results])
    assert len(after.pending) == 4 + 3 + 6
    assert after.pending[4:7] == tuple(FrameRef(tasks[4].key, k) for k in range(3))
    assert "sampler isolated_atoms: 6 of 8 frames are all there are" in after.messages


def test_a_sampler_that_cannot_be_served_does_not_stop_the_run() -> None:
    settings = start.settings(recipe(start={"ion_pairs": 2}))
    task = plan(State(settings))[-1]
    only = {**task.inputs, "counts": {"EC": 3}}
    found = pack(only, None, silent)  # type: ignore[arg-type]
    assert found["summary"]["outcome"] == "failed"
    assert "cations and anions" in found["summary"]["reason"]


def test_compositions_can_be_completed_and_what_is_open_is_said() -> None:
    few = start.settings(recipe())
    (message,) = start.first_state(few).messages
    assert "compositions: determined" in message
    enough = start.settings(recipe(compositions="determined"))
    assert determine(enough.label_counts).complete
    assert enough.label_counts[: len(few.label_counts)] == few.label_counts
    assert start.first_state(enough).messages == ()


def test_the_engine_of_samplers() -> None:
    asked = {"dimers": 2}
    reference = start.settings(recipe(start=asked, start_engine="reference"))
    assert reference.sampler_engine == reference.engine
    assert start.settings(recipe()).sampler_engine == {}
    text = {
        "components": {"LiClO4": "1 mol/L", "EC": 1},
        "temperature": "300 K",
        "box": "600 atoms",
    }
    with pytest.raises(RecipeError, match="no parameters for ClO4-"):
        start.settings(
            Recipe.read({**text, "learning": {"start": asked, "start_engine": "classical"}})
        )


@pytest.mark.parametrize(
    ("start_set", "words"),
    [
        ({"dimer": 3}, "did you mean 'dimers'"),
        ({"dimers": -1}, "whole number"),
        ({"dimers": "many"}, "whole number"),
        ({"dimers": 900}, "max_labels is below"),
        (["dimers"], "numbers of frames"),
    ],
)
def test_nonsense_in_the_start_set_is_refused(start_set: Any, words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        recipe(start=start_set)
