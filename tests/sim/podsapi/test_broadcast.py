"""Events sent to watching clients, and clients that are dropped."""

import grpc

from podres_exporter.sim.podsapi.broadcast import Broadcast, StreamEnd


def test_a_client_that_leaves_takes_no_other_along() -> None:
    """Both wait for their first event and look alike; a stream that ends closes its registration twice."""
    broadcast = Broadcast()
    leaves, stays = broadcast.register(), broadcast.register()
    leaves.close()
    leaves.close()
    broadcast.send(b"event")

    assert 1 == broadcast.watching
    assert b"event" == next(stays.events())


def test_every_open_stream_is_ended() -> None:
    broadcast = Broadcast()
    streams = [broadcast.register() for _ in range(3)]
    streams[0].close()
    broadcast.end(StreamEnd(grpc.StatusCode.UNAVAILABLE, "transport is closing"))
    ended: list[object] = []
    for stream in streams:
        try:
            ended += list(stream.events())
        except StreamEnd as end:
            ended.append(end.details)

    assert ["transport is closing", "transport is closing"] == ended
