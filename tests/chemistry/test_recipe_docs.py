"""The pages on recipes: every key stands in them with its default, every example works."""

from __future__ import annotations

import re
from pathlib import Path

import ase.io
import pytest
from ase.build import bulk

from elyte.chemistry import SPECIES, Recipe, plan_composition
from elyte.core import RecipeError

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [DOCS / "reference" / "recipe.md", DOCS / "tutorials" / "first-recipe.md"]
REFERENCE = PAGES[0].read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    return re.findall(rf"```{language}\n(.*?)```", text, flags=re.S)


def test_every_key_stands_in_the_reference_with_its_default() -> None:
    schema = Recipe.model_json_schema(by_alias=True)
    groups = [schema["properties"], *(g["properties"] for g in schema["$defs"].values())]
    for fields in groups:
        for name, field in fields.items():
            if name in ("energy", "force", "stress") and isinstance(field["default"], float):
                assert f"`{name}: {field['default']}`" in REFERENCE  # of the weights, in one row
                continue
            if "$ref" in field or "discriminator" in field:  # a group of keys
                assert re.search(rf"^(## `{name}`|\| `{name}` \|)", REFERENCE, flags=re.M), name
                continue
            row = re.search(rf"^\| `{name}` \| (.*?) \|", REFERENCE, flags=re.M)
            assert row, f"no row for {name}"
            default = field.get("default")
            if default not in (None, "", []):
                shown = str(default).replace("'", "")
                rows = re.findall(rf"^\| `{name}` \| (.*?) \|", REFERENCE, flags=re.M)
                assert any(f"`{shown}`" in r for r in rows), f"{name}: {shown}"


def test_every_species_stands_in_the_reference() -> None:
    listed = REFERENCE.split("### Species of the library")[1].split("##")[0].split()
    assert set(SPECIES) <= set(listed)


@pytest.mark.parametrize("text", blocks("yaml"))
def test_examples_of_the_pages_can_be_planned(text: str, tmp_path: Path) -> None:
    ase.io.write(tmp_path / "li6ps5cl.cif", bulk("LiCl", "rocksalt", a=5.13, cubic=True))
    (tmp_path / "recipe.yaml").write_text(text, encoding="utf-8")
    assert plan_composition(Recipe.load(tmp_path / "recipe.yaml")).production.atoms > 300


def test_the_python_of_the_tutorial_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-electrolyte.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(code, "first-recipe.md", "exec"), names)
    assert "42 EC" in capsys.readouterr().out
    assert names["carbonyl"].tolist() == [0]  # type: ignore[attr-defined]


def test_the_messages_of_the_tutorial_are_those_of_the_code(tmp_path: Path) -> None:
    path = tmp_path / "my-electrolyte.yaml"
    shown = "".join(blocks("text"))
    recipe = blocks("yaml")[-1]
    for old, new in (
        ("LiPF6: 1", "LiPF7: 1"),
        ("temperature:", "temprature:"),
        ("box: 440 atoms", "pressure: 1"),
    ):
        path.write_text(recipe.replace(old, new), encoding="utf-8")
        with pytest.raises(RecipeError) as caught:
            Recipe.load(path)
        assert str(caught.value)[:80] in shown
        assert "\n" not in str(caught.value)
    path.write_text(recipe.replace("LiPF6: 1.0 mol/L", "Li+: 1").replace("EC: 1", "EC: 8"))
    with pytest.raises(RecipeError) as caught:
        plan_composition(Recipe.load(path))
    assert str(caught.value)[:70] in shown
