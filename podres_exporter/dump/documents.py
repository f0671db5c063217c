"""The snapshot document as JSON and YAML; the documents of several nodes as one list."""

import json
from collections.abc import Sequence

from podres_exporter.model import Snapshot

LIST_KIND = "PodResourcesSnapshotList"

Fields = dict[str, object]


def json_text(snapshots: Sequence[Snapshot], *, generated_at_seconds: float, version: str) -> str:
    """
    Return JSON with a final newline, with all non-ASCII characters escaped so that any terminal and locale can print
    it.

    *generated_at_seconds* are Unix seconds, *version* is that of the exporter.
    """
    return json.dumps(_document(snapshots, generated_at_seconds, version), indent=2) + "\n"


def yaml_text(snapshots: Sequence[Snapshot], *, generated_at_seconds: float, version: str) -> str:
    """
    Return the same as YAML, keys in the order of the document.

    All non-ASCII characters are escaped if any of them is unprintable: PyYAML would write bidirectional control
    characters, and cannot read back every line break that it writes.
    """
    document = _document(snapshots, generated_at_seconds, version)
    text = _yaml(document, is_unicode=True)
    return text if all(map(str.isprintable, text.split("\n"))) else _yaml(document, is_unicode=False)


def _yaml(document: Fields, *, is_unicode: bool) -> str:
    import yaml  # noqa: PLC0415 - a table should not wait for it

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=is_unicode, width=120)
    return text


def _document(snapshots: Sequence[Snapshot], generated_at_seconds: float, version: str) -> Fields:
    """Return the document of a single snapshot, or a list for several or none."""
    from podres_exporter.document import API_VERSION, encode  # noqa: PLC0415 - a table should not wait for it

    documents = [encode(each, generated_at_seconds=generated_at_seconds, version=version) for each in snapshots]
    if len(documents) == 1:
        return documents[0]
    return {"apiVersion": API_VERSION, "kind": LIST_KIND, "items": documents}
