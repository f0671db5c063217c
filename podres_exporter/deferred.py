"""
Import submodules without running their package's heavy `__init__`.

`import kubernetes.config.incluster_config` runs the `__init__` of `kubernetes` and of `kubernetes.config` first, and
those import everything there is: OAuth, requests, YAML, websockets, 7 MiB on every node for what no pod uses.
"""

import sys
from importlib import import_module
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.abc import Loader
else:
    Loader = object  # importlib.abc imports tempfile, shutil and compressors: half a MiB for a base class


class _Package(ModuleType):
    """
    A package whose `__init__` has not run yet; it runs when an attribute is requested that no loaded submodule
    provides.
    """

    def __getattr__(self, name: str) -> object:
        """Return the submodule of that name, or run the package's `__init__` and return its attribute."""
        spec = self.__spec__
        if spec is None or not isinstance(spec.loader, _Later) or not spec.loader.may_have(name):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        if find_spec(f"{self.__name__}.{name}") is not None:
            return import_module(f"{self.__name__}.{name}")
        spec.loader = spec.loader.loader
        spec.loader.exec_module(self)
        return getattr(self, name)


class _Later(Loader):
    """A loader that creates the module but postpones its execution by *loader*."""

    def __init__(self, loader: Loader) -> None:
        """Keep the loader that will run the package later."""
        self.loader = loader

    def may_have(self, name: str) -> bool:
        """Return whether the package may have the name; those that Python itself asks for are not worth running it."""
        code = self.loader.get_code(self.loader.name) if isinstance(self.loader, SourceFileLoader) else None
        return not name.startswith("__") or code is None or name in code.co_names

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module, empty."""
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Run nothing."""


def defer(*packages: str) -> None:
    """
    Let submodules of *packages* (parents first) be imported without running the packages; imported ones stay as is.

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
