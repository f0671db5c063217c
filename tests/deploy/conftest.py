"""Helm, and the rendered chart, once for all tests."""

from pathlib import Path

import pytest
from helm_rig import VARIANTS, Helm, Object


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    return Helm(Path(tmp_path_factory.mktemp("helm")))


@pytest.fixture(scope="session")
def rendered(helm: Helm) -> dict[str, list[Object]]:
    """Return the objects of every variant by its name."""
    return {name: helm.objects(name) for name in VARIANTS}
