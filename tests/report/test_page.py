"""The page in a headless Chromium: all is there, nothing fails, nothing is fetched."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from browser import Browser
from elyte.core import Frame, Quantity
from elyte.report import Citation, CurveData, ParityData, ReportData, RoundRecord, build_report
from elyte.report.page import render

SECTIONS = [
    "properties", "warnings", "recipe", "box", "structure", "speciation", "transport",
    "temperature", "production", "accuracy", "learning", "provenance", "citations",
]  # fmt: skip


def test_every_section_plot_and_row_is_drawn(
    browser: Browser, page: Path, data: ReportData
) -> None:
    browser.open(page)
    assert browser.evaluate("[...document.querySelectorAll('section')].map(s => s.id)") == SECTIONS
    rows = browser.evaluate("document.querySelectorAll('.properties tbody tr').length")
    assert rows == len(data.quantities)
    plots = browser.evaluate("document.querySelectorAll('.plot').length")
    drawn = browser.evaluate(
        "[...document.querySelectorAll('.plot')].filter(p => p.querySelector("
        "'svg path.line[d^=M], svg path.dots[d^=M], .stage svg rect[fill]')).length"
    )
    assert plots == drawn == 24
    assert browser.errors == []


def test_nothing_is_fetched(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert browser.requests == [page.resolve().as_uri()]
    text = page.read_text("utf-8")
    assert not re.search(r"""(src|href)=["'](https?:)?//(?!doi\.org)""", text)
    assert len(text.encode()) < 1_500_000


def test_the_box_is_drawn_and_turns(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate("document.querySelector('#viewer').scrollIntoView()")
    shot = "document.querySelector('#viewer canvas').toDataURL()"
    before = browser.evaluate(shot)
    inked = browser.evaluate(
        "(() => { const c = document.querySelector('#viewer canvas');"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "let n = 0; for (let i = 3; i < d.length; i += 4) n += d[i] > 0;"
        "return n / (d.length / 4) })()"
    )
    assert 0.05 < inked < 0.9
    x, y = _centre(browser, "#viewer canvas")
    browser.mouse("mousePressed", x, y)
    browser.mouse("mouseMoved", x + 60, y + 20)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x + 90, y=y, buttons=1)
    browser.mouse("mouseReleased", x + 90, y)
    browser.settle()
    assert browser.evaluate(shot) != before
    assert browser.errors == []


def _centre(browser: Browser, selector: str) -> tuple[float, float]:
    x, y = browser.evaluate(
        f"(() => {{ const r = document.querySelector('{selector}').getBoundingClientRect();"
        "return [r.x + r.width / 2, r.y + r.height / 2] })()"
    )
    return x, y


def test_values_are_read_and_zoomed(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate("document.querySelector('.plot').scrollIntoView()")
    browser.settle()
    x, y = _centre(browser, ".plot svg:last-of-type path.line")
    browser.mouse("mouseMoved", x, y)
    readout = browser.evaluate("document.querySelector('.plot .readout').textContent")
    assert "distance r" in readout
    assert "Li–O(EC)" in readout
    ticks = (
        "[...document.querySelectorAll('.plot')[0].querySelectorAll('text')]"
        ".map(t => t.textContent)"
    )
    before = browser.evaluate(ticks)
    browser.mouse("mousePressed", x - 60, y)
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=1)
    browser.mouse("mouseReleased", x + 40, y)
    assert browser.evaluate(ticks) != before
    browser.evaluate("document.querySelector('.plot .reset').click()")
    assert browser.evaluate(ticks) == before
    assert browser.errors == []


def test_a_legend_hides_a_line(browser: Browser, page: Path) -> None:
    browser.open(page)
    count = "document.querySelectorAll('.plot')[0].querySelectorAll('path.line').length"
    before = browser.evaluate(count)
    browser.evaluate("document.querySelector('.legend button').click()")
    assert browser.evaluate(count) == before - 2  # in g(r) and in N(r)
    pressed = "document.querySelector('.legend button').getAttribute('aria-pressed')"
    assert browser.evaluate(pressed) == "false"


def test_the_temperature_tabs_choose(browser: Browser, page: Path) -> None:
    browser.open(page)
    visible = (
        "[...new Set([...document.querySelectorAll('[data-at]')]"
        ".filter(f => f.offsetParent).map(f => f.dataset.at))]"
    )
    assert browser.evaluate(visible) == ["350"]
    browser.evaluate("document.querySelectorAll('.tabs button')[1].click()")
    browser.settle()
    assert browser.evaluate(visible) == ["400"]
    narrow = browser.evaluate(
        "[...document.querySelectorAll('figure:not(.away) .stage svg')]"
        ".every(s => Math.abs(s.viewBox.baseVal.width - s.parentNode.clientWidth) < 2)"
    )
    assert narrow
    assert browser.errors == []


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_window(browser: Browser, page: Path, width: int) -> None:
    browser.open(page, width)
    assert browser.evaluate("document.documentElement.scrollWidth") <= width
    assert browser.errors == []


def test_dark_and_light(browser: Browser, page: Path) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    browser.open(page, dark=True)
    assert browser.evaluate(background) == "rgb(21, 24, 28)"
    browser.evaluate("document.querySelector('#theme').click()")
    assert browser.evaluate(background) == "rgb(255, 255, 255)"
    browser.open(page)
    assert browser.evaluate(background) == "rgb(255, 255, 255)"
    assert browser.errors == []


def test_the_print_is_light_and_shows_every_temperature(
    browser: Browser, page: Path, tmp_path: Path
) -> None:
    browser.open(page, dark=True)
    scheme = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.call("Emulation.setEmulatedMedia", media="print", features=scheme)
    assert (
        browser.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    )
    hidden = "[...document.querySelectorAll('figure')].filter(f => !f.offsetParent).length"
    assert browser.evaluate(hidden) == 0
    browser.call("Emulation.setEmulatedMedia", media="")
    browser.pdf(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
    assert browser.errors == []


def test_no_number_of_a_printed_table_runs_into_its_unit(browser: Browser, tmp_path: Path) -> None:
    quantities = [
        Quantity(f"density {k}", 1.41742, 0.00123, "10⁻³ eV/atom", "a mean", 65.0, temperature=400)
        for k in range(31)
    ]
    path = tmp_path / "index.html"
    path.write_text(render(ReportData("long", quantities=quantities)), encoding="utf-8")
    browser.open(path, width=688)  # A4 without its margins
    browser.call("Emulation.setEmulatedMedia", media="print")
    cells = "[...document.querySelectorAll('.properties .number, .properties .unit')]"
    assert browser.evaluate(f"{cells}.length") == 62
    assert browser.evaluate(f"{cells}.filter(c => c.scrollWidth > c.clientWidth).length") == 0
    heading = "document.querySelector('.category > summary').offsetHeight"
    assert browser.evaluate(heading) > 0
    browser.call("Emulation.setEmulatedMedia", media="")


def test_text_from_outside_is_only_text(browser: Browser, tmp_path: Path) -> None:
    nasty = "</script><script>window.broken = 1; console.error('x')</script><img src=x onerror=a()>"
    curve = CurveData(nasty, [0.0, 1.0], [1.0, 2.0], None, nasty, nasty, nasty, nasty, 300.0, nasty)
    bars = CurveData(nasty, [], [1.0], categories=[nasty], group="speciation")
    data = ReportData(
        title=nasty, subtitle=nasty, recipe_text=nasty, realised=[(nasty, nasty)],
        quantities=[
            Quantity(nasty, 1.0, 0.1, nasty, nasty, 3.0, nasty, 300.0),
            Quantity.withhold(nasty, nasty, nasty),
        ],
        curves=[curve, replace(curve, temperature=350.0), bars], series=[curve],
        rounds=[RoundRecord(0, 1, 1, 0.1, note=nasty)],
        parity=[ParityData(nasty, [0.0, 1.0], [0.0, 1.0], nasty, [nasty, "H"], nasty)],
        provenance=[(nasty, nasty)], warnings=[nasty], elapsed=[(nasty, 1.0)],
        citations=[Citation(nasty, nasty, nasty)],
        frame=Frame([3, 1, 1], [[0, 0, 0], [3, 0, 0], [3.7, 0, 0]], molecules=[0, 1, 1]),
        molecule_names=[nasty, nasty],
    )  # fmt: skip
    browser.open(build_report(data, tmp_path))
    assert browser.evaluate("window.broken") is None
    assert browser.evaluate("document.images.length") == 0
    assert browser.evaluate("document.querySelector('h1').textContent") == nasty
    assert browser.evaluate("document.querySelector('pre').textContent") == nasty
    assert browser.errors == []
    assert browser.requests == [(tmp_path / "index.html").resolve().as_uri()]


@pytest.mark.parametrize(
    "data",
    [
        ReportData("nothing"),
        ReportData("one", quantities=[Quantity("density", 1.0, 0.1, "g/cm³")]),
        ReportData("rounds", rounds=[RoundRecord(0, 4, 4)]),
        ReportData("flat", curves=[CurveData("y", [0.0, 1.0], [0.0, 0.0], np.zeros(2), "ps")]),
        ReportData("nan", curves=[CurveData("y", [0.0, 1.0], [np.nan, np.nan], group="msd")]),
        ReportData("empty curve", curves=[CurveData("y", [], [], group="msd")], series=[
            CurveData("density", [], [])]),
        ReportData("no parity", parity=[ParityData("forces", [], [], "eV/Å")]),
        ReportData("one point", parity=[ParityData("forces", [1.0], [1.0], "eV/Å")]),
    ],
    ids=lambda data: data.title,
)  # fmt: skip
def test_poor_reports_open_without_errors(
    browser: Browser, data: ReportData, tmp_path: Path
) -> None:
    browser.open(build_report(data, tmp_path))
    assert browser.evaluate("document.querySelector('h1').textContent") == data.title
    assert browser.errors == []


def test_empty_sections_vanish() -> None:
    text = render(ReportData("nothing"))
    assert "<section" not in text
    assert "<nav" not in text
    some = render(ReportData("t", warnings=["careful"]))
    assert re.findall(r'<section id="(\w+)"', some) == ["warnings"]


def test_withheld_values_show_their_reason(browser: Browser, page: Path) -> None:
    browser.open(page)
    row = browser.evaluate(
        "[...document.querySelectorAll('.properties tr')]"
        ".find(r => r.querySelector('.withheld')).textContent"
    )
    assert "withheld" in row
    assert "no plateau" in row
    assert "1 property is withheld" in browser.evaluate(
        "document.querySelector('header').innerText"
    )


class _Tags(HTMLParser):
    """Check that tags close in order, and collect the cells of tables."""

    void = frozenset({"meta", "input", "br"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.headers_without_scope = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "th" and "scope" not in dict(attrs):
            self.headers_without_scope += 1
        if tag not in self.void:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_html_is_well_formed_and_accessible(page: Path) -> None:
    tags = _Tags()
    tags.feed(page.read_text("utf-8"))
    tags.close()
    assert tags.open == []
    assert tags.headers_without_scope == 0


def test_plots_have_words_for_a_screen_reader(browser: Browser, page: Path) -> None:
    browser.open(page)
    labels = browser.evaluate(
        "[...document.querySelectorAll('.stage, canvas[tabindex]')]"
        ".map(s => s.getAttribute('aria-label'))"
    )
    assert all(labels)
    assert "Radial distribution functions: plot of g(r) against distance r" in labels[1]


def test_keys_read_values(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.evaluate("document.querySelector('.stage').focus()")
    for _ in range(3):
        browser.call("Input.dispatchKeyEvent", type="keyDown", key="ArrowRight")
    assert "distance r" in browser.evaluate("document.querySelector('.readout').textContent")
    assert browser.evaluate("document.querySelector('.readout').hidden") is False


def test_the_same_data_makes_the_same_page(data: ReportData, page: Path) -> None:
    loaded = ReportData.load(page.parent)
    assert render(loaded) == page.read_text("utf-8") == render(data)
