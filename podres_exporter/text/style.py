"""Terminal colours: the tone of a piece of text, and its ANSI code."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Tone(StrEnum):
    """What a piece of text signals to the reader; PLAIN is never coloured."""

    PLAIN = "plain"
    HEADER = "header"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"
    FAINT = "faint"


@dataclass(frozen=True, slots=True)
class Style:
    """*codes* are ANSI SGR parameters by tone (`31`, `1;36`); a tone without a code is not coloured."""

    codes: Mapping[Tone, str] = field(default_factory=dict)

    def paint(self, text: str, tone: Tone) -> str:
        """Return the text with its colour codes; its width on the terminal stays the same."""
        code = self.codes.get(tone)
        return f"\x1b[{code}m{text}\x1b[0m" if code and text else text


PLAIN = Style()
ANSI = Style({Tone.HEADER: "1", Tone.GOOD: "32", Tone.WARN: "33", Tone.BAD: "31", Tone.FAINT: "2"})

_TONES: Mapping[str, Mapping[str, Tone]] = {
    "ALIGNED": {"yes": Tone.GOOD, "no": Tone.BAD, "spans": Tone.WARN, "?": Tone.FAINT},
    "ALLOCATABLE": {"no": Tone.BAD},
    "HEALTH": {"Healthy": Tone.GOOD, "-": Tone.PLAIN, "?": Tone.FAINT},
    "KUBELET": {"up": Tone.GOOD},
    "TOPOLOGY": {"up": Tone.GOOD, "?": Tone.FAINT},
    "METADATA": {"synced": Tone.GOOD, "off": Tone.PLAIN},
    "UNALLOCATABLE": {"0": Tone.PLAIN, "-": Tone.PLAIN, "?": Tone.FAINT},
}
_OTHERWISE = {"HEALTH": Tone.BAD, "KUBELET": Tone.WARN, "TOPOLOGY": Tone.WARN, "METADATA": Tone.WARN} | {
    "UNALLOCATABLE": Tone.BAD
}


def tone_of(header: str, cell: str) -> Tone:
    """Return the tone of a cell in the column with this header; also for renderers with colours of their own."""
    return _TONES.get(header, {}).get(cell, _OTHERWISE.get(header, Tone.PLAIN))
