"""Reports: a self-contained page, `properties.json`, and the table for the terminal."""

from elyte.report.citations import METHODS, cite
from elyte.report.data import (
    Citation,
    CurveData,
    ParityData,
    ReportData,
    RoundRecord,
    from_analysis,
)
from elyte.report.fields import CloudData, MapData, cloud_from_analysis, map_from_analysis
from elyte.report.page import build_report
from elyte.report.tables import print_properties, property_table, withheld_lines

__all__ = [
    "METHODS",
    "Citation",
    "CloudData",
    "CurveData",
    "MapData",
    "ParityData",
    "ReportData",
    "RoundRecord",
    "build_report",
    "cite",
    "cloud_from_analysis",
    "from_analysis",
    "map_from_analysis",
    "print_properties",
    "property_table",
    "withheld_lines",
]
