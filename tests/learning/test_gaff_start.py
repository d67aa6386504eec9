"""A recipe with a molecule that has no table: GAFF2 drives its start set, where it can."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from elyte.chemistry import Recipe, bond_graph, molecule_ids
from elyte.core import RecipeError
from elyte.learning import start
from elyte.reference.classical import antechamber, gaff, species_topology
from elyte.reference.engines import ENGINES
from elyte.sampling.registry import Request, sample

ESTER = "smiles:COC(C)=O"
classical = pytest.mark.skipif(
    not ENGINES["classical"].available().done, reason="OpenMM is not installed"
)
real = pytest.mark.skipif(
    not antechamber.available().done, reason=f"antechamber: {antechamber.available().reason}"
)


def recipe(reference: str = "xtb", **learning: Any) -> Recipe:
    return Recipe.read(
        {
            "components": {
                "LiPF6": "1.0 mol/L",
                "methyl acetate": {"smiles": "COC(C)=O", "charge": 0, "amount": "100 wt%"},
            },
            "temperature": "300 K",
            "box": "500 atoms",
            "reference": {"engine": reference},
            "learning": {"start_frames": 4, "start": {"equilibrium": 3}, **learning},
        }
    )


@pytest.fixture
def absent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither acpype nor AmberTools."""
    monkeypatch.delenv("AMBERHOME", raising=False)
    monkeypatch.setattr(antechamber, "find_spec", lambda name: None)
    gaff._gaff_table.cache_clear()
    species_topology.cache_clear()


@classical
def test_without_antechamber_the_reference_drives_the_samplers(absent: None) -> None:
    settings = start.settings(recipe(start_time="0.5 ps"))
    assert settings.sampler_engine == settings.engine
    with pytest.raises(RecipeError, match=r"start_engine: .* smiles:COC\(C\)=O .*install acpype"):
        start.settings(recipe(start_engine="classical"))
    with pytest.raises(RecipeError, match=r"start_time: 10 ps .*does not know smiles:.*acpype"):
        start.settings(recipe())
    with pytest.raises(RecipeError, match=r"reference: .*no parameters for smiles:COC\(C\)=O"):
        start.settings(recipe("classical"))


@classical
@real
def test_the_start_set_of_such_a_molecule(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = start.settings(recipe())
    assert settings.sampler_engine["engine"] == "classical"
    assert settings.sampler_engine["molecules"] == [ESTER]
    assert start.first_state(settings).settings is settings
    counts = {"Li+": 1, "PF6-": 1, ESTER: 8}
    found = sample(
        Request("equilibrium", 3, counts, 1.0, 300.0, 1.0, 100.0, 5, engine=settings.sampler_engine)
    )
    assert found.outcome.done
    assert len(found.frames) == 3
    for frame in found.frames:  # molecules are whole and apart, in a box that breathes
        whole = molecule_ids(frame, bond_graph(frame))
        assert len(np.unique(whole)) == 10
    assert len({frame.volume for frame in found.frames}) == 3


def test_doubtful_parameters_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = start.settings(recipe(start={}))
    engine = {"engine": "classical", "molecules": [ESTER]}
    monkeypatch.setattr(start, "parameter_notes", lambda names: [f"{', '.join(names)}: angle"])
    said = start.first_state(replace(settings, sampler_engine=engine)).messages
    assert said[-1] == f"GAFF2 by analogy: {ESTER}: angle"


@classical
@real
def test_a_classical_reference_takes_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    settings = start.settings(recipe("classical", start_engine="reference", start_time="1 ps"))
    assert settings.engine["molecules"] == [ESTER]
    assert settings.sampler_engine == settings.engine
