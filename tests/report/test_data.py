"""Report data is saved and read back as it was, and refuses what does not fit."""

from __future__ import annotations

import json
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elyte.analysis.curve import Curve
from elyte.core import DamagedData, FormatError, Frame, InputError, Quantity
from elyte.report import CurveData, ParityData, ReportData, from_analysis


def assert_same(a: Any, b: Any) -> None:
    """Compare nested dataclasses, sequences, arrays and plain values; nan equals nan."""
    if is_dataclass(a):
        assert type(a) is type(b)
        for f in fields(a):
            assert_same(getattr(a, f.name), getattr(b, f.name))
    elif isinstance(a, np.ndarray):
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    elif isinstance(a, list | tuple):
        assert len(a) == len(b)
        for left, right in zip(a, b, strict=True):
            assert_same(left, right)
    else:
        assert a == b or (a != a and b != b)


def test_saving_and_loading_returns_the_same(data: ReportData, tmp_path: Path) -> None:
    data.save(tmp_path)
    assert_same(data, ReportData.load(tmp_path))


def test_saving_again_leaves_one_array_file(data: ReportData, tmp_path: Path) -> None:
    data.save(tmp_path)
    ReportData("another", quantities=[Quantity("x", 1, 0.1, "1", samples=np.ones(3))]).save(
        tmp_path
    )
    assert len(list(tmp_path.glob("data-*.npz"))) == 1
    assert ReportData.load(tmp_path).title == "another"


def test_nothing_is_pickled(data: ReportData, tmp_path: Path) -> None:
    json.loads(data.save(tmp_path).read_text())
    (arrays,) = tmp_path.glob("*.npz")
    with np.load(arrays, allow_pickle=False) as loaded:
        assert all(loaded[name].dtype != object for name in loaded.files)


def test_awkward_values_survive(tmp_path: Path) -> None:
    details = {"window": (1.0, 2.0), "nothing": None, "inf": float("inf"), "n": np.int64(3)}
    quantity = Quantity("x", 1.0, float("nan"), "1", details=details)
    ReportData("ü <&> \u2028 \x00", quantities=[quantity]).save(tmp_path)
    loaded = ReportData.load(tmp_path)
    assert loaded.title == "ü <&> \u2028 \x00"
    assert loaded.quantities[0].details == {**details, "n": 3}


def test_an_empty_report_is_saved(tmp_path: Path) -> None:
    ReportData("empty").save(tmp_path)
    assert ReportData.load(tmp_path).frame is None


def test_damage_is_noticed(data: ReportData, tmp_path: Path) -> None:
    data.save(tmp_path)
    (arrays,) = tmp_path.glob("*.npz")
    content = bytearray(arrays.read_bytes())
    content[len(content) // 2] ^= 1
    arrays.write_bytes(content)
    with pytest.raises(DamagedData, match="not what was saved"):
        ReportData.load(tmp_path)
    arrays.unlink()
    with pytest.raises(DamagedData, match="missing"):
        ReportData.load(tmp_path)


def test_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no saved report data"):
        ReportData.load(tmp_path)
    (tmp_path / "data.json").write_text("[1, 2]")
    with pytest.raises(FormatError, match="not saved report data"):
        ReportData.load(tmp_path)
    (tmp_path / "data.json").write_text(
        '{"format": 99, "arrays": "a.npz", "sha256": "", "content": {}}'
    )
    with pytest.raises(FormatError, match="format 99"):
        ReportData.load(tmp_path)


def test_vectors_of_different_lengths_are_refused() -> None:
    with pytest.raises(InputError, match="lengths"):
        CurveData("y", np.arange(3), np.arange(4))
    with pytest.raises(InputError, match="lengths"):
        CurveData("y", np.arange(3), np.arange(3), np.arange(2))
    with pytest.raises(InputError, match="lengths"):
        CurveData("y", [], np.arange(3), categories=["a", "b"])
    with pytest.raises(InputError, match="dimensions"):
        CurveData("y", np.ones((2, 2)), np.ones((2, 2)))
    with pytest.raises(InputError, match="different lengths"):
        ParityData("forces", [1.0], [1.0, 2.0], "eV/Å")
    with pytest.raises(InputError, match="different lengths"):
        ParityData("forces", [1.0, 2.0], [1.0, 2.0], "eV/Å", ["H"])


def test_parity_errors_are_those_of_the_definition() -> None:
    parity = ParityData("forces", [0, 0, 0, 0], [1, -1, 3, 0], "eV/Å", ["H", "H", "O", "O"])
    assert parity.errors() == pytest.approx((np.sqrt(11 / 4), 5 / 4))
    assert parity.errors("H") == pytest.approx((1.0, 1.0))
    assert parity.errors("O") == pytest.approx((np.sqrt(9 / 2), 1.5))


def test_curves_of_the_analysis_are_taken_over() -> None:
    curve = Curve("g(r)", np.arange(3.0), np.ones(3), None, "Å", "", "Li–O", "Li",
                  {"window": (1, 2)})  # fmt: skip
    taken = from_analysis(curve, "rdf", 350.0)
    assert (taken.name, taken.group, taken.temperature, taken.window) == (
        "g(r)", "rdf", 350.0, (1.0, 2.0),
    )  # fmt: skip


def test_values_are_frozen() -> None:
    curve = CurveData("y", [0.0, 1.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="read-only"):
        curve.y[0] = 5.0
    frame = Frame([1], [[0.0, 0.0, 0.0]])
    assert ReportData("t", frame=frame).frame is frame
