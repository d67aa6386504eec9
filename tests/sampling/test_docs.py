"""The page on samplers names every one of them, shows its picture, and its code runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elyte.chemistry.recipe_types import SAMPLERS
from elyte.reference.classical import covered

THEORY = Path(__file__).resolve().parents[2] / "docs" / "theory"
PAGE = (THEORY / "samplers.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_stands_on_the_page_with_its_picture(name: str) -> None:
    assert f"**`{name}`**" in PAGE
    if name != "isolated_atoms":
        assert f"(samplers/{name}.png)" in PAGE
        assert (THEORY / "samplers" / f"{name}.png").stat().st_size < 60_000


def test_the_code_of_the_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    for code in re.findall(r"^```python\n(.*?)^```", PAGE, flags=re.M | re.S):
        exec(compile(code, "samplers.md", "exec"), {})
    assert "3 are needed" in capsys.readouterr().out


def test_every_covered_species_is_listed() -> None:
    page = (THEORY / "classical.md").read_text(encoding="utf-8")
    digits = str.maketrans("⁺⁻₀₁₂₃₄₅₆₇₈₉²", "+-01234567892")
    listed = set(page.translate(digits).split())
    assert set(covered()) <= listed
