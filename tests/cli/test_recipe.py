"""`elyte plan` and `elyte schema`: what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from elyte.chemistry import Recipe, plan_composition
from elyte.cli.recipe import estimate_work, plan, schema
from elyte.cli.run import run
from elyte.core import MissingDependency, RecipeError

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_plan_says_what_is_realised(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    plan(EXAMPLES / "lipf6-ec.yaml")
    printed = capsys.readouterr().out
    box = plan_composition(Recipe.load(EXAMPLES / "lipf6-ec.yaml")).production
    molarity, molality = f"{box.molarity['LiPF6']:.3f}", f"{box.molality['LiPF6']:.3f}"
    assert 0.95 < box.molarity["LiPF6"] < 1.05
    for text in (str(box), str(box.atoms), "1 mol/L", molarity, molality, "GFN1-xTB"):
        assert text in printed, printed
    assert "400 K, 1 bar" in printed
    assert "as near to the recipe as its size allows" in printed


def test_plan_of_a_bad_recipe_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("components:\n  LiPF7: 1\ntemperature: 300 K\n")
    with pytest.raises(RecipeError, match=r"r.yaml: components: unknown species 'LiPF7'"):
        plan(path)


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("{engine: vapr}", r"^r.yaml: reference: unknown engine 'vapr' \(did you mean 'vasp'\?\)"),
        (
            "{method: GFN3-xTB}",
            r"^r.yaml: reference.method: input should be 'GFN1-xTB', 'GFN2-xTB'",
        ),
        ("{engine: vasp, accuracy: 1}", r"^r.yaml: unknown key 'accuracy' in 'reference'"),
    ],
)
def test_an_engine_that_is_not_there_is_told_before_any_work(
    reference: str, message: str, tmp_path: Path
) -> None:
    path = tmp_path / "r.yaml"
    path.write_text(f"components: {{EC: 1}}\ntemperature: 330 K\nreference: {reference}\n")
    with pytest.raises(RecipeError, match=message):
        plan(path)
    with pytest.raises(RecipeError, match=message):
        run(path, project=tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_work_grows_with_the_recipe() -> None:
    def total(**changes: object) -> float:
        data = {"components": {"LiPF6": 1, "EC": 10}, "temperature": "330 K", **changes}
        recipe = Recipe.read(data)
        return estimate_work(recipe, plan_composition(recipe)).total

    plain = total()
    assert 120 < plain < 3600
    assert total(production={"nvt_time": "1 ns"}) > plain + 60
    assert total(potential={"level": 20}) > plain
    assert total(temperature=["330 K", "360 K"]) > plain
    assert total(reference={"engine": "gpaw"}) > 50 * plain
    assert total(reference={"engine": "gpaw", "cores": 8}) < total(reference={"engine": "gpaw"})
    unknown = {"engine": "ase", "calculator": "ase.calculators.emt:EMT"}
    assert total(reference=unknown) < plain  # labels not counted


def test_a_plan_is_made_where_the_engine_is_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ELYTE_CP2K", "/not/there")
    path = tmp_path / "r.yaml"
    path.write_text(
        "components: {EC: 1}\ntemperature: 330 K\nreference: {preset: shayestehpour-2024}\n"
    )
    plan(path)
    printed = " ".join(capsys.readouterr().out.split())
    assert "labels (cp2k, PBE)" in printed
    assert "apt install cp2k" in printed
    with pytest.raises(MissingDependency, match="CP2K is not there"):
        run(path, project=tmp_path / "project")
    assert not (tmp_path / "project").exists()


def test_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    schema()
    document = json.loads(capsys.readouterr().out)
    assert document["title"] == "elyte recipe"
    assert {"components", "temperature", "learning", "production"} <= set(document["properties"])
