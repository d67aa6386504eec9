"""Pseudopotentials that the tests make themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy.special import erf


def write_hydrogen(folder: Path, name: str = "H.UPF", functional: str = "PBE") -> Path:
    """Write the GTH pseudopotential of hydrogen as UPF: one local Gaussian term, no projectors.

    V(r) = −erf(r/√2 r_loc)/r + exp(−x²/2)(C₁ + C₂ x²), x = r/r_loc, in Hartree; UPF wants Rydberg.
    r_loc = 0.2, C₁ = −4.17890044, C₂ = 0.72446331 (PBE), doi:10.1007/s00214-005-0655-y.
    """
    xmin, dx, points = -8.0, 0.0125, 921
    r = np.exp(xmin + dx * np.arange(points))
    x = r / 0.2
    local = -erf(x / np.sqrt(2)) / r + np.exp(-0.5 * x * x) * (-4.17890044 + 0.72446331 * x * x)
    wave = 2 * r * np.exp(-r)
    size = f'type="real" size="{points}" columns="4"'
    text = f"""<UPF version="2.0.1">
<PP_INFO>
hydrogen, local Gaussian pseudopotential, made for a test
</PP_INFO>
<PP_HEADER generated="elyte" author="elyte" date="2026" comment="test" element="H "
pseudo_type="NC" relativistic="no" is_ultrasoft="F" is_paw="F" is_coulomb="F" has_so="F"
has_wfc="F" has_gipaw="F" paw_as_gipaw="F" core_correction="F" functional="{functional}"
z_valence="1.0" total_psenergy="0.0" wfc_cutoff="0.0" rho_cutoff="0.0" l_max="0"
l_max_rho="0" l_local="-1" mesh_size="{points}" number_of_wfc="1" number_of_proj="0"/>
<PP_MESH dx="{dx}" mesh="{points}" xmin="{xmin}" rmax="{r[-1]}" zmesh="1.0">
<PP_R {size}>
{_rows(r)}</PP_R>
<PP_RAB {size}>
{_rows(dx * r)}</PP_RAB>
</PP_MESH>
<PP_LOCAL {size}>
{_rows(2 * local)}</PP_LOCAL>
<PP_NONLOCAL>
</PP_NONLOCAL>
<PP_PSWFC>
<PP_CHI.1 {size} index="1" occupation="1.0" pseudo_energy="-0.47" label="1S" l="0">
{_rows(wave)}</PP_CHI.1>
</PP_PSWFC>
<PP_RHOATOM {size}>
{_rows(wave**2)}</PP_RHOATOM>
</UPF>
"""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    return path


def _rows(values: np.ndarray) -> str:
    rows = [values[i : i + 4] for i in range(0, len(values), 4)]
    return "".join(" ".join(f"{v: .14E}" for v in row) + "\n" for row in rows)
