"""Pieces of the page: subscripts, and the table of what has no value."""

from __future__ import annotations

from elyte.core import Quantity
from elyte.report.html import formula, withheld_table_html


def test_subscripts_of_formulas() -> None:
    assert formula("z_i z_j e² L_ij") == "z<sub>i</sub> z<sub>j</sub> e² L<sub>ij</sub>"
    assert formula("density × (1 + κ_T ΔP)") == "density × (1 + κ<sub>T</sub> ΔP)"
    assert formula("_a & <b>") == "_a &amp; &lt;b&gt;"


def test_a_reason_that_is_shared_stands_once() -> None:
    reasons = ("too short", "too short", "nothing moves")
    quantities = [
        Quantity.withhold("diffusion", "m²/s", reason, species=species, temperature=300.0)
        for reason, species in zip(reasons, ("Li+", "PF6-", "EC"), strict=True)
    ]
    shown = withheld_table_html(quantities)
    assert "Why there is no value" in shown
    assert shown.count("too short") == shown.count("nothing moves") == 1
    assert 'rowspan="2">too short' in shown
    assert shown.count("<tr>") == 4
    assert withheld_table_html([]) == ""
