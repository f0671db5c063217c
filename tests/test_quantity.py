"""Kubernetes quantities."""

from collections.abc import Callable

import pytest

from podres_exporter.quantity import bytes_text, parse_millicores, parse_quantity

MOST = 2**63 - 1


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("0", 0),
        ("4096", 4096),
        ("1k", 1000),
        ("64Ki", 65536),
        ("500M", 500_000_000),
        ("256Gi", 274_877_906_944),
        ("3T", 3 * 10**12),
        ("3P", 3 * 10**15),
        ("3E", 3 * 10**18),
        ("3Pi", 3 * 2**50),
        ("3Ei", 3 * 2**60),
        (" 2Ti ", 2_199_023_255_552),
        ("1.5Gi", 1_610_612_736),
        ("0.5Mi", 524_288),
        (".5k", 500),
        ("1.G", 10**9),
        ("+7", 7),
        ("007", 7),
        ("1e3", 1000),
        ("12E2", 1200),
        ("1E+3", 1000),
        ("1.25e1", 13),
        ("5e-1", 1),
        ("2500m", 3),
        ("1500000u", 2),
        ("1n", 1),
    ],
)
def test_a_quantity_is_bytes_or_items(text: str, size_bytes: int) -> None:
    """Suffixes are binary or decimal, `E` is one and `E2` an exponent, and parts round up (Quantity.Value)."""
    assert size_bytes == parse_quantity(text)


@pytest.mark.parametrize("text", ["9223372036854775807", "8Ei", "16Ei", "1e19", "1e200", "1e999999999", "9" * 64])
def test_what_no_int64_holds_is_the_most_that_one_holds(text: str) -> None:
    """Kubernetes caps binary amounts there; a power without end would cost memory without end."""
    assert MOST == parse_quantity(text)
    assert MOST == parse_millicores(text)


@pytest.mark.parametrize("text", ["1e-30", "1e-999999999", "0." + "0" * 60 + "1"])
def test_the_least_that_is_asked_for_is_one(text: str) -> None:
    """ParseQuantity: if you want some resources, you get some, however small the amount."""
    assert 1 == parse_quantity(text)
    assert 1 == parse_millicores(text)


@pytest.mark.parametrize("text", ["0e999999999", "0e-999999999", "0Ei", "0.000", "0m"])
def test_nothing_stays_nothing(text: str) -> None:
    """No suffix makes something of zero."""
    assert 0 == parse_quantity(text)
    assert 0 == parse_millicores(text)


NO_QUANTITIES = ["", " ", ".", "two", "-1", "+-1", "1KB", "1Gb", "Gi", "m", "1 Gi", "1ki", "1i", "1e", "1e1.5", "1.2.3"]


@pytest.mark.parametrize("text", [*NO_QUANTITIES, "0x10", "1,5", "inf", "NaN", "1_000", "\u0663", "1e\u0663", "1\n2"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    """`1KB` is no Kubernetes quantity, and nothing can hold less than nothing."""
    with pytest.raises(ValueError, match="is not a size"):
        parse_quantity(text)
    with pytest.raises(ValueError, match="is not a number of CPUs"):
        parse_millicores(text)


@pytest.mark.parametrize("parse", [parse_quantity, parse_millicores])
def test_a_text_without_end_is_refused_with_its_beginning(parse: Callable[[str], int]) -> None:
    """No quantity needs more than 64 characters; the message goes into logs."""
    with pytest.raises(ValueError, match=f"^'{'1' * 64}' is not a "):
        parse("1" * 100_000)


@pytest.mark.parametrize(
    ("text", "millicores"),
    [
        ("0", 0),
        ("2", 2000),
        ("0.5", 500),
        ("1.5", 1500),
        ("0.25", 250),
        ("1.001", 1001),
        ("0m", 0),
        (" 1500m ", 1500),
        (".5", 500),
        ("1.", 1000),
        ("0.0001", 1),
        ("1.0001", 1001),
        ("1.5m", 2),
        ("100u", 1),
        ("1e3", 1_000_000),
        ("1k", 1_000_000),
        ("2Ki", 2_048_000),
    ],
)
def test_a_number_of_cpus_is_thousandths(text: str, millicores: int) -> None:
    """1.5 and 1500m are the same, and less than a thousandth rounds up (Quantity.MilliValue)."""
    assert millicores == parse_millicores(text)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0"),
        (1023, "1023"),
        (1 << 10, "1Ki"),
        (16 << 30, "16Gi"),
        (4055891968, "3.7Gi"),
        ((1 << 30) - 1, "1023.9Mi"),
        (3 << 60, "3Ei"),
    ],
)
def test_bytes_are_rounded_down(size: int, expected: str) -> None:
    """What is free must never look like more than it is."""
    assert expected == bytes_text(size)
