"""AmberTools' antechamber and parmchk2, run as programs: atom types, charges, missing parameters.

They come with acpype (`pip install acpype`), which is looked up and never imported, or with
AmberTools itself, whose folder `AMBERHOME` names.
"""

from __future__ import annotations

import hashlib
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from elyte.core.errors import FormatError, InputError, MissingDependency, Outcome
from elyte.reference.programs import last_words, workspace

LIMIT = 1800.0
"""s that one molecule may take: AM1-BCC of 30 atoms takes about 20."""
REMEDY = "pip install acpype (and Debian's libarpack2), or set AMBERHOME to AmberTools"
_PROGRAMS = ("antechamber", "sqm", "parmchk2")
_DATA = Path("dat") / "leap" / "parm" / "gaff2.dat"
_LIBRARY = re.compile(r"error while loading shared libraries: ([^:\s]+)")


@dataclass(frozen=True)
class Typing:
    """What the programs say of a molecule: types, charges (e), a frcmod text."""

    types: tuple[str, ...]
    charges: tuple[float, ...]
    supplement: str


def home() -> Path | None:
    """Return the folder of AmberTools: `AMBERHOME`, or the one in acpype, or None."""
    named = os.environ.get("AMBERHOME")
    folders = [Path(named)] if named else []
    spec = find_spec("acpype")
    system = "amber_macos" if sys.platform == "darwin" else "amber_linux"
    if spec is not None:
        folders += [Path(place) / system for place in spec.submodule_search_locations or ()]
    return next((folder for folder in folders if _whole(folder)), None)


def _whole(folder: Path) -> bool:
    programs = [folder / "bin" / name for name in _PROGRAMS]
    return all(path.is_file() for path in (*programs, folder / _DATA))


def available() -> Outcome:
    """Say whether the programs start: "done" with their version, or how to get them."""
    folder = home()
    if folder is None:
        return Outcome("missing", f"{REMEDY}: GAFF2 for molecules that elyte has no table of")
    absent = _missing_library(folder)
    if absent:
        return Outcome("missing", f"sqm in {folder} needs {absent}: {_package(absent)}")
    return Outcome("done", details={"version": version(folder), "note": f"GAFF2, {folder}"})


def version(folder: Path) -> str:
    """Return the version of antechamber and of the force field's file."""
    found = re.search(r"antechamber\s+([\d.]+\d)", _answer(folder, "antechamber", "-h"))
    number = found[1] if found else "?"
    return f"antechamber-{number}+gaff2-{_hash(folder)[:8]}"


def force_field(folder: Path) -> str:
    """Return the text of gaff2.dat."""
    return (folder / _DATA).read_text(encoding="utf-8", errors="replace")


@lru_cache(maxsize=4)
def _hash(folder: Path) -> str:
    return hashlib.sha256((folder / _DATA).read_bytes()).hexdigest()


def parametrise(molecule: str, name: str, charge: int, limit: float = LIMIT) -> Typing:
    """Return GAFF2 types and AM1-BCC charges of a molecule, and the parameters that GAFF2 lacks.

    Args:
        molecule: MDL mol text with all hydrogens, positions and bond orders.
        name: for messages.
        charge: e.
        limit: s.

    Raises:
        MissingDependency: the programs are not there, or cannot start.
        InputError: a program refuses the molecule; says what it said.
    """
    folder = home()
    if folder is None:
        raise MissingDependency(f"GAFF2 parameters of {name} need antechamber: {REMEDY}")
    absent = _missing_library(folder)
    if absent:
        raise MissingDependency(f"sqm in {folder} needs {absent}: {_package(absent)}")
    with workspace("antechamber") as place:
        (place / "in.mol").write_text(molecule, encoding="utf-8")
        options = ["-i", "in.mol", "-fi", "mdl", "-o", "out.mol2", "-fo", "mol2"]
        # Its own check of the input ("-dr") knows no formal charges: it refuses imide anions.
        options += ["-at", "gaff2", "-c", "bcc", "-nc", str(charge), "-pf", "y", "-dr", "no"]
        _run(folder, "antechamber", options, place, "out.mol2", name, limit)
        types, charges = read_mol2((place / "out.mol2").read_text(errors="replace"), name)
        # The set is named by its file: "-s gaff2" is taken for GAFF by some versions.
        options = ["-i", "out.mol2", "-f", "mol2", "-o", "out.frcmod", "-p", str(folder / _DATA)]
        _run(folder, "parmchk2", options, place, "out.frcmod", name, limit)
        supplement = (place / "out.frcmod").read_text(errors="replace")
    return Typing(types, charges, supplement)


def read_mol2(text: str, name: str) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Return types and charges of the atoms of a mol2 text.

    Raises:
        FormatError: no atoms, or a line that cannot be read.
        InputError: an atom that has no type.
    """
    part = text.partition("@<TRIPOS>ATOM")[2].partition("@<TRIPOS>")[0]
    rows = [line.split() for line in part.splitlines() if line.strip()]
    try:
        types, charges = [row[5] for row in rows], [float(row[8]) for row in rows]
    except (IndexError, ValueError):
        rows = []
    if not rows:
        raise FormatError(f"antechamber's mol2 of {name} cannot be read")
    unknown = [row[1] for row in rows if row[5].upper() == "DU"]
    if unknown:
        raise InputError(f"GAFF2 has no atom type for {', '.join(unknown)} of {name}")
    return tuple(types), tuple(charges)


def _run(
    folder: Path,
    program: str,
    options: list[str],
    place: Path,
    result: str,
    name: str,
    limit: float,
) -> None:
    """Run a program and all that it starts, at most so long.

    Raises:
        InputError: it fails, does not write its result, or takes too long.
    """
    with open(place / "log", "wb") as log:
        process = subprocess.Popen(
            [str(folder / "bin" / program), *options],
            cwd=place,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=_environment(folder),
            process_group=0,  # antechamber starts sqm, which must end with it
        )
        try:
            code = process.wait(limit)
        except BaseException as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise InputError(f"{program} did not end within {limit:g} s for {name}") from None
            raise
    if code != 0 or not (place / result).is_file():
        raise InputError(f"{program} fails for {name}: {_complaint(place)}")


def _complaint(place: Path) -> str:
    """Return in one line what the programs wrote of their failure."""
    log = (place / "log").read_text(errors="replace")
    text = log.partition("Fatal Error!")[2]
    if "sqm" in (text or log) and (place / "sqm.out").is_file():
        text += " sqm: " + last_words((place / "sqm.out").read_text(errors="replace"), 3)
    sentences = " ".join((text or last_words(log, 3)).split()).split(". ")
    return ". ".join(sentences[:2])[:300].rstrip(".") or "it says nothing"


def _environment(folder: Path) -> dict[str, str]:
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **threads, "AMBERHOME": str(folder)}


@lru_cache(maxsize=16)
def _answer(folder: Path, program: str, option: str) -> str:
    try:
        done = subprocess.run(
            [str(folder / "bin" / program), option],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            env=_environment(folder),
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    return done.stdout + done.stderr


def _missing_library(folder: Path) -> str:
    """Return the library that keeps sqm, which computes the charges, from starting, or ""."""
    found = _LIBRARY.search(_answer(folder, "sqm", "-h"))
    return found[1] if found else ""


def _package(library: str) -> str:
    return "Debian: apt install libarpack2" if "arpack" in library else "install it"
