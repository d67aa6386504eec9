"""The page: one HTML file with everything in it, and the properties beside it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from elyte.report import html
from elyte.report.data import ReportData
from elyte.report.fields import MOST_CLOUDS, MapData, cloud_spec, map_spec
from elyte.report.figures import curve_figures, series_figures, temperature_figures
from elyte.report.learning_figures import parity_figures, round_figures
from elyte.report.numbers import format_duration
from elyte.report.plots import Figure
from elyte.report.properties import properties_csv, properties_json
from elyte.report.structure import box_spec
from elyte.workflow.store import write_whole


def build_report(data: ReportData, folder: str | Path) -> Path:
    """Write index.html, properties.json and properties.csv into `folder`, and the data itself.

    Args:
        data: what the report shows.
        folder: made if it is not there; what it holds of an earlier report is replaced.

    Returns:
        The path of index.html, which opens from disk and needs no network.
    """
    target = Path(folder)
    data.save(target)
    write_whole(target / "properties.json", properties_json(data.quantities).encode())
    write_whole(target / "properties.csv", properties_csv(data.quantities).encode())
    write_whole(target / "index.html", render(data).encode())
    return target / "index.html"


def render(data: ReportData) -> str:
    """Return the whole page as one string of HTML."""
    page = _Page(data)
    sections = [part for part in page.sections() if part]
    box = box_spec(data)
    scripts = [html.script_json("figures-data", page.specs)]
    scripts += [html.script_json("box-data", box)] if box else []
    scripts += [html.script_json("maps-data", page.maps)] if page.maps else []
    clouds = [cloud_spec(c) for c in data.clouds[:MOST_CLOUDS]]
    scripts += [html.script_json("clouds-data", clouds)] if clouds else []
    parts = {"viewer.js": bool(box), "maps.js": bool(page.maps), "clouds.js": bool(clouds)}
    names = ["plots.js", "theme.js", *(name for name, used in parts.items() if used)]
    scripts += [f"<script>{_asset(name)}</script>" for name in names]
    return _DOCUMENT.format(
        title=html.text(data.title),
        style=_asset("page.css"),
        subtitle=f'<p class="subtitle">{html.text(data.subtitle)}</p>' if data.subtitle else "",
        notice=_notice(data),
        navigation=page.navigation(),
        body="\n".join(sections),
        footer=_footer(data),
        scripts="\n".join(scripts),
    )


_DOCUMENT = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; \
style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<header>
<button type="button" id="theme" hidden>Dark</button>
<h1>{title}</h1>
{subtitle}
{navigation}
{notice}
</header>
<main>
<noscript><p class="notice">The plots need JavaScript; the tables do not.</p></noscript>
{body}
</main>
<footer>{footer}</footer>
{scripts}
</body>
</html>
"""


def _asset(name: str) -> str:
    return (files("elyte.report") / "assets" / name).read_text("utf-8")


def _notice(data: ReportData) -> str:
    withheld = sum(bool(quantity.withheld) for quantity in data.quantities)
    parts = []
    if withheld:
        one = withheld == 1
        parts.append(
            f"{withheld} propert{'y is' if one else 'ies are'} withheld: the reason"
            f"{' stands' if one else 's stand'} in the table"
        )
    if data.warnings:
        count = len(data.warnings)
        parts.append(f'<a href="#warnings">{count} warning{"" if count == 1 else "s"}</a>')
    return f'<div class="notice"><p>{"; ".join(parts)}.</p></div>' if parts else ""


def _footer(data: ReportData) -> str:
    version = dict(data.provenance).get("elyte", "")
    return html.text(f"Made by elyte {version}".strip() + ".")


class _Page:
    """Builds the sections in order and numbers the plots as it goes."""

    def __init__(self, data: ReportData) -> None:
        self.data = data
        self.specs: list[dict[str, Any]] = []
        self.maps: list[dict[str, Any]] = []
        self.contents: list[tuple[str, str]] = []
        self._hinted = False

    def sections(self) -> list[str]:
        """Return all sections; those without content are empty strings."""
        data = self.data
        curves = curve_figures(data.curves, data.quantities)
        by_section = {
            name: [figure for section, figure in curves if section == name]
            for name in (*_FIGURE_SECTIONS, "temperature")
        }
        over_temperature = [*temperature_figures(data.quantities), *by_section["temperature"]]
        return [
            self._section("properties", "Properties", html.properties_html(data.quantities)),
            self._section("warnings", "Warnings and outcomes", html.bullets(data.warnings)),
            self._section("recipe", "Recipe" if data.recipe_text else "System", self._recipe()),
            self._section("box", "Box", self._box()),
            *(
                self._plots(name, title, by_section[name], self._space(name))
                for name, title in _FIGURE_SECTIONS.items()
            ),
            self._plots("temperature", "Dependence on temperature", over_temperature),
            self._plots("production", "Production runs", series_figures(data.series)),
            self._plots("accuracy", "Accuracy of the potential", parity_figures(data.parity)),
            self._plots("learning", "Learning", round_figures(data), after=self._rounds()),
            self._section("provenance", "Versions, seeds and time", self._provenance()),
            self._section("citations", "How to cite the methods", self._citations()),
        ]

    def navigation(self) -> str:
        """Return links to the sections that exist."""
        links = "".join(
            f'<a href="#{identifier}">{html.text(title)}</a>' for identifier, title in self.contents
        )
        return f'<nav aria-label="Sections">{links}</nav>' if len(self.contents) > 1 else ""

    def _section(self, identifier: str, title: str, *parts: str) -> str:
        section = html.section(identifier, title, *parts)
        if section:
            self.contents.append((identifier, title))
        return section

    def _plots(
        self, identifier: str, title: str, figures: Sequence[Figure], after: str = ""
    ) -> str:
        maps = [m for m in self.data.maps if section_of_map(m.group) == identifier]
        if not figures and not maps and not after:
            return ""
        kelvins = {f.temperature for f in figures} | {m.temperature for m in maps}
        temperatures = sorted(t for t in kelvins if t is not None)
        first = temperatures[0] if temperatures else None
        shown = _grid([self._figure(f, first) for f in figures if not f.more])
        folded = [self._figure(f, first) for f in figures if f.more]
        folded += [self._map(m, first) for m in maps]
        count = len(folded)
        more = html.details(f"{count} more figure{'' if count == 1 else 's'}", _grid(folded))
        hint = "" if self._hinted or not figures else _HINT
        self._hinted = self._hinted or bool(figures)
        return self._section(identifier, title, hint, html.tabs(temperatures), shown, more, after)

    def _figure(self, figure: Figure, first: float | None) -> str:
        self.specs.append(figure.spec())
        return html.figure(figure, len(self.specs) - 1, first)

    def _map(self, shown: MapData, first: float | None) -> str:
        self.maps.append(map_spec(shown))
        return html.map_figure(shown, len(self.maps) - 1, first)

    def _space(self, section: str) -> str:
        """Return the view of densities around molecules, in the section of structure."""
        clouds = self.data.clouds[:MOST_CLOUDS]
        if section != "structure" or not clouds:
            return ""
        choices = "".join(f"<option>{html.text(c.label)}</option>" for c in clouds)
        return _CLOUDS.format(choices=choices)

    def _recipe(self) -> str:
        data = self.data
        recipe = f"<div><pre>{html.text(data.recipe_text)}</pre></div>" if data.recipe_text else ""
        realised = html.definitions(data.realised)
        if realised:
            realised = f"<div><h3>Realised as</h3>{realised}</div>"
        if recipe and realised:
            return f'<div class="columns">{recipe}{realised}</div>'
        return recipe or realised

    def _box(self) -> str:
        box = box_spec(self.data)
        if box is None:
            return ""
        elements = "".join(
            f'<li><i style="background:{e["colour"]}"></i>{e["name"]}</li>' for e in box["elements"]
        )
        fade = _HIGHLIGHT if any(box["ion"]) else ""
        edges = ""
        if self.data.frame is not None and self.data.frame.volume > 0:
            lengths = (sum(x * x for x in row) ** 0.5 for row in self.data.frame.cell.tolist())
            edges = " in a cell of " + " × ".join(f"{a:.1f}" for a in lengths) + " Å"
        return _BOX.format(elements=elements, fade=fade, atoms=f"{len(box['kind'])} atoms{edges}")

    def _rounds(self) -> str:
        rounds = self.data.rounds
        if not rounds:
            return ""
        header = _ROUND_COLUMNS
        rows: list[tuple[str, ...]] = [
            (
                str(r.index),
                str(r.labels_total),
                str(r.labels_new),
                _milli(r.force_rmse_validation),
                _milli(r.force_rmse_train),
                _milli(r.energy_rmse),
                "–" if r.max_grade is None else f"{r.max_grade:.3g}",
                f"{r.trajectories_stopped} of {r.trajectories}"
                if r.trajectories
                else str(r.trajectories_stopped),
                format_duration(r.seconds_label + r.seconds_train + r.seconds_explore),
                r.note,
            )
            for r in rounds
        ]
        if not any(row[-1] for row in rows):
            header, rows = header[:-1], [row[:-1] for row in rows]
        return f"<details><summary>All rounds</summary>{html.table(header, rows)}</details>"

    def _provenance(self) -> str:
        data = self.data
        facts = html.definitions(data.provenance)
        total = sum(seconds for _, seconds in data.elapsed)
        rows = [(stage, format_duration(seconds)) for stage, seconds in data.elapsed]
        times = html.table(("Stage", "Wall time"), [*rows, ("together", format_duration(total))])
        if not data.elapsed:
            return facts
        return f'<div class="columns"><div>{facts}</div><div>{times}</div></div>'

    def _citations(self) -> str:
        items = []
        for work in self.data.citations:
            doi = f"https://doi.org/{html.text(work.doi)}"
            link = f' <a href="{doi}">doi:{html.text(work.doi)}</a>' if work.doi else ""
            items.append(f"<li>{html.text(work.used_for)}: {html.text(work.text)}.{link}</li>")
        return f"<ul>{''.join(items)}</ul>" if items else ""


def _grid(frames: Sequence[str]) -> str:
    return f'<div class="grid">{"".join(frames)}</div>' if frames else ""


_FIGURE_SECTIONS = {
    "structure": "Structure",
    "speciation": "Speciation",
    "conformations": "Conformations",
    "dynamics": "Dynamics",
    "transport": "Transport",
    "results": "Further results",
}


def section_of_map(group: str) -> str:
    """Return the section in which a map stands."""
    if group.startswith("Transitions"):
        return "speciation"
    return "conformations" if group.startswith("Conformers") else "structure"


_CLOUDS = """<h3 id="space-title">Density in space</h3>
<div id="clouds"><div class="canvas"><canvas tabindex="0" role="img" \
aria-label="Surface of equal density around a molecule"></canvas></div>
<div><p><label>Show <select>{choices}</select></label></p>
<p><label>Level <input type="range" min="0.04" max="0.9" step="0.02" value="0.3"></label></p>
<p class="caption"><output></output></p>
<p class="hint">Drag to turn it; the arrow keys turn it too. Cube files with the numbers lie \
beside the curves.</p></div></div>"""
_ROUND_COLUMNS: tuple[str, ...] = (
    "Round",
    "Labels",
    "New",
    "Force RMSE, unseen (meV/Å)",
    "Training (meV/Å)",
    "Energy RMSE (meV/atom)",
    "Largest grade",
    "Stopped",
    "Time",
    "Note",
)


def _milli(value: float | None) -> str:
    return "–" if value is None else f"{1e3 * value:.3g}"


_HINT = (
    '<p class="hint">Point at a plot, or tap it, to read values; drag over it to zoom and '
    "double-click to go back; a name in a legend hides its line.</p>"
)
_HIGHLIGHT = (
    '<p class="controls"><label><input type="checkbox" checked> Highlight the ions</label></p>'
)
_BOX = """<div id="viewer"><div class="canvas"><canvas tabindex="0" role="img" \
aria-label="Three-dimensional view of the simulation box: {atoms}"></canvas></div>
<div><p>{atoms}.</p><ul class="elements">{elements}</ul>{fade}
<div class="controls"><button type="button" data-zoom="1.25" aria-label="Larger">+</button>\
<button type="button" data-zoom="0.8" aria-label="Smaller">−</button>\
<button type="button">Reset view</button></div>
<p class="hint">Drag to turn the box; the arrow keys turn it too.</p>
<p class="note caption" aria-live="polite"></p></div></div>"""
