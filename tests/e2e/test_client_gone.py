"""Clients that go away, at every stage: the upstream call ends with them, and nothing of them stays."""

import asyncio
import socket
import struct

import pytest

from support import gateway as parts
from support.gateway import KEY
from support.process import eventually
from support.raw_http import Connection, chat, compose
from support.watching_upstream import WatchingUpstream

CHAT = "/v1/chat/completions"
HANG = chat("[[sim:hang]] gone")
ENDLESS = chat("[[sim:endless]] gone", stream=True)


def compose_chat(body):
    return compose("POST", CHAT, body, key=KEY)


# stage: what is sent, how many bytes are read before leaving, whether an upstream call was begun
STAGES = {
    "connected and silent": (b"", 0, False),
    "in the middle of the header": (compose_chat(HANG)[:40], 0, False),
    "in the middle of the body": (compose_chat(HANG)[:-10], 0, False),
    "waiting for the first byte": (compose_chat(HANG), 0, True),
    "waiting for the first byte of a stream": (compose_chat(HANG | {"stream": True}), 0, True),
    "in the middle of a stream": (compose_chat(ENDLESS), 2000, True),
    "with a request pipelined behind": (compose_chat(HANG) + compose_chat(ENDLESS), 0, True),
}


@pytest.fixture
def watched(start_gateway):
    with WatchingUpstream() as upstream:
        models = [parts.model("chat", ("watching", "any"))]
        yield start_gateway(providers=[parts.provider("watching", upstream.url)], models=models), upstream


@pytest.mark.parametrize("reset", [False, True], ids=["closing", "resetting"])
@pytest.mark.parametrize("stage", STAGES)
def test_gone(watched, stage, reset):
    gateway, upstream = watched
    sent, read, called = STAGES[stage]
    connection = Connection(gateway)
    connection.send(sent)
    if read:
        assert len(connection.reader.read(read)) == read
    if called:
        upstream.until(lambda x: x.begun == 1)
    if reset:
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
    if called:
        upstream.until(lambda x: x.left == 1)
    # A later request is served, and it is the only other one that the upstream has seen.
    with Connection(gateway) as later:
        later.send(compose_chat(ENDLESS))
        later.read_head()
    upstream.until(lambda x: x.begun == x.left == (2 if called else 1))


def test_gone_while_not_reading(watched):
    """All buffers on the way are full: the gateway reads nothing from the upstream and writes nothing to the client."""
    gateway, upstream = watched
    connection = Connection(gateway, receive_buffer=4096)
    connection.send(compose_chat(ENDLESS))
    connection.read_head()
    upstream.until(lambda x: x.begun == 1)
    eventually(lambda: no_growth(gateway), what="the stream to stand still")
    connection.close()
    upstream.until(lambda x: x.left == 1)


def test_reader_who_takes_nothing_is_given_up(start_gateway):
    with WatchingUpstream() as upstream:
        gateway = start_gateway(providers=[parts.provider("watching", upstream.url)],
                                models=[parts.model("chat", ("watching", "any"))], limits={"write_timeout": "300ms"})
        with Connection(gateway, receive_buffer=4096) as connection:
            connection.send(compose_chat(ENDLESS))
            connection.read_head()
            upstream.until(lambda x: x.begun == x.left == 1)


def no_growth(gateway):
    """Whether ten requests go by without a further event having been passed on."""
    before = gateway.metric("sluice_response_bytes_total"), gateway.rss_bytes()
    for _ in range(10):
        gateway.metrics()
    return gateway.rss_bytes() - before[1] < 64 * 1024


# -- ten thousand of them -----------------------------------------------------------------------

REQUESTS = 10_000
IN_FLIGHT = 64
PATIENCE_SECONDS = 0.02
# Memory is taken at these points of the run; the first thousand fill pools and buffers.
SAMPLES = [1000, 4000, 7000, 10_000]
# From the first sample to the last: 600 bytes a request would show, beside the ledger's memtables of rows and of open
# charges, which take 4 MiB each before they are written out.
RSS_GROWTH_MAX = (6 + 2 * 4) * 1024 * 1024


async def leave(gateway, stage, patient):
    sent, read, _ = stage
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    try:
        writer.write(sent)
        await writer.drain()
        if read:
            await reader.readexactly(read)
        elif patient:
            # Long enough for the upstream call to begin; what comes is a refusal or nothing.
            await asyncio.wait_for(reader.read(1), PATIENCE_SECONDS)
    except TimeoutError:
        pass
    finally:
        writer.transport.abort()


async def leave_many(gateway, count, places):
    stages = list(STAGES.values())

    async def one(number):
        async with places:
            # Every stage is left at once by one half, and after a while by the other.
            await leave(gateway, stages[number % len(stages)], number // len(stages) % 2)
    await asyncio.gather(*(one(number) for number in range(count)))


def settled(gateway):
    """Whether the gateway has nothing in work but the question itself."""
    return gateway.metric("sluice_requests_in_flight") <= 1 and gateway.metric(
        "sluice_upstream_connections", state="busy") == 0


def level(gateway, descriptors):
    """Whether as many descriptors are open as in the beginning, but for the connection that asks and those to the
    upstream that are kept for later calls."""
    kept = gateway.metric("sluice_upstream_connections", state="idle")
    return abs(gateway.descriptors() - kept - descriptors) <= 1 and gateway.metric("sluice_connections") <= 1


def test_nothing_stays_of_ten_thousand_clients_that_left(start_gateway, sim):
    gateway = start_gateway(log={"format": "json", "level": "warn"})
    mark = sim.mark()
    descriptors = gateway.descriptors()
    memory = []
    done = 0
    for sample in SAMPLES:
        asyncio.run(leave_many(gateway, sample - done, asyncio.Semaphore(IN_FLIGHT)))
        done = sample
        eventually(lambda: settled(gateway), seconds=20, what="nothing in work")
        eventually(lambda: level(gateway, descriptors), what="descriptors as in the beginning")
        memory.append(gateway.rss_bytes())
    # Whatever was begun upstream was cancelled there: nothing ran on for nobody.
    calls = sim.calls(mark)
    assert {call["outcome"] for call in calls} == {"cancelled"}
    print(len(calls), "upstream calls begun and cancelled")
    print("resident MB:", [round(x / 2**20, 1) for x in memory])
    assert memory[-1] - memory[0] < RSS_GROWTH_MAX, memory
    # And it still works.
    with Connection(gateway) as connection:
        connection.send(compose_chat(chat("still there?")))
        assert connection.read_reply().json()["choices"]
