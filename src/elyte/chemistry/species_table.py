"""The species library: one table of facts, one row for each ion or molecule.

Liquid densities are measured values at atmospheric pressure (g/cm³ at the temperature in K, and
their slope in g/cm³/K), rounded to what a first box needs; they come from the usual handbooks
(CRC Handbook of Chemistry and Physics; Riddick, Bunger, Sakano, Organic Solvents). Molar volumes
of ions (cm³/mol at 298 K) are the additive parts of the measured densities of their ionic liquids
(EMIM-BF4 1.28, BMIM-BF4 1.20, BMIM-PF6 1.37, EMIM-TFSI 1.52, PYR14-TFSI 1.39 g/cm³, …); that they
add is shown by Ye and Shreeve, J. Phys. Chem. A 111, 1456 (2007), doi:10.1021/jp066202k. Those of
small metal ions are negative, since a salt in an organic solvent contracts it. Both only place the
first boxes: dynamics at constant pressure decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Role = Literal["cation", "anion", "molecule", "element"]


@dataclass(frozen=True)
class Species:
    """An ion or molecule.

    Args:
        name: as written in recipes ("Li+", "PF6-", "EC").
        formula: Hill order without charge ("C3H4O3").
        smiles: with charge.
        charge: e; for an element of a solid its formal oxidation state.
        role: "cation", "anion", "molecule", or "element" of a solid read from a file.
        aliases: other names.
        liquid: (density g/cm³, temperature K, slope g/cm³/K) of the pure liquid, or None.
        volume: molar volume of an ion at 298 K, cm³/mol, or None.
        shape: (name of a polyhedron, bond length Å) where force fields have no parameters.
    """

    name: str
    formula: str
    smiles: str
    charge: int
    role: Role
    aliases: tuple[str, ...] = field(default=())
    liquid: tuple[float, float, float] | None = None
    volume: float | None = None
    shape: tuple[str, float] | None = None


def _ion(
    name: str,
    formula: str,
    smiles: str,
    volume: float,
    *aliases: str,
    shape: tuple[str, float] | None = None,
) -> Species:
    charge = (1 if name.endswith("+") else -1) * (2 if "+2]" in smiles else 1)
    role: Role = "cation" if charge > 0 else "anion"
    return Species(name, formula, smiles, charge, role, aliases, None, volume, shape)


def _molecule(
    name: str,
    formula: str,
    smiles: str,
    liquid: tuple[float, float, float],
    *aliases: str,
) -> Species:
    return Species(name, formula, smiles, 0, "molecule", aliases, liquid)


TABLE: tuple[Species, ...] = (
    # ── cations ──
    _ion("Li+", "Li", "[Li+]", -15.0, "lithium"),
    _ion("Na+", "Na", "[Na+]", -8.0, "sodium"),
    _ion("K+", "K", "[K+]", 4.0, "potassium"),
    _ion("Mg2+", "Mg", "[Mg+2]", -30.0, "Mg+2", "magnesium"),
    _ion("Ca2+", "Ca", "[Ca+2]", -25.0, "Ca+2", "calcium"),
    _ion("Zn2+", "Zn", "[Zn+2]", -30.0, "Zn+2", "zinc"),
    _ion("EMIM+", "C6H11N2", "CCn1cc[n+](C)c1", 109.5, "1-ethyl-3-methylimidazolium"),
    _ion("BMIM+", "C8H15N2", "CCCCn1cc[n+](C)c1", 143.0, "1-butyl-3-methylimidazolium"),
    _ion(
        "PYR14+",
        "C9H20N",
        "CCCC[N+]1(C)CCCC1",
        155.0,
        "BMPYR+",
        "PYR1,4+",
        "1-butyl-1-methylpyrrolidinium",
    ),
    _ion("PYR13+", "C8H18N", "CCC[N+]1(C)CCCC1", 138.5, "1-methyl-1-propylpyrrolidinium"),
    _ion(
        "F-OMIM+",
        "C12H10F13N2",
        "Cn1cc[n+](CCC(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)C(F)(F)F)c1",
        269.0,
        "FOMIM+",
        "1-(1H,1H,2H,2H-perfluorooctyl)-3-methylimidazolium",
    ),
    _ion("choline+", "C5H14NO", "C[N+](C)(C)CCO", 103.0, "choline", "Ch+"),
    # ── anions ──
    _ion(
        "PF6-", "F6P", "F[P-](F)(F)(F)(F)F", 65.0, "hexafluorophosphate", shape=("octahedron", 1.61)
    ),
    _ion(
        "AsF6-",
        "AsF6",
        "F[As-](F)(F)(F)(F)F",
        70.0,
        "hexafluoroarsenate",
        shape=("octahedron", 1.72),
    ),
    _ion("BF4-", "BF4", "F[B-](F)(F)F", 45.3, "tetrafluoroborate", shape=("tetrahedron", 1.39)),
    _ion("ClO4-", "ClO4", "[O-]Cl(=O)(=O)=O", 48.0, "perchlorate", shape=("tetrahedron", 1.45)),
    _ion(
        "TFSI-",
        "C2F6NO4S2",
        "FC(F)(F)S(=O)(=O)[N-]S(=O)(=O)C(F)(F)F",
        148.0,
        "NTf2-",
        "Tf2N-",
        "bis(trifluoromethanesulfonyl)imide",
    ),
    _ion("FSI-", "F2NO4S2", "FS(=O)(=O)[N-]S(=O)(=O)F", 92.0, "bis(fluorosulfonyl)imide"),
    _ion("OTf-", "CF3O3S", "[O-]S(=O)(=O)C(F)(F)F", 78.0, "triflate", "CF3SO3-"),
    _ion("BOB-", "C4BO8", "O=C1O[B-]2(OC1=O)OC(=O)C(=O)O2", 98.0, "bis(oxalato)borate"),
    _ion("DCA-", "C2N3", "N#C[N-]C#N", 51.0, "dicyanamide", "N(CN)2-"),
    _ion(
        "C4F9CO2-",
        "C5F9O2",
        "[O-]C(=O)C(F)(F)C(F)(F)C(F)(F)C(F)(F)F",
        138.0,
        "perfluoropentanoate",
    ),
    _ion("Cl-", "Cl", "[Cl-]", 24.0, "chloride"),
    _ion("Br-", "Br", "[Br-]", 30.0, "bromide"),
    # ── molecules ──
    _molecule("EC", "C3H4O3", "O=C1OCCO1", (1.3214, 313.15, -1.1e-3), "ethylene carbonate"),
    _molecule("PC", "C4H6O3", "CC1COC(=O)O1", (1.1996, 298.15, -1.07e-3), "propylene carbonate"),
    _molecule("EMC", "C4H8O3", "CCOC(=O)OC", (1.0069, 298.15, -1.16e-3), "ethyl methyl carbonate"),
    _molecule("DMC", "C3H6O3", "COC(=O)OC", (1.0632, 298.15, -1.27e-3), "dimethyl carbonate"),
    _molecule("DEC", "C5H10O3", "CCOC(=O)OCC", (0.9693, 298.15, -1.12e-3), "diethyl carbonate"),
    _molecule(
        "FEC", "C3H3FO3", "O=C1OCC(F)O1", (1.454, 298.15, -1.2e-3), "fluoroethylene carbonate"
    ),
    _molecule("VC", "C3H2O3", "O=C1OC=CO1", (1.355, 298.15, -1.2e-3), "vinylene carbonate"),
    _molecule(
        "DME", "C4H10O2", "COCCOC", (0.8616, 298.15, -1.09e-3), "1,2-dimethoxyethane", "monoglyme"
    ),
    _molecule("DOL", "C3H6O2", "C1COCO1", (1.059, 298.15, -1.2e-3), "1,3-dioxolane"),
    _molecule("GBL", "C4H6O2", "O=C1CCCO1", (1.1242, 298.15, -0.97e-3), "gamma-butyrolactone"),
    _molecule("AN", "C2H3N", "CC#N", (0.7766, 298.15, -1.08e-3), "acetonitrile", "ACN"),
    _molecule("BN", "C4H7N", "CCCC#N", (0.7865, 298.15, -0.95e-3), "butyronitrile"),
    _molecule("DMSO", "C2H6OS", "CS(=O)C", (1.0954, 298.15, -1.0e-3), "dimethyl sulfoxide"),
    _molecule("SL", "C4H8O2S", "O=S1(=O)CCCC1", (1.2618, 303.15, -0.89e-3), "sulfolane"),
    _molecule("urea", "CH4N2O", "NC(N)=O", (1.22, 406.0, -1.0e-3), "URA"),
    _molecule("acetamide", "C2H5NO", "CC(N)=O", (0.9986, 358.15, -0.85e-3), "ACT"),
    _molecule("N-methylacetamide", "C3H7NO", "CNC(C)=O", (0.9503, 303.15, -0.83e-3), "NMA"),
    _molecule("water", "H2O", "O", (0.9970, 298.15, -0.4e-3), "H2O"),
    # ── elements of solids read from a structure file; the charge is the oxidation state ──
    Species("Li", "Li", "[Li]", 1, "element"),
    Species("P", "P", "[P]", 5, "element"),
    Species("S", "S", "[S]", -2, "element"),
    Species("Cl", "Cl", "[Cl]", -1, "element"),
)
