"""Faults in a piece of JSON: what is wrong, and where."""

UNREADABLE = (ValueError, RecursionError)
"""Everything msgspec raises: its own errors and UnicodeDecodeError are ValueErrors, excessive nesting is not."""


class PodError(ValueError):
    """
    A pod that cannot be used; *path* is the place in the pod (empty: the whole pod), *problem* what is wrong there.
    """

    def __init__(self, path: str, problem: str) -> None:
        """Keep both parts."""
        super().__init__(f"{path}: {problem}" if path else problem)
        self.path = path
        self.problem = problem


def pod_error(error: Exception) -> PodError:
    """
    Return the error with the path that msgspec names, as in ``Expected `str`, got `int` - at `$.status.phase` ``.

    Its texts contain types and paths, never values of the pod.
    """
    problem, _, path = str(error).partition(" - at `$")
    return PodError(path.rstrip("`").removeprefix("."), problem.replace("`", ""))


class ForeignPodError(PodError):
    """A pod of another node, at *resource_version*."""

    def __init__(self, path: str, problem: str, resource_version: str) -> None:
        """Keep the version as well, because a watch resumes from it."""
        super().__init__(path, problem)
        self.resource_version = resource_version
