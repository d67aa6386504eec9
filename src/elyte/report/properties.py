"""`properties.json` and `properties.csv`: the table of the page for other programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from elyte.core.quantity import Quantity

COLUMNS = (
    "name",
    "species",
    "temperature",
    "value",
    "error",
    "unit",
    "n_effective",
    "method",
    "withheld",
)


def properties_schema() -> dict[str, Any]:
    """Return the JSON schema (draft 2020-12) of `properties.json`."""
    text = (files("elyte.report") / "assets" / "properties.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def properties_json(quantities: Sequence[Quantity]) -> str:
    """Return the records of `quantities` as JSON text; an unknown number is null."""
    records = [quantity.to_record() for quantity in quantities]
    return json.dumps(records, ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def properties_csv(quantities: Sequence[Quantity]) -> str:
    """Return the same records as CSV text with a header; an unknown number is empty."""
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for quantity in quantities:
        writer.writerow(quantity.to_record())
    return buffer.getvalue()
