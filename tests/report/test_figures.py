"""Figure specifications: what is drawn equals what was given, thinned but not changed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from elyte.core import Quantity
from elyte.report import CurveData, ParityData, ReportData, RoundRecord
from elyte.report.figures import curve_figures, series_figures, temperature_figures
from elyte.report.learning_figures import MAX_DOTS, parity_figures, round_figures
from elyte.report.plots import MAX_POINTS, binned, significant, thinned


def test_every_curve_is_drawn_once(data: ReportData) -> None:
    figures = curve_figures(data.curves, data.quantities)
    drawn = sum(
        not series.get("grey") for _, f in figures for panel in f.panels for series in panel.series
    )
    assert drawn == len(data.curves)


def test_specifications_are_strict_json(data: ReportData) -> None:
    figures = [f for _, f in curve_figures(data.curves, data.quantities)]
    figures += series_figures(data.series) + round_figures(data) + parity_figures(data.parity)
    for figure in figures:
        json.dumps(figure.spec(), allow_nan=False)


def test_rdf_and_coordination_share_a_figure(data: ReportData) -> None:
    structure = [f for section, f in curve_figures(data.curves) if section == "structure"]
    rdf = [f for f in structure if "Radial" in f.title]
    assert [f.temperature for f in rdf] == [350.0, 400.0]
    assert all([p.y.name for p in f.panels] == ["g(r)", "N(r)"] for f in rdf)


def test_coordination_alone_is_a_figure_of_its_own() -> None:
    curve = CurveData("N(r)", [0.0, 1.0], [0.0, 4.0], x_unit="Å", group="coordination")
    ((section, figure),) = curve_figures([curve])
    assert (section, len(figure.panels)) == ("structure", 1)


def test_unknown_groups_get_their_own_title() -> None:
    curve = CurveData("decay", [0.0, 1.0], [1.0, 0.5], x_unit="ps", group="pair lifetime")
    ((section, figure),) = curve_figures([curve])
    assert (section, figure.title) == ("results", "Pair lifetime")


def test_bars_of_two_temperatures_stand_side_by_side(data: ReportData) -> None:
    (figure,) = [f for _, f in curve_figures(data.curves) if f.title == "Speciation"]
    assert figure.temperature is None
    assert [s["label"] for s in figure.panels[0].series] == ["350 K", "400 K"]
    assert figure.panels[0].categories == ["SSIP", "CIP", "AGG"]


def test_bars_with_different_categories_find_their_places() -> None:
    curves = [
        CurveData("share", [], [0.4, 0.6], None, categories=["a", "b"], label="one"),
        CurveData("share", [], [1.0], None, categories=["b"], label="two"),
    ]
    ((_, figure),) = curve_figures(curves)
    assert [s["y"] for s in figure.panels[0].series] == [[0.4, 0.6], [None, 1.0]]


def test_thinning_keeps_the_ends_and_few_points() -> None:
    x = np.arange(1, 100_001) / 10
    for log in (False, True):
        kept = thinned(x, log)
        assert len(kept) <= MAX_POINTS
        assert (kept[0], kept[-1]) == (0, len(x) - 1)
        assert (np.diff(kept) > 0).all()
    assert len(thinned(np.array([0.0, 1.0, 2.0]), True)) == 2


def test_bins_hold_means_and_deviations() -> None:
    x, y = np.arange(100.0), np.random.default_rng(0).normal(size=100)
    centre, mean, deviation = binned(x, y, 10)
    np.testing.assert_allclose(mean, y.reshape(10, 10).mean(axis=1))
    np.testing.assert_allclose(deviation, y.reshape(10, 10).std(axis=1))
    np.testing.assert_allclose(centre, x.reshape(10, 10).mean(axis=1))


def test_the_worst_points_of_a_parity_plot_are_drawn() -> None:
    rng = np.random.default_rng(1)
    reference = rng.normal(size=20_000)
    predicted = reference + 0.01 * rng.normal(size=20_000)
    predicted[777] += 3
    (figure,) = parity_figures([ParityData("forces", reference, predicted, "eV/Å")])
    (series,) = figure.panels[0].series
    assert len(series["x"]) <= MAX_DOTS
    assert max(np.abs(np.array(series["x"]) - series["y"])) == pytest.approx(3, abs=0.05)
    assert "20000 values" in figure.caption
    rmse = np.sqrt(np.mean((predicted - reference) ** 2))
    assert figure.rows == [("forces", "20000", f"{1e3 * rmse:.3g}", figure.rows[0][3])]


def test_parity_rows_are_by_atomic_number(data: ReportData) -> None:
    forces = parity_figures(data.parity)[0]
    assert [row[0] for row in forces.rows] == ["H", "Li", "C", "O", "F", "P", "all"]


def test_rounds_without_numbers_leave_no_empty_figure() -> None:
    bare = ReportData("t", rounds=[RoundRecord(0, 10, 10)])
    assert [f.title for f in round_figures(bare)] == ["Labels"]
    assert round_figures(ReportData("t")) == []


def test_dependence_on_temperature_needs_two_temperatures() -> None:
    def at(kelvin: float, value: float) -> Quantity:
        return Quantity("D", value, 0.1 * value, "m²/s", species="Li", temperature=kelvin)

    assert temperature_figures([at(300, 1.0)]) == []
    (figure,) = temperature_figures([at(400, 20.0), at(300, 1.0)])
    assert figure.panels[0].series[0]["x"] == [300, 400]
    assert figure.panels[0].y.log
    withheld = Quantity.withhold("D", "m²/s", "no", species="Li", temperature=400.0)
    assert temperature_figures([at(300, 1.0), withheld]) == []


def test_curves_without_a_group_are_known_by_name() -> None:
    curve = CurveData("mean squared displacement", [1.0, 2.0], [1.0, 2.0], x_unit="ps", y_unit="Å²")
    ((section, figure),) = curve_figures([curve])
    assert section == "transport"
    assert figure.panels[0].x.log


def test_the_value_of_the_table_is_a_line_in_the_running_conductivity(data: ReportData) -> None:
    running = [f for _, f in curve_figures(data.curves, data.quantities) if "running" in f.title]
    assert [len(f.panels[0].lines) for f in running] == [1, 0]  # withheld at 400 K
    assert running[0].panels[0].lines[0]["y"] == 1.31


def test_small_differences_of_large_values_keep_their_digits() -> None:
    energies = -64.6949 + 1e-4 * np.arange(5) / 7
    kept = np.array(significant(energies))
    assert np.abs(kept - energies).max() < 1e-4 * np.ptp(energies)
    assert significant([1.0, float("nan"), 2.0 / 3]) == [1.0, None, 0.66667]


def test_a_curve_without_a_value_leaves_no_name_in_the_legend() -> None:
    empty = CurveData("C(t)", [0.0, 1.0], [np.nan, np.nan], label="CIP", group="Rotation")
    full = CurveData("C(t)", [0.0, 1.0], [1.0, 0.5], label="SSIP", group="Rotation")
    ((_, figure),) = curve_figures([empty, full])
    assert [s["label"] for s in figure.panels[0].series] == ["SSIP"]
    assert curve_figures([empty]) == []


def test_both_axes_of_a_parity_plot_are_in_one_unit() -> None:
    values = 1e-3 * np.arange(4.0)
    (figure,) = parity_figures([ParityData("energies", values, values + 1e-4, "eV/atom")])
    (panel,) = figure.panels
    assert panel.x.unit == panel.y.unit == "meV/atom"
    assert panel.series[0]["x"] == [0.0, 1.0, 2.0, 3.0]
