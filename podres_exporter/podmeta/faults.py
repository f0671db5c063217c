"""What was wrong with a piece of JSON, and where in it."""

UNREADABLE = (ValueError, RecursionError)
"""
All that msgspec raises: its own errors and UnicodeDecodeError are ValueErrors; what is nested too deeply is not.
"""


class PodError(ValueError):
    """A pod that cannot be used; *path* says where in the pod (empty: all of it), *problem* what is wrong there."""

    def __init__(self, path: str, problem: str) -> None:
        """Keep both parts."""
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def pod_error(error: Exception) -> PodError:
    """
    Return the error with the place that msgspec names, as in ``Expected `str`, got `int` - at `$.status.phase` ``.

    Its texts have types and positions in them, never values of the pod.
    """
    problem, _, path = str(error).partition(" - at `$")
    return PodError(path.rstrip("`").removeprefix("."), problem.replace("`", ""))


class ForeignPodError(PodError):
    """A pod of another node, as of *resource_version*."""

    def __init__(self, path: str, problem: str, resource_version: str) -> None:
        """Keep the version, too: a watch goes on from it."""
        super().__init__(path, problem)
        self.resource_version = resource_version
