"""Errors in JSON from the API server are reported with their place."""

import pytest

from podres_exporter.podmeta.faults import PodError, pod_error


@pytest.mark.parametrize(
    ("text", "path", "problem"),
    [
        ("Expected `str`, got `int` - at `$.status.phase`", "status.phase", "Expected str, got int"),
        ("Expected `str`, got `null` - at `$.metadata.labels[...]`", "metadata.labels[...]", "Expected str, got null"),
        ("Expected `object`, got `int`", "", "Expected object, got int"),
        ("Input data was truncated", "", "Input data was truncated"),
    ],
)
def test_an_error_of_msgspec_is_taken_apart(text: str, path: str, problem: str) -> None:
    """Its message has the path at its end, after `$`."""
    error = pod_error(ValueError(text))

    assert (path, problem) == (error.path, error.problem)


def test_the_text_of_an_error_has_both_parts() -> None:
    """Without a path it is the problem alone."""
    assert "metadata.name: is missing" == str(PodError("metadata.name", "is missing"))
    assert "is missing" == str(PodError("", "is missing"))
