"""Serve one foundation model by lines of JSON; started in the model's own environment.

    python foundation_server.py PACKAGE CHECKPOINT

It imports nothing of elyte. A first line of output says {"ready": version} or {"error": text}.
Each line of input is {"numbers", "positions" (Å), "cell" (Å), "pbc"}; each line of output
{"energy" (eV), "forces" (eV/Å), "stress" (eV/Å³, 3 × 3, tension positive, null without a box)}
or {"error": text}. It ends with its input.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import version
from typing import Any, TextIO

import ase


def calculator(package: str, checkpoint: str) -> Any:
    """Return an ASE calculator of a checkpoint, by name or from a file."""
    if package == "sevenn":
        from sevenn.calculator import SevenNetCalculator

        return SevenNetCalculator(checkpoint, device="cpu")
    if package == "chgnet":
        from chgnet.model.dynamics import CHGNetCalculator
        from chgnet.model.model import CHGNet

        if os.path.isfile(checkpoint):
            return CHGNetCalculator(CHGNet.from_file(checkpoint), use_device="cpu")
        name = checkpoint.removeprefix("chgnet-") or "0.3.0"
        return CHGNetCalculator(CHGNet.load(model_name=name), use_device="cpu")
    raise ValueError(f"no package '{package}'")


def evaluate(model: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return energy, forces and stress of one frame."""
    atoms = ase.Atoms(
        request["numbers"], request["positions"], cell=request["cell"], pbc=request["pbc"]
    )
    atoms.calc = model
    free = "free_energy" in model.implemented_properties
    return {
        "energy": float(atoms.get_potential_energy(force_consistent=free)),
        "forces": atoms.get_forces().tolist(),
        "stress": atoms.get_stress(voigt=False).tolist() if all(request["pbc"]) else None,
    }


def serve(answers: TextIO, package: str, checkpoint: str) -> None:
    """Answer until the input ends."""

    def say(value: dict[str, Any]) -> None:
        answers.write(json.dumps(value) + "\n")
        answers.flush()

    try:
        model = calculator(package, checkpoint)
        say({"ready": version(package)})
    except Exception as error:
        say({"error": f"{type(error).__name__}: {error}"})
        return
    for line in sys.stdin:
        try:
            say(evaluate(model, json.loads(line)))
        except Exception as error:
            say({"error": f"{type(error).__name__}: {error}"})


def main() -> None:
    """Keep standard output for the answers; what a model prints goes to standard error."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    serve(answers, sys.argv[1], sys.argv[2])


if __name__ == "__main__":
    main()
