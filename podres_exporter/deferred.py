"""
Packages whose own code runs when it is needed, not when one of their modules is.

`import kubernetes.config.incluster_config` runs the `__init__` of `kubernetes` and of `kubernetes.config` first, and
those import everything there is: OAuth, requests, YAML, websockets, 7 MiB on every node for what no pod uses.
"""

import sys
from importlib import import_module
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from importlib.util import find_spec, module_from_spec
from types import ModuleType


class _Package(ModuleType):
    """A package that has not run yet: it does when a name is asked for that none of its modules has."""

    def __getattr__(self, name: str) -> object:
        """Return the module of that name; without one, run the package's own code and return what it calls so."""
        spec = self.__spec__
        if name.startswith("__") or spec is None or not isinstance(spec.loader, _Later):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if find_spec(f"{self.__name__}.{name}") is not None:
            return import_module(f"{self.__name__}.{name}")
        spec.loader = spec.loader.loader
        spec.loader.exec_module(self)
        return getattr(self, name)


class _Later(Loader):
    """Makes the module and leaves the running to *loader*, for later."""

    def __init__(self, loader: Loader) -> None:
        """Keep what the package would be loaded with."""
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module, empty."""
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


def defer(*packages: str) -> None:
    """
    Let modules of *packages*, parents first, be imported without the packages themselves; those imported stay as is.

    Raises ImportError where there is no such package.

    Source: importlib.util.LazyLoader, which cannot do it: importing a submodule touches its parent, and so runs it.
    """
    for name in packages:
        if name in sys.modules:
            continue
        spec = find_spec(name)
        if spec is None or spec.loader is None:
            raise ImportError(f"no package {name}", name=name)
        spec.loader = _Later(spec.loader)
        module = sys.modules[name] = module_from_spec(spec)
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
