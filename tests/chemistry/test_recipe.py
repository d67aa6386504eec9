"""Recipes: defaults, units, and one clear line for everything that is wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from elyte.chemistry import Recipe, plan_composition
from elyte.core import RecipeError

EIGHT_LINES = """\
name: LiPF6 in EC
components:
  LiPF6: 1.0 mol/L
  EC: 1
temperature: 330 K
box: 440 atoms
potential:
  level: 16
"""


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def recipe(**changes: Any) -> dict[str, Any]:
    return {"components": {"EC": 1}, "temperature": "330 K", **changes}


def test_eight_lines_are_enough(tmp_path: Path) -> None:
    loaded = Recipe.load(write(tmp_path, EIGHT_LINES))
    assert loaded.temperatures == (330.0,)
    assert loaded.pressure == 1.0
    assert loaded.exploration_temperatures == (305.0, 380.0, 480.0)
    assert loaded.learning.force_error_target == pytest.approx(0.120)
    assert loaded.learning.start_rattle == (0.02, 0.07)
    assert loaded.learning.trajectory_time == 20_000.0
    assert loaded.title == "LiPF6 in EC"
    assert plan_composition(loaded).production.counts == {"Li+": 3, "PF6-": 3, "EC": 42}


def test_units_are_converted() -> None:
    loaded = Recipe.read(
        recipe(
            temperature=["25 °C", "350 K"],
            pressure="0.1 MPa",
            potential={"cutoff": "0.6 nm", "level": 8},
            learning={"force_error_target": "0.1 eV/Å", "trajectory_time": "5 ps"},
            production={"timestep": "0.5 fs", "nvt_time": "1 ns"},
        )
    )
    assert loaded.temperatures == (298.15, 350.0)
    assert loaded.pressure == pytest.approx(1.0)
    assert loaded.potential.cutoff == pytest.approx(6.0)
    assert loaded.learning.force_error_target == 0.1
    assert loaded.learning.trajectory_time == 5e3
    assert loaded.production.timestep == 0.5
    assert loaded.production.nvt_time == 1e6


# (what the recipe says, the one line that answers)
WRONG: list[tuple[dict[str, Any], str]] = [
    (recipe(temprature="1 K"), r"unknown key 'temprature' \(did you mean 'temperature'\?\)"),
    (
        {"components": {"EC": 1}, "temprature": "330 K"},
        r"unknown key 'temprature' \(did you mean 'temperature'\?\)",
    ),
    (
        recipe(learning={"start_frame": 3}),
        r"unknown key 'start_frame' in 'learning' \(did you mean 'start_frames'\?\)",
    ),
    (
        recipe(learning={"weights": {"forces": 1}}),
        r"unknown key 'forces' in 'learning.weights' \(did you mean 'force'\?\)",
    ),
    (recipe(components={"LiPF7": 1}), r"unknown species 'LiPF7' \(did you mean 'LiPF6'\?\)"),
    (recipe(components={"Li": 1}), r"'Li' is an element of solids .*did you mean 'Li\+'"),
    (recipe(components={"x": {"smiles": "CCO"}}), "'x' has no amount"),
    (recipe(components={"x": {"smiles": "CCO", "amount": 1}}), "state its charge too"),
    (
        recipe(components={"x": {"smiles": "CCO", "amount": 1, "charge": 1}}),
        r"'x': 'CCO' has charge 0, but charge \+1 is stated",
    ),
    (recipe(components={"x": {"smile": "CCO"}}), r"unknown key 'smile' \(did you mean 'smiles'"),
    (recipe(components={"EC": "1 K"}), "'1 K' is not an amount: unit 'K' is none of mol/L"),
    (recipe(components={"EC": -1}), "amount '-1' is not positive"),
    (recipe(components={"EC": None}), "'EC' has no amount"),
    (recipe(components={"EC": 1, "ethylene carbonate": 1}), "are the same species"),
    (recipe(components={}), "give a mapping"),
    (recipe(components=["EC"]), "give a mapping"),
    (recipe(temperature="330"), "'330' has no unit; write a temperature such as '330 K'"),
    (recipe(temperature=330), "'330' has no unit"),
    (recipe(pressure=1.0), "pressure: '1.0' has no unit; write a pressure such as '1 bar'"),
    (recipe(temperature="-5 K"), "temperature -5 K is not above absolute zero"),
    (recipe(temperature="-300 °C"), "temperature -26.85 K is not above absolute zero"),
    (recipe(learning={"temperatures": "0 K"}), "temperature 0 K is not above absolute zero"),
    (recipe(temperature=["300 K", "300 K"]), "the same temperature is named twice"),
    (recipe(temperature=[]), "give one, such as '330 K'"),
    (recipe(temperature="warm"), "'warm' is not a temperature such as '330 K'"),
    (recipe(temperature="1e999 K"), "'1e999 K' is not a finite temperature"),
    (recipe(box="40 nm"), "'40 nm' is not a box size: unit 'nm' is none of atoms, molecules"),
    (recipe(box="40.5 atoms"), "not a whole number of atoms"),
    (recipe(potential={"level": 15}), "level 15 is odd"),
    (recipe(potential={"level": 30}), "less than or equal to 28"),
    (recipe(potential={"cutoff": "50 Å"}), "outside 2 to 12 Å"),
    (recipe(potential={"cutoff": 5}), "'5' has no unit; write a length such as '5 Å'"),
    (recipe(production={"thermostat": "berendsen"}), "'bussi', 'nose-hoover' or 'langevin'"),
    (recipe(learning={"start_scale": [1.2, 1.0]}), "not a range"),
    (recipe(reference={"cutof": 1}), "unknown key 'cutof' in 'reference'"),
    (recipe(reference={"engine": "gpaw", "cutof": 1}), r"'cutof' in 'reference' \(did you mean"),
    (recipe(reference={"engine": "gpaw", "cutoff": 300}), "reference.cutoff: '300' has no unit"),
    (recipe(reference={"engine": "cp2q"}), r"unknown engine 'cp2q' \(did you mean 'cp2k'\?\)"),
    (recipe(reference={"preset": "zills"}), r"unknown preset 'zills' \(did you mean 'zills-2024'"),
    (recipe(reference={"engine": "ase"}), "'reference.calculator' is missing"),
    (
        recipe(reference={"engine": "gpaw"}, dispersion={"method": "d3bj"}),
        "dispersion.labels: without, but reference.dispersion puts d3bj into them",
    ),
    (recipe(learning={"grade_save": 20}), "grade_stop is below learning.grade_save"),
    (recipe(learning={"max_labels": 3}), "max_labels is below"),
    (recipe(learning={"start_densities": [0.0, 1.0]}), r"\[0, 1\] is not a range above zero"),
    (recipe(learning={"start_scale": [1.0]}), "learning.start_scale: two values are needed"),
    (recipe(learning=5), "learning: a group of keys is needed, not 5"),
    (recipe(seed="a"), "seed: input should be a valid integer, not 'a'"),
    (recipe(potential={"level": 16.5}), "potential.level: .* a valid integer, not 16.5"),
    (recipe(density="-1 g/cm³"), "density -1 g/cm³ is not positive"),
    (recipe(pressure="-1 bar"), "pressure -1 bar is negative"),
    (recipe(pressure="−2 MPa"), "pressure -20 bar is negative"),
    (recipe(learning={"train_time": "0 s"}), "learning.train_time 0 s is not positive"),
    (recipe(learning={"train_time": "-1 min"}), "learning.train_time -60 s is not positive"),
    (recipe(production={"timestep": "0 fs"}), "production.timestep is not positive"),
    (recipe(production={"nvt_time": "-1 ps"}), "production.nvt_time is shorter than one time step"),
    (recipe(production={"segment_time": "0 ps"}), "production.segment_time is shorter than"),
    (recipe(production={"timestep": "100 fs"}), "production.save_every is shorter .* of 100 fs"),
    (recipe(learning={"trajectory_time": "0 ps"}), "learning.trajectory_time is shorter than"),
    (recipe(structure="a.cif"), "either 'components' .* or 'structure'"),
    ({"components": {"EC": 1}}, "'temperature' is missing"),
]


@pytest.mark.parametrize(("data", "message"), WRONG)
def test_what_is_wrong_is_said_in_one_line(data: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.read(data, "r.yaml")
    text = str(caught.value)
    assert re.search(message, text), text
    assert "\n" not in text
    assert text.startswith("r.yaml: ")
    assert "pydantic" not in text


def test_several_faults_are_several_lines() -> None:
    with pytest.raises(RecipeError) as caught:
        Recipe.read(recipe(pressure=1, boxx="3 atoms"))
    assert len(str(caught.value).splitlines()) == 2


# (components, what is wrong with them together)
UNREALISABLE: list[tuple[dict[str, Any], str]] = [
    ({"components": {"Li+": 1, "EC": 8}}, r"not neutral: \+0.111 e per molecule \(Li\+ \+1\)"),
    (
        {"components": {"LiPF6": "0.02 mol/L", "EC": 1}},
        "no whole numbers of molecules in a box of about 400 atoms meet the amounts within 5 %; "
        r"the nearest are 1 Li\+ \+ 1 PF6- \+ \d+ EC \(LiPF6 0\.\d+ mol/L\); "
        r"a box of \d+ atoms would do",
    ),
    ({"components": {"LiPF6": "30 mol/L", "EC": 1}}, "no room for the solvent"),
    ({"components": {"LiPF6": "1 mol/L"}}, "need a solvent"),
    ({"components": {"LiPF6": "1 mol/L", "LiBF4": "1 mol/kg", "EC": 1}}, "all in mol/kg"),
    ({"components": {"EC": 1, "DMC": "30 wt%"}}, "different units"),
    ({"components": {"EC": "30 wt%", "DMC": "30 wt%"}}, "add up to 60, not 100"),
    (
        {"components": {"EC": 1}, "box": "60 atoms"},
        r"below two cutoffs of 5 Å; take at least about \d+ atoms",
    ),
    (
        {"components": {"EC": 1}, "potential": {"cutoff": "11 Å"}, "box": "2000 atoms"},
        "learning.label_box: 90 atoms make an edge of .* below the cutoff",
    ),
    (
        {"components": {"F-OMIM+": 1, "C4F9CO2-": 1}, "learning": {"label_box": "20 atoms"}},
        "learning.label_box: 20 atoms cannot hold one unit of each component",
    ),
]


@pytest.mark.parametrize(("changes", "message"), UNREALISABLE)
def test_what_cannot_be_realised_is_said_in_one_line(changes: dict[str, Any], message: str) -> None:
    loaded = Recipe.read(recipe(**changes))
    with pytest.raises(RecipeError, match=message) as caught:
        plan_composition(loaded)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("components:\n  EC: 1\n temperature: 3 K\n", "recipe.yaml, line 3, column 2: not valid"),
        ("components: {EC: 1\n", "recipe.yaml, line 2, column 1: not valid YAML"),
        ("a: 1\na: 2\n", "line 2, column 1: not valid YAML: the key 'a' is given twice"),
        ("- 1\n", "recipe.yaml: a recipe is a mapping"),
        ("", "recipe.yaml: a recipe is a mapping"),
        ("a: \x00\n", "not valid YAML"),
        ("structure: gone.cif\ntemperature: 3 K\n", "structure file '.*gone.cif' is not there"),
    ],
)
def test_bad_files(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        Recipe.load(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_files_that_are_not_there_or_not_text(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"there is no recipe file '.*none.yaml'"):
        Recipe.load(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match="is a folder"):
        Recipe.load(tmp_path)
    (tmp_path / "x.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(RecipeError, match="not a text file"):
        Recipe.load(tmp_path / "x.yaml")


def test_schema_describes_every_field_and_its_defaults_fit() -> None:
    schema = Recipe.model_json_schema(by_alias=True)
    json.dumps(schema)
    for name, group in schema["$defs"].items():
        assert not group.get("additionalProperties", True), name
    properties = [schema["properties"], *(g["properties"] for g in schema["$defs"].values())]
    checked = 0
    for fields in properties:
        for name, field in fields.items():
            assert field.get("description") or name in ("energy", "force", "stress"), name
            if "pattern" in field and "default" in field:
                assert re.match(field["pattern"], field["default"]), name
                checked += 1
    assert checked >= 10
    assert "temperature" in schema["properties"]
    assert schema["required"] == ["temperature"]


@pytest.mark.parametrize(
    ("reference", "right"),
    [
        ({}, True),
        ({"method": "GFN2-xTB", "workers": 4}, True),
        ({"preset": "zills-2024"}, True),
        ({"preset": "zills-2024", "engine": "gpaw", "cutoff": "500 eV"}, True),
        ({"engine": "ase", "calculator": "a.b:C"}, True),
        ({"cutoff": "300 eV"}, False),
        ({"engine": "gpaw", "accuracy": 1}, False),
        ({"engine": "ase"}, False),
        ({"preset": "zills"}, False),
    ],
)
def test_the_schema_knows_what_belongs_to_which_engine(reference: dict, right: bool) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = Recipe.model_json_schema(by_alias=True)
    validator = jsonschema.Draft202012Validator(schema)
    assert validator.is_valid(recipe(reference=reference)) is right
    if right:
        Recipe.read(recipe(reference=reference))


@pytest.mark.parametrize("path", sorted(Path(__file__).parents[2].glob("examples/*.yaml")), ids=str)
def test_examples_can_be_planned(path: Path) -> None:
    composition = plan_composition(Recipe.load(path))
    assert composition.production.charge == composition.label.charge == 0
    assert 70 <= composition.label.atoms <= 130
    assert 400 <= composition.production.atoms <= 800
