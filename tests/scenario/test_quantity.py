import pytest

from podres_exporter.scenario.quantity import parse_millicores, parse_quantity


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1k", 1000),
        ("64Ki", 65536),
        ("500M", 500_000_000),
        ("256Gi", 274_877_906_944),
        (" 2Ti ", 2_199_023_255_552),
    ],
)
def test_a_quantity_is_bytes(text: str, size_bytes: int) -> None:
    """Binary and decimal suffixes differ (Kubernetes resource.Quantity)."""
    assert size_bytes == parse_quantity(text)


@pytest.mark.parametrize("text", ["", "1.5Gi", "-1", "1e3", "1KB", "1Gb", "Gi", "1 Gi"])
def test_what_is_no_whole_size_is_refused(text: str) -> None:
    """No kernel has a fraction of a byte, and `1KB` is no Kubernetes quantity."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_quantity(text)


@pytest.mark.parametrize(
    ("text", "millicores"),
    [("0", 0), ("2", 2000), ("0.5", 500), ("1.5", 1500), ("0.25", 250), ("1.001", 1001), ("0m", 0), (" 1500m ", 1500)],
)
def test_a_number_of_cpus_is_thousandths(text: str, millicores: int) -> None:
    """1.5 and 1500m are the same (Kubernetes resource.Quantity)."""
    assert millicores == parse_millicores(text)


@pytest.mark.parametrize("text", ["", "two", "-1", ".5", "1.", "0.0001", "1.5m", "m", "1e3", "1 m", "2Gi"])
def test_what_is_no_number_of_cpus_is_refused(text: str) -> None:
    """A thousandth is the least that a CPU can be divided into."""
    with pytest.raises(ValueError, match="is not a number of CPUs"):
        parse_millicores(text)
