"""The code of every tutorial runs, in order, in an empty folder.

Blocks marked ```python and ```bash are run; a block that is only shown is marked ```text or
```yaml. A ```yaml block after "Save this as `NAME`:" is saved first.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

TUTORIALS = sorted((Path(__file__).resolve().parents[2] / "docs" / "tutorials").glob("*.md"))
BLOCK = re.compile(r"^```(python|bash)\n(.*?)^```", re.MULTILINE | re.DOTALL)

SAVED = re.compile(r"Save this as `([^`]+)`:\s+^```yaml\n(.*?)^```", re.MULTILINE | re.DOTALL)


def script(tutorial: Path) -> str:
    """Return one bash script that runs the blocks one after the other."""
    parts = ["set -euo pipefail"]
    python: list[str] = []
    for language, code in BLOCK.findall(tutorial.read_text()):
        if language == "python":
            python.append(code)  # later blocks see the names of earlier ones
            text = "\n".join(python)
            parts.append(f"{sys.executable} - <<'END_OF_BLOCK'\n{text}\nEND_OF_BLOCK")
        else:
            parts.append(code)
    return "\n".join(parts)


@pytest.mark.parametrize("tutorial", TUTORIALS, ids=[t.stem for t in TUTORIALS])
def test_the_code_of_the_tutorial_runs(tutorial: Path, tmp_path: Path) -> None:
    for name, text in SAVED.findall(tutorial.read_text()):
        (tmp_path / name).write_text(text)
    environment = dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    environment["ELYTE_EXAMPLES"] = str(tutorial.parents[2] / "examples")
    done = subprocess.run(
        ["bash", "-c", script(tutorial)],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
