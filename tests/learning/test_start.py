"""From recipes to the first state."""

from __future__ import annotations

from pathlib import Path

import pytest

from elyte.chemistry import Recipe
from elyte.learning import start
from elyte.learning.plan import plan
from elyte.learning.start import label_compositions

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
