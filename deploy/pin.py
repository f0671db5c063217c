# ruff: noqa: INP001 - a script beside what it writes, no package
"""
Pin the packages of deploy/requirements.in with hashes, in requirements.txt: `make requirements`.

pip then installs nothing that has another content than it had when this was run, no matter which server it comes from.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

HEADER = "# Made from requirements.in by `make requirements`; a change here is lost.\n"


def main() -> None:
    """Ask the index for the hashes of every file of the pinned versions; uv is the first argument."""
    folder = Path(__file__).parent
    command = [sys.argv[1], "pip", "compile", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run(  # noqa: S603 - ours
        [*command, "--no-emit-index-url", "--python-version=3.12", "--quiet", str(folder / "requirements.in")],
        check=True,
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "UV_OUTPUT_FILE"},
    )
    blocks = re.findall(r"^[^\s#].*(?:\n    --hash.*)*\n", done.stdout, re.MULTILINE)
    text = HEADER + "".join(sorted(blocks, key=lambda block: block.lower().split("==")))
    (folder / "requirements.txt").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
