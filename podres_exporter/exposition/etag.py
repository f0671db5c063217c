"""Names for bytes that are handed out."""


def etag(data: bytes, encoding: str = "") -> str:
    """
    Return the strong ETag of *data*, quotes included; the encodings of one text differ, and so must their tags.

    Python's own hash of bytes, 64 bits with a secret key of the process: a digest of hashlib costs 0.7 MiB. After a
    restart the tags are others, and browsers ask once in vain.

    Source: RFC 9110, 8.8.3.3; PEP 456.
    """
    return f'"{hash(data) & 0xFFFF_FFFF_FFFF_FFFF:016x}{encoding and "-" + encoding}"'
