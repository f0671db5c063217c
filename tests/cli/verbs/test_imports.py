"""A one-shot command does not load modules of other commands."""

import subprocess
import sys

import pytest
from look_rig import Spot

PROGRAM = """
import sys
from podres_exporter.cli import main
code = main(sys.argv[1:])
others = ("admission", "catalogue", "cluster", "explain", "exposition", "fit", "kube", "page", "scenario", "sim", "web")
others += ("who",)
loaded = {name.split(".")[1] for name in sys.modules if name.startswith("podres_exporter.")}
if "podres_exporter.families.catalogue" in sys.modules:
    loaded.add("catalogue")
print(code, *sorted(loaded & set(others)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("argv", "needed"),
    [(("dump",), ""), (("dump", "-o", "prom"), " catalogue exposition"), (("fit", "--cpus=1"), " admission fit")],
)
def test_a_command_loads_nothing_of_the_others(node: Spot, argv: tuple[str, ...], needed: str) -> None:
    flags = [each for each in node.flags if "kubeconfig" not in each]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *argv, *flags, "--metadata.source=none"],
        check=True,
        capture_output=True,
        text=True,
    )

    assert needed == done.stderr.splitlines()[-1][1:]
