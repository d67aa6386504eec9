"""One browser and one built report for all tests of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from browser import Browser, chromium
from elyte.report import ReportData, build_report
from report_example import example


@pytest.fixture(scope="session")
def data() -> ReportData:
    """Return the example report's data."""
    return example()


@pytest.fixture(scope="session")
def page(data: ReportData, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built page."""
    return build_report(data, tmp_path_factory.mktemp("project") / "report")


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, or skip."""
    with chromium() as started:
        yield started
