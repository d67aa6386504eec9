"""Maps and densities on the page: their values, that they are drawn, and that folding works."""

from __future__ import annotations

import base64
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from browser import Browser
from elyte.core import Quantity
from elyte.core.errors import InputError
from elyte.report import CloudData, MapData, ReportData, build_report
from elyte.report.categories import CATEGORIES, OTHER, by_category, category_of
from elyte.report.fields import cloud_spec, map_spec
from elyte.report.html import properties_html
from elyte.report.tables import withheld_lines


def ramp() -> MapData:
    z = np.outer(np.arange(6.0), np.arange(1.0, 5.0))
    return MapData(
        "g(r, φ)", np.linspace(0.5, 5.5, 6), np.linspace(22.5, 157.5, 4), z, "distance r",
        "angle φ", "Å", "°", "1", "Li–O(EC)", "Combined distributions",
    )  # fmt: skip


def ball() -> CloudData:
    axis = np.linspace(-3.9, 3.9, 40)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    g = 20 * np.exp(-((x - 2) ** 2 + y**2 + z**2))
    return CloudData(
        "Li+ around CO", axis, g, np.array([6, 8]), np.array([[0.0, 0, 0], [1.2, 0, 0]])
    )


def many() -> list[Quantity]:
    found = [Quantity("density", 1.2, 0.01, "g/cm³")]
    found += [Quantity("coordination number", k, 0.1, "1", species=f"Li–{k}") for k in range(25)]
    found += [Quantity.withhold("ionic conductivity", "S/m", "too short") for _ in range(7)]
    return found


def test_colours_of_a_map() -> None:
    spec = map_spec(ramp())
    levels = np.frombuffer(base64.b64decode(spec["z"]), np.uint8).reshape(spec["size"])
    values = spec["low"] + levels / 255 * (spec["high"] - spec["low"])
    np.testing.assert_allclose(values, np.minimum(ramp().z, spec["high"]), atol=0.05)
    assert spec["high"] == pytest.approx(20, rel=0.03)  # the brightest few may have one colour
    assert spec["x"] == ["distance r", "Å", 0.0, 6.0]
    assert spec["y"] == ["angle φ", "°", 0.0, 180.0]
    middle = map_spec(replace(ramp(), centred=True))
    assert middle["low"] == -middle["high"]
    with pytest.raises(InputError, match="shape"):
        replace(ramp(), x=np.arange(3.0))


def test_a_density_and_its_molecule() -> None:
    spec = cloud_spec(ball())
    g = np.frombuffer(base64.b64decode(spec["g"]), np.uint8).reshape((40,) * 3)
    brightest = np.argwhere(g == g.max()).mean(axis=0)
    assert ball().axis[0] + 0.2 * brightest[0] == pytest.approx(2.0, abs=0.11)
    assert spec["bonds"] == [0, 1]
    assert spec["symbols"] == ["C", "O"]
    with pytest.raises(InputError, match="do not fit"):
        replace(ball(), numbers=np.array([6]))


def test_saved_and_loaded(tmp_path: Path) -> None:
    ReportData("x", maps=[ramp()], clouds=[ball()]).save(tmp_path)
    data = ReportData.load(tmp_path)
    np.testing.assert_array_equal(data.maps[0].z, ramp().z)
    np.testing.assert_array_equal(data.clouds[0].g, ball().g)
    assert data.maps[0].group == "Combined distributions"


def test_headings_of_properties() -> None:
    assert category_of("pair lifetime over rotation time") == "Diffusion, rotation and viscosity"
    assert category_of("velocity autocorrelation") == "Diffusion, rotation and viscosity"
    assert category_of("continuous pair lifetime") == "Speciation"
    assert category_of("magic") == OTHER
    assert list(by_category(many())) == ["Thermodynamics", "Structure", "Transport of charge"]
    assert len({start for _, starts in CATEGORIES for start in starts}) == sum(
        len(starts) for _, starts in CATEGORIES
    )


def test_long_tables_fold_and_short_ones_do_not() -> None:
    text = properties_html(many())
    assert text.count("<details") == 4
    assert '<details class="category" open><summary>Thermodynamics (1)' in text
    assert '<details class="category"><summary>Structure (25)' in text
    assert "7 withheld" in text
    assert "<details" not in properties_html(many()[:20])


def test_what_is_withheld_is_gathered_by_reason() -> None:
    listed = [
        Quantity.withhold("D", "m²/s", "only 9 frames", species="Li+"),
        Quantity.withhold("D", "m²/s", "only 9 frames", species="EC"),
        Quantity.withhold("σ", "S/m", "only 9 frames"),
        Quantity.withhold("η", "Pa s", "no stress"),
        Quantity("rho", 1.0, 0.1, "g/cm³"),
    ]
    assert withheld_lines(listed) == ["D of Li+, EC; σ (only 9 frames)", "η (no stress)"]


def test_maps_and_densities_are_drawn(browser: Browser, tmp_path: Path) -> None:
    n, shares = np.arange(2.0), np.array([[0.9, 0.1], [0.3, 0.7]])
    states = MapData(
        "transition probability", n, n, shares,
        "from", "to", group="Transitions between clusters", categories=("0 anions", "1 anion"),
    )  # fmt: skip
    data = ReportData("Maps", quantities=many(), maps=[ramp(), states], clouds=[ball()])
    browser.open(build_report(data, tmp_path))
    browser.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    browser.settle()
    inked = (
        "[...document.querySelectorAll('[data-map] canvas, #clouds canvas')].map(c => {"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0;"
        "return n / (d.length / 4) })"
    )
    covered = browser.evaluate(inked)
    assert len(covered) == 3
    assert all(0.01 < share < 0.95 for share in covered)
    text = "document.querySelector('#clouds output').textContent"
    before = browser.evaluate(text)
    browser.evaluate(
        "(() => { const s = document.querySelector('#clouds input'); s.value = 0.7;"
        "s.dispatchEvent(new Event('input')) })()"
    )
    assert browser.evaluate(text) != before
    assert browser.errors == []
