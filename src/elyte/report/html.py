"""Small pieces of HTML; all text that comes from outside is escaped here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

from elyte.core.quantity import Quantity
from elyte.report.categories import by_category
from elyte.report.fields import MapData
from elyte.report.numbers import (
    Group,
    Number,
    format_number,
    format_samples,
    format_temperature,
    group_quantities,
)
from elyte.report.plots import Figure


def text(value: object) -> str:
    """Return a value as escaped text."""
    return escape(str(value), quote=True)


def formula(value: str) -> str:
    """Return escaped text in which "κ_T" has a subscript."""
    return re.sub(r"(?<=\w)_(\w+)", r"<sub>\1</sub>", text(value))


def script_json(identifier: str, value: Any) -> str:
    """Return `value` as a JSON block that a script reads; no text in it can end the block."""
    content = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    content = content.replace("<", "\\u003c").replace("\u2028", "\\u2028")
    return f'<script type="application/json" id="{identifier}">{content}</script>'


def section(identifier: str, title: str, *parts: str) -> str:
    """Return a section with its heading, or nothing when all its parts are empty."""
    body = "\n".join(part for part in parts if part)
    if not body:
        return ""
    return (
        f'<section id="{identifier}" aria-labelledby="{identifier}-title">\n'
        f'<h2 id="{identifier}-title">{text(title)}</h2>\n{body}\n</section>'
    )


def definitions(pairs: Iterable[tuple[str, str]]) -> str:
    """Return (label, value) pairs as a list of definitions."""
    rows = "".join(f"<dt>{text(label)}</dt><dd>{text(value)}</dd>" for label, value in pairs)
    return f"<dl>{rows}</dl>" if rows else ""


def bullets(lines: Iterable[str]) -> str:
    """Return lines of text as a list."""
    items = "".join(f"<li>{text(line)}</li>" for line in lines)
    return f"<ul>{items}</ul>" if items else ""


def table(header: Sequence[str], rows: Sequence[Sequence[str]], kind: str = "lines") -> str:
    """Return a table whose first column names its rows; columns of numbers are right-aligned."""
    if not rows:
        return ""
    head = "".join(_cell("th", name, name, ' scope="col"') for name in header)
    body = "".join(
        "<tr>"
        + "".join(
            _cell("td" if i else "th", value, header[i], "" if i else ' scope="row"')
            for i, value in enumerate(row)
        )
        + "</tr>"
        for row in rows
    )
    return (
        f'<div class="wide"><table class="{kind}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


LEFT = ("", "Stage", "Round", "Note")
"""Columns of text; all others hold numbers."""


def _cell(tag: str, value: str, column: str, scope: str) -> str:
    align = "" if column in LEFT else ' class="right"'
    return f"<{tag}{align}{scope}>{text(value)}</{tag}>"


def figure(shown: Figure, number: int, first_temperature: float | None) -> str:
    """Return the frame of a plot; `number` is its place among the specifications."""
    at, place, classes = "", "", ""
    if shown.temperature is not None:
        kelvin = format_temperature(shown.temperature)
        at, place = f' data-at="{kelvin}"', f' <span class="at-temperature">at {kelvin} K</span>'
        classes = "" if shown.temperature == first_temperature else ' class="away"'
    errors = table(shown.header, shown.rows, "small") if shown.rows else ""
    caption = f"<figcaption>{text(shown.caption)}</figcaption>" if shown.caption else ""
    return (
        f"<figure{classes}{at}><h3>{text(shown.title)}{place}</h3>"
        f'<div class="plot" data-figure="{number}"></div>{caption}{errors}</figure>'
    )


def map_figure(shown: MapData, number: int, first_temperature: float | None) -> str:
    """Return the frame of a map; `number` is its place among the specifications."""
    at, classes, place = "", "", ""
    if shown.temperature is not None:
        kelvin = format_temperature(shown.temperature)
        at, place = f' data-at="{kelvin}"', f' <span class="at-temperature">at {kelvin} K</span>'
        classes = "" if shown.temperature == first_temperature else ' class="away"'
    unit = "" if shown.z_unit in ("", "1") else f", in {shown.z_unit}"
    caption = f"<figcaption>Colours: {text(shown.name + unit)}.</figcaption>"
    title = f"{shown.group or shown.name}: {shown.label}" if shown.label else shown.group
    return (
        f"<figure{classes}{at}><h3>{text(title)}{place}</h3>"
        f'<div class="map" data-map="{number}"></div>{caption}</figure>'
    )


def tabs(temperatures: Sequence[float]) -> str:
    """Return the buttons that choose the temperature of the plots below, if there is a choice."""
    if len(temperatures) < 2:
        return ""
    buttons = "".join(
        f'<button type="button" data-temperature="{format_temperature(t)}" '
        f'aria-pressed="{"true" if t == temperatures[0] else "false"}">'
        f"{format_temperature(t)} K</button>"
        for t in temperatures
    )
    return f'<div class="tabs" role="group" aria-label="Temperature">Temperature {buttons}</div>'


def details(summary: str, *parts: str, kind: str = "", opened: bool = False) -> str:
    """Return parts that are folded away until one asks for them, or nothing without parts."""
    body = "\n".join(part for part in parts if part)
    if not body:
        return ""
    name = f' class="{kind}"' if kind else ""
    shown = " open" if opened else ""
    return f"<details{name}{shown}><summary>{text(summary)}</summary>\n{body}\n</details>"


def properties_html(quantities: Sequence[Quantity]) -> str:
    """Return the table of properties, under headings and with long parts folded where it is long.

    Properties without a value stand at the end of their heading, folded away.
    """
    if len(quantities) <= _ONE_TABLE:
        return property_table_html(quantities)
    parts = [_category(*item) for item in by_category(quantities).items()]
    return "\n".join([*parts, f'<p class="caption">{_PROPERTY_CAPTION}</p>'])


_ONE_TABLE = 30
_FOLDED_FROM = 20  # rows of one heading


def _category(heading: str, quantities: Sequence[Quantity]) -> str:
    known = [q for q in quantities if not q.withheld]
    missing = [q for q in quantities if q.withheld]
    rest = details(f"{len(missing)} withheld", withheld_table_html(missing), kind="withheld-rows")
    table = property_table_html(known, False)
    title = f"{heading} ({len(known)})" if known else f"{heading} (no values)"
    return details(title, table, rest, kind="category", opened=0 < len(known) <= _FOLDED_FROM)


def property_table_html(quantities: Sequence[Quantity], captioned: bool = True) -> str:
    """Return a table of properties: decimal points aligned, one body for each property."""
    groups = group_quantities(quantities)
    if not groups:
        return ""
    names = ("Property", "Of", "T (K)", "Value ± error", "Unit", "n", "Method")
    head = "".join(
        f'<th scope="col"{_COLUMN_CLASS.get(name, "")}>{name}'
        + ("<sub>eff</sub></th>" if name == "n" else "</th>")
        for name in names
    )
    bodies = "".join(_property_group(group) for group in groups)
    caption = f"<caption>{_PROPERTY_CAPTION}</caption>" if captioned else ""
    return f'<table class="properties">{caption}<thead><tr>{head}</tr></thead>{bodies}</table>'


def withheld_table_html(quantities: Sequence[Quantity]) -> str:
    """Return the table of what has no value, with the reason and what would help."""
    if not quantities:
        return ""
    names = ("Property", "Of", "T (K)", "Why there is no value")
    head = "".join(f'<th scope="col"{_COLUMN_CLASS.get(n, "")}>{n}</th>' for n in names)
    bodies = []
    for group in group_quantities(quantities):
        reasons = [q.withheld for q in group.quantities]
        rows = []
        for i, quantity in enumerate(group.quantities):
            span = _run_length(reasons, i)
            shared = " shared" if 1 < span == len(reasons) else ""
            reason = f'<td class="method{shared}"{_rowspan(span)}>{formula(reasons[i])}</td>'
            name = "" if i else _name_cell(group)
            rows.append(f"<tr>{name}{_place_cells(quantity)}{reason if span else ''}</tr>")
        bodies.append(f"<tbody>{''.join(rows)}</tbody>")
    return f'<table class="properties"><thead><tr>{head}</tr></thead>{"".join(bodies)}</table>'


_COLUMN_CLASS = {"T (K)": ' class="right"', "n": ' class="right"'}
_PROPERTY_CAPTION = (
    "Errors are standard errors (one sigma); n<sub>eff</sub> is the number of effectively "
    "independent samples behind them. The same numbers are in "
    '<a href="properties.json">properties.json</a> and <a href="properties.csv">properties.csv</a>'
    " beside this page."
)


def _property_group(group: Group) -> str:
    numbers = [format_number(q.value, q.error, group.exponent) for q in group.quantities]
    widths = (
        max(len(number.whole) for number in numbers),
        max(len(number.fraction) for number in numbers),
    )
    methods = [quantity.withheld or quantity.method for quantity in group.quantities]
    rows = []
    for i, (quantity, number) in enumerate(zip(group.quantities, numbers, strict=True)):
        first = i == 0
        name = _name_cell(group) if first else ""
        span = _run_length(methods, i)
        shared = " shared" if 1 < span == len(methods) else ""
        method = (
            f'<td class="method{shared}"{_rowspan(span)}>{formula(methods[i])}</td>' if span else ""
        )
        rows.append(f"<tr>{name}{_property_cells(group, quantity, number, widths)}{method}</tr>")
    return f"<tbody>{''.join(rows)}</tbody>"


def _name_cell(group: Group) -> str:
    name = group.name[:1].upper() + group.name[1:]
    return f'<th scope="rowgroup"{_rowspan(len(group.quantities))}>{formula(name)}</th>'


def _rowspan(count: int) -> str:
    return f' rowspan="{count}"' if count > 1 else ""


def _run_length(values: Sequence[str], start: int) -> int:
    """Return how many equal values follow from `start`; 0 inside such a run."""
    if start and values[start] == values[start - 1]:
        return 0
    end = start
    while end < len(values) and values[end] == values[start]:
        end += 1
    return end - start


def _place_cells(quantity: Quantity) -> str:
    """Return the cells that say of what and at which temperature."""
    kelvin = "" if quantity.temperature is None else format_temperature(quantity.temperature)
    return (
        f'<td class="species">{text(quantity.species)}</td>'
        f'<td class="temperature right">{kelvin}</td>'
    )


def _property_cells(
    group: Group, quantity: Quantity, number: Number, widths: tuple[int, int]
) -> str:
    if quantity.withheld:
        value, unit = '<td class="number withheld">withheld</td>', '<td class="unit"></td>'
    else:
        error = f'<span class="e"> ± {number.error}</span>' if number.error else ""
        value = (
            '<td class="number">'
            f'<span class="w" style="min-width:{widths[0]}ch">{number.whole}</span>'
            f'<span class="f" style="min-width:{widths[1]}ch">{number.fraction}</span>{error}</td>'
        )
        unit = f'<td class="unit">{text(group.printed_unit)}</td>'
    return (
        f"{_place_cells(quantity)}{value}{unit}"
        f'<td class="samples right">{format_samples(quantity.n_effective)}</td>'
    )
