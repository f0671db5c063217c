"""
Write the dashboards as JSON for Grafana 10 to 13: `python grafana/generate.py [--output DIRECTORY]`.

Needs the extra `dashboards`. The JSON beside this file is what it writes; `make dashboards` rewrites it.
"""

# ruff: noqa: INP001  # a script, not part of the package

import argparse
import json
import warnings
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent


def dashboards(*, several_clusters: bool) -> Mapping[str, str]:
    """Return the JSON of each dashboard by its uid."""
    with warnings.catch_warnings():
        # The builders would rather make the schema of Grafana 13, which older ones cannot import.
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        from boards import cluster, exporter, node, workload  # noqa: PLC0415
        from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: PLC0415

    made = [each.board(several_clusters=several_clusters) for each in (cluster, node, workload, exporter)]
    return {str(each.uid): json.dumps(each, cls=JSONEncoder, sort_keys=True, indent=2) + "\n" for each in made}


def main() -> None:
    """Write one file per dashboard."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0].strip())
    parser.add_argument("--output", type=Path, default=HERE, help="directory to write to (default: beside this file)")
    parser.add_argument("--several-clusters", action="store_true", help="show the variable of the cluster")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    for uid, text in dashboards(several_clusters=arguments.several_clusters).items():
        (arguments.output / f"{uid}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
