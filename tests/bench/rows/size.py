"""Sizes of the exporter's responses."""

import math
from collections.abc import Iterator

from bench.rigs.answers import News, Node
from bench.rigs.pipeline import Pipeline
from bench.rigs.sizes import NODE
from bench.rigs.table import Row
from bench.rigs.timing import CLOCK

from podres_exporter.exposition.document import SnapshotDocument
from podres_exporter.exposition.negotiation import Format


def size_rows(node: Node) -> Iterator[Row]:
    """Yield the bytes of the page and of the snapshot, plain and compressed."""
    pipeline = Pipeline(node.rounds[News.SAME], node.topology)
    pipeline.poll()
    document = SnapshotDocument(NODE, "bench", CLOCK)
    document.publish(pipeline.snapshot, math.inf)
    bodies = {
        "page": [b"".join(pipeline.exposition.body(Format.TEXT, gzip)) for gzip in (False, True)],
        "snapshot": [document.body(gzip)[0] for gzip in (False, True)],
    }
    size = node.size.name
    for what, (plain, compressed) in bodies.items():
        yield Row("size", what, size, len(plain) / 1024, "KiB")
        yield Row("size", f"{what}, gzip", size, len(compressed) / 1024, "KiB", len(plain) / 1024, "plain")
    listed, allocatable = (len(each) / 1024 for each in (pipeline.answer.listed, pipeline.answer.allocatable))
    yield Row("size", "the kubelet's answers, List and allocatable", size, listed + allocatable, "KiB")
