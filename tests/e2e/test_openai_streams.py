"""The official Python client: leaving in mid-stream, slow readers, the asynchronous client."""

import asyncio

import openai
import pytest

from support.gateway import KEY
from support.process import eventually


def ask(text):
    return [{"role": "user", "content": text}]


LONG = "[[sim:tokens n=100000]] [[sim:pace ms_per_token=1]] a long one"


def test_leaving_in_mid_stream_cancels_the_upstream_call(client, sim):
    mark = sim.mark()
    stream = client.chat.completions.create(model="chat", messages=ask(LONG), stream=True)
    for _, chunk in zip(range(5), stream):
        assert chunk.choices
    stream.close()
    call = sim.await_calls(mark, 1)[0]
    assert call["outcome"] == "cancelled"
    assert 0 < call["output_tokens"] < 100_000


def test_leaving_an_endless_stream(client, sim):
    mark = sim.mark()
    stream = client.chat.completions.create(model="chat", messages=ask("[[sim:endless]]"), stream=True)
    for _, _chunk in zip(range(50), stream):
        pass
    stream.close()
    assert sim.await_calls(mark, 1)[0]["outcome"] == "cancelled"


def test_a_cancelled_stream_is_logged_as_the_client_having_gone(client, gateway):
    stream = client.chat.completions.with_raw_response.create(model="chat", messages=ask(LONG), stream=True)
    request_id = stream.headers["x-sluice-request-id"]
    stream.http_response.close()
    record = gateway.record(request_id)
    assert record["status"] == 499
    assert record["error"] == "client_gone"


def test_a_reader_who_stops_bounds_the_memory_of_its_stream(gateway, client, sim):
    """The upstream would send without end; what waits for one client is bounded on the whole way."""
    mark = sim.mark()
    before = gateway.rss_bytes()
    stream = client.chat.completions.create(model="chat", messages=ask("[[sim:endless]] slow reader"), stream=True)
    next(iter(stream))
    # Other requests go on meanwhile, and give the stream the time to fill every buffer.
    for n in range(100):
        client.chat.completions.create(model="chat", messages=ask(f"meanwhile {n}"))
    grown = gateway.rss_bytes() - before
    stream.close()
    assert grown < 32 * 1024 * 1024
    eventually(lambda: any(call["outcome"] == "cancelled" for call in sim.calls(mark)))


async def concurrent_chats(gateway, count):
    async with openai.AsyncOpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as client:
        async def one(n):
            reply = await client.chat.completions.create(model="chat", messages=ask(f"number {n}"))
            return reply.choices[0].message.content

        async def streamed(n):
            stream = await client.chat.completions.create(model="chat", messages=ask(f"number {n}"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

        whole = await asyncio.gather(*(one(n) for n in range(count)))
        chunks = await asyncio.gather(*(streamed(n) for n in range(count)))
    return whole, chunks


def test_async_client_with_many_in_flight(gateway):
    whole, chunks = asyncio.run(concurrent_chats(gateway, 50))
    assert whole == chunks
    assert len(set(whole)) == 50


async def cancelled_task(gateway):
    async with openai.AsyncOpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as client:
        request = client.chat.completions.create(model="chat", messages=ask("[[sim:hang]] cancelled task"))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(request, 0.3)


def test_cancelling_an_async_task_cancels_the_upstream_call(gateway, sim):
    mark = sim.mark()
    asyncio.run(cancelled_task(gateway))
    assert sim.await_calls(mark, 1)[0]["outcome"] == "cancelled"
