"""Settings of each engine: what is refused, what goes into keys, what presets stand for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pseudo_files import write_hydrogen

from elyte.chemistry.reference_presets import PRESETS, expand_preset
from elyte.chemistry.reference_settings import SETTINGS
from elyte.core import Frame, InputError
from elyte.reference import ENGINES, EngineSettings, label_key
from elyte.reference.fingerprints import file_hash

OH = Frame([8, 1], [[0, 0, 0], [0, 0, 0.97]])
HYDROGEN = Frame([1, 1], [[0, 0, 0], [0, 0, 0.75]])


def test_keys_of_xtb_labels_are_those_of_the_first_release() -> None:
    """Ledgers are full of them: they must be found again."""
    first = "80b9a84dd167dd988e7717c1de9af0b01d8675c755278e36540c37977d2010da"
    other = "e1709da2ed227851aeb2e77165f020a63f6c739ff95f6cf836280591313c2a0b"
    assert label_key(OH, EngineSettings(), "0.8.0") == first
    charged = EngineSettings("xtb", "GFN2-xTB", -1, 1, accuracy=0.1)
    assert label_key(OH, charged, "0.8.0") == other


def test_every_engine_has_settings_and_a_record() -> None:
    assert set(SETTINGS) <= set(ENGINES)
    for name, engine in ENGINES.items():
        assert engine.name == name
        assert engine.task.endswith(":label")


@pytest.mark.parametrize("engine", [name for name in SETTINGS if name != "ase"])
def test_settings_survive_their_own_mapping(engine: str) -> None:
    settings = EngineSettings(engine, charge=1, unpaired_electrons=2)
    again = EngineSettings.from_mapping(settings.as_dict())
    assert again == settings
    assert again.as_dict() == settings.as_dict()
    assert not {"workers", "cores", "time_limit"} & set(settings.as_dict())
    assert EngineSettings(engine).differences() == ""
    assert settings.differences() == "charge=1.0,unpaired_electrons=2"
    assert replace(settings, charge=0.0, unpaired_electrons=None) == EngineSettings(engine)


def test_quantities_are_numbers_or_have_a_unit() -> None:
    assert EngineSettings("gpaw", cutoff=340.0).options.cutoff == 340.0
    assert EngineSettings("gpaw", cutoff="25 Ry").options.cutoff == pytest.approx(340.14232530)
    assert EngineSettings("gpaw", cutoff="12.5 Ha") == EngineSettings("gpaw", cutoff="25 Ry")


@pytest.mark.parametrize(
    ("engine", "values", "message"),
    [
        ("gpaw", {"cutof": 300}, r"engine 'gpaw': unknown key 'cutof' \(did you mean 'cutoff'\?\)"),
        ("gpaw", {"accuracy": 1}, "unknown key 'accuracy'"),
        ("gpaw", {"cutoff": "300"}, "'300' has no unit"),
        ("cp2k", {"method": "PEB"}, "'PBE', 'r2SCAN' or 'B97-3c', not 'PEB'"),
        ("xtb", {"workers": 3}, "'workers' says how labels are computed, not what they are"),
        ("ase", {}, "'calculator' is missing"),
        ("xtb", {"method": "GFN7-xTB"}, "GFN7"),
    ],
)
def test_what_is_wrong_is_said(engine: str, values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        EngineSettings(engine, **values)


def test_a_key_names_the_content_of_files_and_not_their_place(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    write_hydrogen(first)
    write_hydrogen(second)
    (second / "O.UPF").write_text("another element does not matter")
    keys = [
        label_key(HYDROGEN, EngineSettings("espresso", pseudopotentials=str(folder)), "6.7")
        for folder in (first, second)
    ]
    assert keys[0] == keys[1]
    write_hydrogen(second, functional="PBESOL")
    changed = EngineSettings("espresso", pseudopotentials=str(second))
    assert label_key(HYDROGEN, changed, "6.7") != keys[0]


def test_a_file_is_hashed_again_when_it_has_changed(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("a")
    before = file_hash(path)
    path.write_text("bc")
    assert file_hash(path) != before


def test_the_version_of_a_calculators_package_is_in_its_key(monkeypatch) -> None:
    from elyte.reference import packages

    settings = EngineSettings("ase", calculator="ase.calculators.emt:EMT")
    before = label_key(HYDROGEN, settings, "1")
    monkeypatch.setattr(packages, "version_of", lambda path: "ase 99.0")
    assert label_key(HYDROGEN, settings, "1") != before


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_can_be_used_by_each_of_its_engines(name: str) -> None:
    for engine in PRESETS[name].engines:
        settings = EngineSettings.from_mapping({"preset": name, "engine": engine})
        assert settings.engine == engine
    own = EngineSettings.from_mapping({"preset": name})
    assert own.engine == next(iter(PRESETS[name].engines))
    assert len(PRESETS[name].source) > 20
    assert len(PRESETS[name].note) > 20


def test_presets_say_what_the_papers_say() -> None:
    zills = EngineSettings.from_mapping({"preset": "zills-2024"})
    assert (zills.engine, zills.method, zills.options.basis) == ("cp2k", "B97-3c", "TZVP")
    assert zills.options.cutoff == pytest.approx(800 * 13.605693, rel=1e-6)
    assert zills.options.three_body
    chalykh = EngineSettings.from_mapping({"preset": "chalykh-2025", "cutoff": "550 eV"})
    assert (chalykh.engine, chalykh.options.dispersion) == ("vasp", "d3zero")
    assert chalykh.options.cutoff == 550.0
    goodwin = EngineSettings.from_mapping({"preset": "goodwin-2024"}).options
    assert goodwin.density_cutoff == pytest.approx(10 * goodwin.cutoff)
    park = EngineSettings.from_mapping({"preset": "park-2025", "method": "SCAN"})
    assert (park.method, park.options.cutoff) == ("SCAN", 450.0)
    with pytest.raises(InputError, match="did you mean 'park-2025'"):
        expand_preset({"preset": "park2025"})
    with pytest.raises(InputError, match="no settings for the engine 'xtb': it has vasp"):
        expand_preset({"preset": "park-2025", "engine": "xtb"})


def test_every_formula_of_the_cost_grows_with_the_box() -> None:
    rng = np.random.default_rng(0)
    small = Frame([8, 1, 1], rng.uniform(0, 4, (3, 3)), 5 * np.eye(3), True)
    large = Frame([8, 1, 1] * 8, rng.uniform(0, 8, (24, 3)), 10 * np.eye(3), True)
    for name in SETTINGS:
        if name in ("ase", "classical"):  # unknown; repeats small boxes up to its cutoff
            continue
        settings = EngineSettings(name)
        assert 0 < ENGINES[name].seconds(small, settings) < ENGINES[name].seconds(large, settings)
