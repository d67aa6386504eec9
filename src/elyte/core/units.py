"""Fixed internal units (Å, eV, fs, u, e, K) and the factors that lead out of them.

Values are CODATA 2018, doi:10.1103/RevModPhys.93.025010.
"""

BOLTZMANN = 8.617333262145179e-05
"""Boltzmann constant, eV/K."""
ELEMENTARY_CHARGE = 1.602176634e-19
"""Elementary charge, C."""
AVOGADRO = 6.02214076e23
"""Avogadro constant, 1/mol."""
ATOMIC_MASS = 1.66053906660e-27
"""Atomic mass unit, kg."""
COULOMB = 14.399645478425668
"""e²/(4πε₀), eV Å."""
MASS_VELOCITY2_TO_EV = 103.642696562
"""u (Å/fs)² in eV; a force of 1 eV/Å accelerates 1 u by 1/103.64 Å/fs²."""

HARTREE = 27.211386245988
"""Hartree, eV."""
BOHR = 0.529177210903
"""Bohr radius, Å."""
KCAL_PER_MOL = 0.043364104241800934
"""kcal/mol in eV."""
GPA = 0.006241509074460763
"""GPa in eV/Å³."""
BAR = 6.241509074460763e-07
"""bar in eV/Å³."""
DENSITY_TO_G_PER_CM3 = 1.66053906660
"""u/Å³ in g/cm³."""
DIFFUSION_TO_M2_PER_S = 1e-5
"""Å²/fs in m²/s."""
CONDUCTIVITY_TO_S_PER_M = 1.602176634e6
"""(e² Å²/fs)/(eV Å³) in S/m: σ = this × ⟨ΔP²⟩/(6 V kT t) with P = Σ q r in e Å."""
