"""Escape text from outside so that every character fills one terminal column and none is a control character."""

import unicodedata

_WIDE = frozenset({"W", "F"})
_BACKWARDS = frozenset({"R", "AL", "AN"})


def printable(text: str) -> str:
    r"""
    Return the text with every character that does not fill exactly one column escaped: `\x1b`, `\u202e`, `\U0001f600`.

    Escaped are control and format characters, line ends, lone surrogates, wide and combining characters, and letters
    that are written from right to left, which would reorder what stands beside them. So `len` is the width.

    Device ids are chosen by plugins and could contain escape sequences, which a terminal would obey.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(character if _fills_one_column(character) else _escape(ord(character)) for character in text)


def _fills_one_column(character: str) -> bool:
    return (
        character.isprintable()
        and unicodedata.east_asian_width(character) not in _WIDE
        and not unicodedata.category(character).startswith("M")
        and unicodedata.bidirectional(character) not in _BACKWARDS
    )


def _escape(number: int) -> str:
    if number <= 0xFF:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number <= 0xFFFF else f"\\U{number:08x}"
