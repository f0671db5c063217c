"""CPU time of one watch event."""

import json
from collections.abc import Iterator

from bench.rigs.apiserver import pod_object
from bench.rigs.table import Row, at_most
from bench.rigs.timing import side_by_side

from podres_exporter.allowlist import parse_allowlist
from podres_exporter.podmeta import Changed, PodDecoder, decode_event

TIMES = 100


def watch_rows(rounds: int) -> Iterator[Row]:
    """Yield what decoding an event costs, against the json of the standard library."""
    pod = pod_object(1, 2)
    pod["metadata"] |= {"uid": "6b1f5f3a-0000-4000-8000-000000000001", "resourceVersion": "4711"}
    line = json.dumps({"type": "MODIFIED", "object": pod}).encode()
    decoder = PodDecoder(parse_allowlist("pods=[*]"))
    assert isinstance(decode_event(line, decoder), Changed)

    def ours() -> None:
        for _ in range(TIMES):
            decode_event(line, decoder)

    def theirs() -> None:
        for _ in range(TIMES):
            json.loads(line)

    found = side_by_side({"ours": ours, "theirs": theirs}, rounds)
    figure, reference = (found[name] * 1000 / TIMES for name in ("ours", "theirs"))
    what = f"decoding one event of {len(line) / 1024:.1f} KiB"
    yield Row("watch", what, "", figure, "us CPU", reference, "json.loads", at_most(3.0))
