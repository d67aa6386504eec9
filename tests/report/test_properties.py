"""properties.json keeps its documented schema and holds the numbers of the table."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import jsonschema
import pytest

from elyte.core import Quantity
from elyte.report import ReportData
from elyte.report.properties import (
    COLUMNS,
    properties_csv,
    properties_json,
    properties_schema,
)


def validate(records: object) -> None:
    """Check records against the shipped schema."""
    schema = properties_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(records, schema, cls=jsonschema.Draft202012Validator)


def test_the_written_file_is_valid_and_complete(page: Path, data: ReportData) -> None:
    records = json.loads((page.parent / "properties.json").read_text("utf-8"))
    validate(records)
    assert len(records) == len(data.quantities)
    for record, quantity in zip(records, data.quantities, strict=True):
        assert record["name"] == quantity.name
        assert record["temperature"] == quantity.temperature
        if quantity.withheld:
            assert record["value"] is None
            assert record["withheld"] == quantity.withheld
        else:
            assert record["value"] == quantity.value
            assert record["error"] == quantity.error
            assert "withheld" not in record


def test_no_quantities_are_an_empty_list() -> None:
    records = json.loads(properties_json([]))
    validate(records)
    assert records == []


@pytest.mark.parametrize(
    "change",
    [
        {"value": "1.2"},
        {"error": -0.1},
        {"temperature": 0},
        {"extra": 1},
        {"name": ""},
        {"withheld": "too short"},
    ],
)
def test_the_schema_refuses(change: dict[str, object]) -> None:
    record = Quantity("density", 1.2, 0.1, "g/cm³", temperature=350.0).to_record()
    validate([record])
    with pytest.raises(jsonschema.ValidationError):
        validate([{**record, **change}])


def test_the_schema_names_every_column_and_describes_it() -> None:
    described = properties_schema()["$defs"]["property"]["properties"]
    assert set(described) == set(COLUMNS)
    assert all(entry["description"] for entry in described.values())


def test_the_reference_page_names_every_column() -> None:
    path = Path(__file__).resolve().parents[2] / "docs" / "reference" / "properties.md"
    text = path.read_text("utf-8")
    assert all(f"`{column}`" in text for column in COLUMNS)


def test_csv_holds_the_same(data: ReportData) -> None:
    rows = list(csv.DictReader(io.StringIO(properties_csv(data.quantities))))
    for row, quantity in zip(rows, data.quantities, strict=True):
        assert row["name"] == quantity.name
        assert row["withheld"] == quantity.withheld
        assert row["value"] == ("" if quantity.withheld else str(quantity.value))
