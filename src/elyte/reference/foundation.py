"""A foundation model as a cheap teacher: a checkpoint of SevenNet or CHGNet.

It runs in an environment of its own, since its packages pin what others cannot have:
`ELYTE_FOUNDATION_PYTHON` names the Python of that environment. Each worker process keeps one
server (`foundation_server.py`, started by that Python) and talks to it by lines of JSON.
SevenNet doi:10.1021/acs.jctc.4c00190, CHGNet doi:10.1038/s42256-023-00716-3.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np

from elyte.chemistry.reference_settings import FoundationSettings
from elyte.core.errors import InputError, MissingDependency, Outcome
from elyte.core.frame import Frame
from elyte.reference import d3, packages, programs
from elyte.reference.boxes import boxed, check_periodicity
from elyte.reference.settings import EngineSettings

TASK = "elyte.reference.foundation:label"
PACKAGES = ("sevenn", "chgnet")
SERVER = Path(__file__).with_name("foundation_server.py")
VACUUM = 10.0
"""Å on each side of a molecule; no model's neighbourhood is wider than twice that."""
environment = programs.environment


def available() -> Outcome:
    """Say which of the packages the environment has: "done" with versions, or how to get one."""
    found, reason = [], ""
    for package in PACKAGES:
        try:
            found.append(f"{package} {packages.version_elsewhere(package)}")
        except MissingDependency as error:
            reason = reason or str(error)
    if not found:
        return Outcome("missing", reason)
    return Outcome("done", details={"version": ", ".join(found)})


def version() -> str:
    """Return the version of the protocol; that of the package is kept beside the settings."""
    return "1"


def level(settings: EngineSettings) -> str:
    """Return the level of theory: "7net-0/sevenn-0.13.0"."""
    chosen = _options(settings)
    name = Path(chosen.method).name + d3.suffix(chosen.dispersion, chosen.three_body)
    differences = settings.differences("dispersion", "three_body")
    text = f"{name}/{chosen.package}-{packages.version_elsewhere(chosen.package)}"
    return f"{text}/{differences}" if differences else text


def check(frame: Frame, settings: EngineSettings) -> None:
    """Refuse what the models cannot compute.

    Raises:
        InputError: periodic in one or two directions; a charge, which no model knows.
    """
    check_periodicity(frame, "foundation")
    if settings.charge:
        raise InputError("a foundation model knows no charge: it takes neutral frames")


def seconds(frame: Frame, settings: EngineSettings) -> float:
    """Return about how long one label takes on one core of a server, s."""
    return 0.01 * len(frame)


def label(frame: Frame, settings: dict[str, Any]) -> dict[str, Any] | Outcome:
    """Ask the server of this process for the labels of one frame.

    Args:
        frame: periodic in all directions or in none.
        settings: `EngineSettings.as_dict()`.

    Returns:
        energy (eV), forces (eV/Å), stress (eV/Å³, None without a box), seconds; or an `Outcome`
        "failed".
    """
    chosen = EngineSettings.from_mapping(settings)
    check(frame, chosen)
    options = _options(chosen)
    begin = time.monotonic()
    server = _server(options.package, options.method, packages.foundation_python())
    try:
        # CHGNet knows crystals only: what has no box gets one in which images do not meet
        answer = server.ask(boxed(frame, VACUUM) if options.package == "chgnet" else frame)
    except (OSError, EOFError) as error:
        close_server()
        return Outcome("failed", f"the server of {options.package} ended: {error}")
    if "error" in answer:
        return Outcome("failed", f"{options.package} failed: {answer['error']}")
    labels = {
        "energy": float(answer["energy"]),
        "forces": np.array(answer["forces"], dtype=float).reshape(-1, 3),
        "stress": np.array(answer["stress"], dtype=float) if frame.pbc.all() else None,
    }
    labels = d3.add_d3(labels, frame, "PBE", options.dispersion, options.three_body)
    return {**labels, "seconds": time.monotonic() - begin}


def _options(settings: EngineSettings) -> FoundationSettings:
    assert isinstance(settings.options, FoundationSettings)
    return settings.options


class _Server:
    """A child process in another environment that holds one model."""

    def __init__(self, package: str, checkpoint: str, python: str) -> None:
        self._process = subprocess.Popen(
            [python, str(SERVER), package, checkpoint],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.greeting: dict[str, Any] | None = None

    def ask(self, frame: Frame) -> dict[str, Any]:
        """Send a frame and return the answer."""
        self.greeting = self.greeting or self._read()
        if "error" in self.greeting:
            return self.greeting
        request = {
            "numbers": frame.numbers.tolist(),
            "positions": frame.positions.tolist(),
            "cell": frame.cell.tolist(),
            "pbc": frame.pbc.tolist(),
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise EOFError(f"exit code {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process and close the pipes."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()


_servers: dict[tuple[str, str, str], _Server] = {}
"""One at most: a worker process has one model at a time."""


def _server(package: str, checkpoint: str, python: str) -> _Server:
    key = (package, checkpoint, python)
    if key not in _servers:
        close_server()
        _servers[key] = _Server(*key)
    return _servers[key]


def close_server() -> None:
    """End the server of this process, if there is one."""
    while _servers:
        _servers.popitem()[1].close()
