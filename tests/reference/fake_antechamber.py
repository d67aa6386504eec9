"""A folder like AmberTools' with programs that do what a test says."""

from __future__ import annotations

from pathlib import Path

import small_field

from elyte.reference.classical import gaff, species_topology

USUAL = {
    "antechamber": 'cat "$AMBERHOME/mol2" > out.mol2',
    "parmchk2": 'cat "$AMBERHOME/supplement" > out.frcmod',
    "sqm": "true",
}


def make(folder: Path, **changed: str) -> Path:
    """Make the programs; each writes its name to the file `calls` unless it is asked -h."""
    (folder / "bin").mkdir(parents=True)
    (folder / "dat" / "leap" / "parm").mkdir(parents=True)
    (folder / "dat" / "leap" / "parm" / "gaff2.dat").write_text(small_field.force_field())
    (folder / "mol2").write_text(small_field.mol2())
    (folder / "supplement").write_text(small_field.SUPPLEMENT)
    for name, command in {**USUAL, **changed}.items():
        asked = command if name == "sqm" else f"echo 'Welcome to {name} 99.1: a fake.'"
        script = f'if [ "$1" = "-h" ]; then {asked}; exit; fi\n'
        script += f'echo {name} >> "$AMBERHOME/calls"\n{command}\n'
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{script}")
        (folder / "bin" / name).chmod(0o755)
    return folder


def calls(folder: Path) -> list[str]:
    """Return the programs that ran, in order."""
    path = folder / "calls"
    return path.read_text().split() if path.exists() else []


def forget() -> None:
    """Empty the caches of what the programs said."""
    species_topology.cache_clear()
    gaff._gaff_table.cache_clear()
