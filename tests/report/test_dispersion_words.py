"""The report says what became of the dispersion."""

from __future__ import annotations

import pytest

from elyte.chemistry import Recipe
from elyte.report.project import _subtitle

RECIPE = {
    "components": {"water": 1},
    "temperature": "330 K",
    "reference": {"engine": "cp2k", "method": "PBE"},
}


def recipe(**dispersion):
    in_labels = "d3bj" if dispersion.get("labels") == "with" else "none"
    reference = {**RECIPE["reference"], "dispersion": in_labels}
    data = {**RECIPE, "reference": reference}
    return Recipe.read({**data, "dispersion": dispersion} if dispersion else data)


@pytest.mark.parametrize(
    ("dispersion", "words"),
    [
        ({"method": "d3bj"}, "with D3(BJ)-PBE/12Å added at run time"),
        (
            {"method": "d3bj", "labels": "with"},
            "from whose labels D3(BJ)-PBE/12Å was taken out and is added at run time",
        ),
        ({"method": "d3bj", "potential": "learned"}, "to whose labels D3(BJ)-PBE/12Å was added"),
        (
            {"method": "d3zero", "labels": "with", "potential": "omitted"},
            "from whose labels D3(0)-PBE/12Å was taken out",
        ),
    ],
)
def test_a_dispersion_is_named(dispersion, words):
    assert _subtitle(recipe(**dispersion)).endswith(f"trained on PBE (cp2k), {words}")


def test_none_is_not():
    assert _subtitle(recipe()).endswith("trained on PBE (cp2k)")
    same = recipe(method="d3bj", labels="with", potential="learned")
    assert _subtitle(same) == _subtitle(recipe())
