"""How to cite the methods: works by a short key."""

from __future__ import annotations

from collections.abc import Iterable

from elyte.report.data import Citation

CITATIONS: dict[str, Citation] = {
    "mtp": Citation(
        "Moment tensor potentials",
        "A. V. Shapeev, Multiscale Modeling & Simulation 14, 1153 (2016)",
        "10.1137/15M1054183",
    ),
    "maxvol": Citation(
        "Active learning by MaxVol",
        "E. V. Podryabinkin and A. V. Shapeev, Computational Materials Science 140, 171 (2017)",
        "10.1016/j.commatsci.2017.08.031",
    ),
    "gfn1-xtb": Citation(
        "GFN1-xTB",
        "S. Grimme, C. Bannwarth and P. Shushkov, "
        "Journal of Chemical Theory and Computation 13, 1989 (2017)",
        "10.1021/acs.jctc.7b00118",
    ),
    "gfn2-xtb": Citation(
        "GFN2-xTB",
        "C. Bannwarth, S. Ehlert and S. Grimme, "
        "Journal of Chemical Theory and Computation 15, 1652 (2019)",
        "10.1021/acs.jctc.8b01176",
    ),
    "d3": Citation(
        "Dispersion: D3",
        "S. Grimme, J. Antony, S. Ehrlich and H. Krieg, "
        "Journal of Chemical Physics 132, 154104 (2010)",
        "10.1063/1.3382344",
    ),
    "d3bj": Citation(
        "Dispersion: damping of Becke and Johnson",
        "S. Grimme, S. Ehrlich and L. Goerigk, Journal of Computational Chemistry 32, 1456 (2011)",
        "10.1002/jcc.21759",
    ),
    "packmol": Citation(
        "Packing of the boxes (Packmol)",
        "L. Martínez, R. Andrade, E. G. Birgin and J. M. Martínez, "
        "Journal of Computational Chemistry 30, 2157 (2009)",
        "10.1002/jcc.21224",
    ),
    "ase": Citation(
        "Atomic Simulation Environment",
        "A. H. Larsen et al., Journal of Physics: Condensed Matter 29, 273002 (2017)",
        "10.1088/1361-648X/aa680e",
    ),
    "bussi": Citation(
        "Thermostat: stochastic velocity rescaling",
        "G. Bussi, D. Donadio and M. Parrinello, Journal of Chemical Physics 126, 014101 (2007)",
        "10.1063/1.2408420",
    ),
    "nose-hoover": Citation(
        "Thermostat: Nosé–Hoover chains",
        "G. J. Martyna, M. L. Klein and M. Tuckerman, Journal of Chemical Physics 97, 2635 (1992)",
        "10.1063/1.463940",
    ),
    "scr": Citation(
        "Barostat: stochastic cell rescaling",
        "M. Bernetti and G. Bussi, Journal of Chemical Physics 153, 114107 (2020)",
        "10.1063/5.0020514",
    ),
    "mtk": Citation(
        "Barostat: Martyna–Tobias–Klein",
        "G. J. Martyna, D. J. Tobias and M. L. Klein, Journal of Chemical Physics 101, 4177 (1994)",
        "10.1063/1.467468",
    ),
    "blocks": Citation(
        "Errors by block averaging",
        "H. Flyvbjerg and H. G. Petersen, Journal of Chemical Physics 91, 461 (1989)",
        "10.1063/1.457480",
    ),
    "yeh-hummer": Citation(
        "Finite-size correction of diffusion coefficients",
        "I.-C. Yeh and G. Hummer, Journal of Physical Chemistry B 108, 15873 (2004)",
        "10.1021/jp0477147",
    ),
}


_USUAL = ("mtp", "maxvol", "gfn1-xtb", "packmol", "ase", "bussi", "scr", "blocks")
METHODS: tuple[Citation, ...] = tuple(CITATIONS[key] for key in _USUAL)
"""The works behind the defaults of a recipe."""


def cite(keys: Iterable[str]) -> tuple[Citation, ...]:
    """Return the works with these keys, in order, each once; keys not known are left out."""
    return tuple(CITATIONS[key] for key in dict.fromkeys(keys) if key in CITATIONS)
