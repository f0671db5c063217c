"""Reading YAML loads no module of the simulator."""

import subprocess
import sys

PROGRAM = """
import sys
import podres_exporter.web.config.reload
print(*sorted(name for name in sys.modules if name.startswith(("podres_exporter.scenario", "podres_exporter.sim"))))
"""


def test_a_daemon_with_a_web_config_loads_nothing_of_the_simulator() -> None:
    loaded = subprocess.run([sys.executable, "-c", PROGRAM], check=True, capture_output=True, text=True).stdout

    assert "" == loaded.strip()
