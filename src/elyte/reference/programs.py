"""Run a quantum chemistry program of others: find it, run it in a folder of its own, read it.

A worker process leads its own process group; the programs that it starts belong to it, so a time
limit or the end of the driver ends them, too. Which program, and by how many MPI processes, is a
matter of the machine and no part of a label: the variables `ELYTE_CP2K`, `ELYTE_ESPRESSO` and
`ELYTE_VASP` may hold a whole command ("srun -n 16 vasp_gam"), and `ELYTE_CORES` the number of
processes that `mpirun` starts when the command is a plain program.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from shutil import which

from elyte.core.errors import FormatError, MissingDependency

CORES = "ELYTE_CORES"

# Several labels run side by side: without this, MPI binds the ranks of each to the same cores.
_UNBOUND = {
    "OMPI_MCA_hwloc_base_binding_policy": "none",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
    "OMPI_MCA_rmaps_base_oversubscribe": "1",
    "I_MPI_PIN": "off",
}
_AS_ROOT = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}  # in containers


def find_command(variable: str, programs: Sequence[str]) -> list[str] | None:
    """Return the command that a variable holds, or the first program on the path, or None."""
    chosen = os.environ.get(variable)
    if chosen:
        command = shlex.split(chosen)
        return command if command and which(command[0]) else None
    found = next((path for name in programs if (path := which(name))), None)
    return None if found is None else [found]


def command(variable: str, programs: Sequence[str]) -> list[str]:
    """Return the command to start, with `mpirun` in front of it where several cores are wanted.

    Raises:
        MissingDependency: the program, or `mpirun`, is not there.
    """
    found = find_command(variable, programs)
    if found is None:
        named = os.environ.get(variable)
        what = f"'{named}', which {variable} names," if named else " or ".join(programs)
        raise MissingDependency(f"{what} cannot be found")
    cores = int(os.environ.get(CORES, "1"))
    if cores == 1 or len(found) > 1:
        return found
    if which("mpirun") is None:
        raise MissingDependency(f"{cores} cores for one label need mpirun, which is not there")
    return ["mpirun", "-n", str(cores), *found]


def environment() -> dict[str, str]:
    """Return the variables that a worker which starts programs needs."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    root = _AS_ROOT if hasattr(os, "geteuid") and os.geteuid() == 0 else {}
    return {**threads, **_UNBOUND, **root}


@contextmanager
def workspace(name: str) -> Iterator[Path]:
    """Make an empty folder for one calculation, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix=f"elyte-{name}-") as folder:
        yield Path(folder)


def run(
    arguments: Sequence[str], folder: Path, output: str, stdin: str | None = None
) -> tuple[int, str]:
    """Run a program to its end and return its exit code and what it wrote.

    Args:
        arguments: the command.
        folder: in which it runs.
        output: file in the folder that its standard output and error are written to.
        stdin: file in the folder that it reads from.
    """
    source = open(folder / stdin, "rb") if stdin else subprocess.DEVNULL  # noqa: SIM115
    try:
        with open(folder / output, "wb") as target:
            done = subprocess.run(
                arguments, cwd=folder, stdin=source, stdout=target, stderr=subprocess.STDOUT
            )
    finally:
        if stdin:
            source.close()  # type: ignore[union-attr]
    return done.returncode, (folder / output).read_text(errors="replace")


def last_words(text: str, lines: int = 12) -> str:
    """Return the end of a program's output, for the details of a failure."""
    kept = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(kept[-lines:])[-2000:]


@lru_cache(maxsize=32)
def _answer(arguments: tuple[str, ...], question: str, state: str) -> str:
    try:
        done = subprocess.run(
            arguments,
            input=question,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            env={**os.environ, **environment()},
            cwd=tempfile.gettempdir(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout


def program_version(
    found: Sequence[str], options: Sequence[str], pattern: str, question: str = ""
) -> str:
    """Ask a program for its version; the answer is kept for as long as the file is the same.

    Args:
        found: the command; only its program is asked, without MPI.
        options: arguments that make it answer, such as --version.
        pattern: regular expression with the version in group 1.
        question: given to it on standard input.

    Returns:
        The version, or an empty string.
    """
    program = which(found[-1]) or found[-1]
    state = str(os.stat(program).st_mtime_ns) if os.path.exists(program) else ""
    match = re.search(pattern, _answer((program, *options), question, state))
    return match[1] if match else ""


def unit(program: str, name: str, units: Mapping[str, float], what: str) -> float:
    """Return the factor from the unit that a program's output names to elyte's.

    Args:
        program: as a message calls it.
        name: of the unit, as the output has it.
        units: factors by name.
        what: is given in it.

    Raises:
        FormatError: a unit that is not among them.
    """
    if name not in units:
        raise FormatError(
            f"{program} gives the {what} in '{name}', a unit that elyte does not know (it knows "
            f"{', '.join(units)}): nothing is taken from this output"
        )
    return units[name]


def number(text: str) -> float:
    """Return a number as Fortran writes it, whose exponent may be D."""
    return float(text.replace("D", "E").replace("d", "e"))
