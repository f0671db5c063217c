"""Kubelet releases: which one a scenario plays."""

from dataclasses import dataclass

OLDEST_MINOR = 20
NEWEST_MINOR = 38


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A Kubernetes release 1.*minor*; patch releases are not told apart."""

    minor: int

    def __str__(self) -> str:
        """Return the text in which people write it, such as `1.36`."""
        return f"1.{self.minor}"


def parse_release(text: str) -> Release:
    """
    Return the release that a text such as `1.36` or `v1.36.3` names.

    Raises ValueError for anything else, for one before 1.20 (the first with podresources/v1) and for unknown ones.
    """
    major, _, rest = text.removeprefix("v").partition(".")
    minor = rest.partition(".")[0]
    if major != "1" or not (minor.isascii() and minor.isdecimal() and len(minor) <= 4):
        raise ValueError(f"{text!r} is not a kubelet release; write it as 1.36")
    if not OLDEST_MINOR <= int(minor) <= NEWEST_MINOR:
        raise ValueError(f"release {text} cannot be played; choose 1.{OLDEST_MINOR} to 1.{NEWEST_MINOR}")
    return Release(int(minor))
