"""Levels of theory by name: those of the five papers that elyte measures itself against.

Each preset names the paper's own engine first, and what comes nearest by other engines: the same
functional, dispersion and cutoff. What a paper leaves open is elyte's default.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from elyte.core.errors import RecipeError, did_you_mean


@dataclass(frozen=True)
class Preset:
    """A level of theory.

    Args:
        source: the paper.
        note: what it says, and what it leaves open.
        engines: settings by engine, as in a recipe; the paper's own engine first.
    """

    source: str
    note: str
    engines: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


_PBE_D3_50RY = {"method": "PBE", "dispersion": "d3zero"}

PRESETS: dict[str, Preset] = {
    "goodwin-2024": Preset(
        "Goodwin et al. 2024, ionic liquids with Allegro",
        "PBE + D3, Γ, 50/500 Ry, SCF to 1e-10 Ry, ultrasoft pseudopotentials (GBRV); the damping "
        "of D3 is not said: zero damping, the default of Quantum ESPRESSO",
        {
            "espresso": {
                **_PBE_D3_50RY,
                "cutoff": "50 Ry",
                "density_cutoff": "500 Ry",
                "convergence": "1e-10 Ry",
            },
            "gpaw": {**_PBE_D3_50RY, "cutoff": "50 Ry"},
            "cp2k": {**_PBE_D3_50RY, "three_body": False},
            "vasp": {**_PBE_D3_50RY, "cutoff": "50 Ry"},
        },
    ),
    "park-2025": Preset(
        "Park et al. 2025, ionic liquids with DeePMD and MACE",
        "PBE (or SCAN: add `method: SCAN`) + D3, Γ, 450 eV, EDIFF 1e-6 eV, smearing 0.05; kind of "
        "smearing and damping of D3 are not said: Gaussian, zero damping (IVDW = 11)",
        {
            "vasp": {
                "method": "PBE",
                "cutoff": "450 eV",
                "dispersion": "d3zero",
                "smearing_width": "0.05 eV",
                "convergence": "1e-6 eV",
            },
            "gpaw": {"method": "PBE", "cutoff": "450 eV", "dispersion": "d3zero"},
            "cp2k": {"method": "PBE", "dispersion": "d3zero", "three_body": False},
        },
    ),
    "zills-2024": Preset(
        "Zills et al. 2024, BMIM-BF4 with GMNN",
        "B97-3c, GTH-PBE, TZVP, 800 Ry, D3(BJ) with C9 within 8 Å (20 Å when D3 is added at run "
        "time)",
        {
            "cp2k": {
                "method": "B97-3c",
                "basis": "TZVP",
                "cutoff": "800 Ry",
                "dispersion": "d3bj",
                "three_body": True,
                "dispersion_cutoff": "8 Å",
            },
            "gpaw": {"method": "PBE", "dispersion": "d3bj", "three_body": True},
        },
    ),
    "chalykh-2025": Preset(
        "Chalykh et al. 2025, carbonates and LiPF6 with MTP",
        "PBE + D3 with zero damping, Γ, EDIFF 1e-6 eV, 750 eV (550 eV without LiPF6: add `cutoff: "
        "550 eV`); three electrons of Li: have `Li_sv` alone in the folder of VASP's potentials",
        {
            "vasp": {
                "method": "PBE",
                "cutoff": "750 eV",
                "dispersion": "d3zero",
                "convergence": "1e-6 eV",
            },
            "gpaw": {"method": "PBE", "cutoff": "750 eV", "dispersion": "d3zero"},
            "cp2k": {"method": "PBE", "dispersion": "d3zero", "three_body": False},
        },
    ),
    "shayestehpour-2024": Preset(
        "Shayestehpour et al. 2024, deep eutectics of LiTFSI with Allegro",
        "the paper says CP2K, and leaves the rest to a supplement that is not open; taken here: "
        "PBE, and all else as Zills et al. (GTH-PBE, TZVP, 800 Ry, D3(BJ) with C9)",
        {
            "cp2k": {
                "method": "PBE",
                "basis": "TZVP",
                "cutoff": "800 Ry",
                "dispersion": "d3bj",
                "three_body": True,
            },
            "gpaw": {"method": "PBE", "dispersion": "d3bj", "three_body": True},
        },
    ),
}


def expand_preset(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings with the key `preset` replaced by what it stands for.

    Keys that stand beside it win, `engine` chooses among those that the preset has.

    Raises:
        RecipeError: no such preset, or not by this engine.
    """
    given = {key: value for key, value in values.items() if key != "preset"}
    name = values.get("preset")
    if name is None:
        return given
    if name not in PRESETS:
        known = list(PRESETS)
        hint = did_you_mean(str(name), known)
        raise RecipeError(f"unknown preset '{name}'{hint}: elyte has {', '.join(known)}")
    engines = PRESETS[name].engines
    engine = given.get("engine", next(iter(engines)))
    if engine not in engines:
        raise RecipeError(
            f"the preset '{name}' has no settings for the engine '{engine}': it has "
            f"{', '.join(engines)}"
        )
    return {"engine": engine, **engines[engine], **given}
