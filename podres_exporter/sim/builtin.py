"""The scenarios that come with the package."""

from importlib.resources import files

from podres_exporter.scenario import Scenario, parse_scenario


def builtin_scenario(name: str = "demo") -> Scenario:
    """Return a scenario of the package by name. Raises FileNotFoundError: there is none of that name."""
    file = files("podres_exporter.scenario") / "data" / f"{name}.yaml"
    return parse_scenario(file.read_text(encoding="utf-8"), file.name)
