"""With D3 in a recipe: what is learned, what a run is made with, and what is compared."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from elyte.chemistry import Recipe, pack_box
from elyte.core import Dataset, LabelledFrame, Labels, RecipeError
from elyte.core.progress import silent
from elyte.learning import Project, start
from elyte.learning.hybrid import Hybrid
from elyte.learning.plan import plan
from elyte.learning.state import State
from elyte.learning.work import FUNCTIONS
from elyte.potentials import Sum
from elyte.reference.dispersion import DispersionSettings, evaluate_dispersion
from elyte.reference.engines import ENGINES
from elyte.testing import FakePotential
from elyte.testing.fake_engine import evaluate, fake_engine

pytest.importorskip("dftd3", reason="dftd3 is not installed")
SETTINGS = DispersionSettings(cutoff=6.0)
RECIPE = {
    "components": {"water": 1},
    "temperature": "330 K",
    "potential": {"level": 4, "cutoff": "4 Å"},
}


def recipe(**dispersion):
    without = dispersion and dispersion.get("labels") != "with"
    reference = {"engine": "cp2k", "method": "PBE", "dispersion": "none" if without else "d3bj"}
    return Recipe.read({**RECIPE, "reference": reference, "dispersion": dispersion})


@pytest.fixture
def project(tmp_path, monkeypatch):
    monkeypatch.setitem(ENGINES, "fake", fake_engine(name="fake"))
    with Project(tmp_path / "run", workers=2) as project:
        yield project


def boxes(count, atoms=24):
    return [pack_box({"water": atoms // 3}, 0.8, seed=seed) for seed in range(count)]


def labelled(frames):
    items = []
    for frame in frames:
        energy, forces, stress = evaluate(frame)
        items.append(LabelledFrame(frame, Labels(energy, forces, stress, level="PBE/fake-1")))
    return Dataset(items)


@pytest.mark.parametrize(
    ("in_labels", "potential", "learned", "total", "adds"),
    [
        (False, "added", 0, 1, True),
        (True, "added", -1, 0, True),
        (False, "learned", 1, 1, False),
        (True, "omitted", -1, -1, False),
        (True, "learned", 0, 0, False),
    ],
)
def test_what_is_learned_and_what_is_to_come_out(
    project, in_labels, potential, learned, total, adds
):
    """Learned + what is added at run time = what is compared with, in every case."""
    hybrid = Hybrid(SETTINGS, in_labels, potential)
    assert Hybrid.of({"dispersion": hybrid.as_dict()}) == hybrid
    data = labelled(boxes(2))
    d3 = [evaluate_dispersion(frame, SETTINGS)[0] for frame in data.frames]
    targets, totals = hybrid.targets(data, project), hybrid.totals(data, project)
    for raw, part, target, whole in zip(data, d3, targets, totals, strict=True):
        for name in ("energy", "forces", "stress"):
            value, dispersion = getattr(raw.labels, name), getattr(part, name)
            assert np.allclose(
                getattr(target.labels, name), value + learned * dispersion, atol=1e-9
            )
            assert np.allclose(getattr(whole.labels, name), value + total * dispersion, atol=1e-9)
    assert isinstance(hybrid.model(fake_potential()), Sum) is adds
    assert learned + adds == total


def fake_potential():
    return FakePotential.initial((1, 8), cutoff=3.5)


def test_a_recipe_without_dispersion_changes_no_task():
    settings = start.settings(recipe())
    assert settings.dispersion is None
    assert Hybrid.of(vars(settings)).is_trivial
    assert start.settings(recipe(method="d3bj", labels="with", potential="learned")) == settings
    for stage in ("train", "check", "explore"):
        for task in plan(State(settings, stage, potential="p")):
            assert "dispersion" not in task.inputs


def test_a_recipe_with_dispersion_reaches_every_task():
    settings = start.settings(recipe(method="d3bj", functional="PBE", cutoff="6 Å"))
    for stage in ("train", "check", "explore"):
        for task in plan(State(settings, stage, potential="p")):
            hybrid = Hybrid.of(task.inputs)
            assert hybrid.settings == DispersionSettings("PBE", cutoff=6.0)
            assert not hybrid.in_labels


def test_tight_binding_has_a_dispersion_of_its_own():
    def read(hamiltonian, **dispersion):
        data = {**RECIPE, "reference": {"method": hamiltonian}, "dispersion": dispersion}
        return start.settings(Recipe.read(data)).dispersion

    good = {"method": "d3bj", "labels": "with", "functional": "GFN1-xTB"}
    assert read("GFN1-xTB", **good)["in_labels"]
    with pytest.raises(RecipeError, match="of their own"):
        read("GFN2-xTB", **good)
    with pytest.raises(RecipeError, match="of their own"):
        read("GFN1-xTB", method="d3bj", labels="without")
    with pytest.raises(RecipeError, match="dispersion"):
        read("GFN1-xTB", **{**good, "functional": "PBE"})
    with pytest.raises(RecipeError, match="method: none"):
        recipe(method="d3bj", potential="omitted")


def test_a_run_learns_the_rest_and_explores_with_the_sum(project):
    """Labels hold D3; what is trained on lacks it; the model has it again."""
    chosen = Hybrid(SETTINGS, True, "added")
    without = labelled(boxes(10))
    dispersion = [evaluate_dispersion(frame, SETTINGS)[0] for frame in without.frames]
    for index, (item, part) in enumerate(zip(without, dispersion, strict=True)):
        labels = Labels(
            item.labels.energy + part.energy,
            item.labels.forces + part.forces,
            item.labels.stress + part.stress,
            level="PBE/fake-1",
        )
        project.ledger.put(f"k{index}", item.frame, labels)
    keys = [f"k{index}" for index in range(10)]
    settings = start.settings(recipe(method="d3bj", labels="with", cutoff="6 Å"))
    assert settings.dispersion == chosen.as_dict()
    settings = replace(settings, engine={"engine": "fake"})
    state = State(settings, "train", training=tuple(keys))
    (task,) = plan(state)
    result = FUNCTIONS["train"]({**task.inputs, "seconds": 2.0}, project, silent)
    project.store.save(task.key, result)
    learned = project.potential(task.key)
    plain = learned.evaluate(without.frames)
    model = chosen.model(learned).evaluate(without.frames)
    for one, both, part in zip(plain, model, dispersion, strict=True):
        assert both.energy - one.energy == pytest.approx(part.energy, abs=1e-8)
        assert np.allclose(both.stress - one.stress, part.stress, atol=1e-10)
    checked = FUNCTIONS["check"](
        {"potential": task.key, "labels": keys, "dispersion": chosen.as_dict()}, project, silent
    )["summary"]
    data = project.labelled(keys)
    deviations = [
        (both.energy - item.labels.energy) / len(item.frame)
        for both, item in zip(model, data, strict=True)
    ]
    assert checked["energy_rmse"] == pytest.approx(np.sqrt(np.mean(np.square(deviations))))
    assert checked["energy_rmse"] == pytest.approx(result["summary"]["energy_rmse"], rel=1e-6)
    assert checked["force_rmse"] == pytest.approx(result["summary"]["force_rmse"], rel=1e-6)
    explored = _explore(state.but(stage="explore", potential=task.key), project)
    assert explored["summary"]["outcome"] != "failed"  # it ran, however it ended


def _explore(state, project):
    task = plan(state)[0]
    return FUNCTIONS["explore"]({**task.inputs, "time": 20.0}, project, silent)
