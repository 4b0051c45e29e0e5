"""Equal requests in flight share one upstream call; those that must not share do not."""

import asyncio

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, Simulator, sha256
from support.process import eventually

OTHER_KEY = parts.KEY + "-other-tenant"
SLOW = "[[sim:slow_first_byte ms=500]] "  # long enough for twenty requests to arrive


def ask(text):
    return [{"role": "user", "content": text}]


@pytest.fixture(scope="module")
def slow_sim(tmp_path_factory):
    """An upstream that takes its time for each token."""
    with Simulator(tmp_path_factory.mktemp("slow"), "--per-output-token-ms", "20") as running:
        yield running


@pytest.fixture
def gateway(start_gateway, slow_sim):
    keys = [{"id": "one", "sha256": sha256(KEY), "tenant": "acme"},
            {"id": "two", "sha256": sha256(OTHER_KEY), "tenant": "other"}]
    return start_gateway(providers=[parts.provider("sim", slow_sim.url)], keys=keys)


def together(gateway, count, key_of=lambda n: KEY, headers=None, **body):
    """Sends equal requests at once; their raw responses."""
    async def all_of_them():
        clients = [openai.AsyncOpenAI(base_url=gateway.api, api_key=key_of(n), max_retries=0) for n in range(count)]
        try:
            return await asyncio.gather(*(
                client.chat.completions.with_raw_response.create(model="chat", extra_headers=headers, **body)
                for client in clients))
        finally:
            for client in clients:
                await client.close()
    return asyncio.run(all_of_them())


def merged(responses):
    return sum(response.headers.get("x-sluice-merged") == "true" for response in responses)


def test_twenty_equal_requests_are_one_call(gateway, slow_sim):
    mark = slow_sim.mark()
    responses = together(gateway, 20, messages=ask(SLOW + "twenty"), max_tokens=5)
    assert len({response.text for response in responses}) == 1
    assert merged(responses) == 19
    assert sum(response.headers["x-sluice-cost-usd"] == "0" for response in responses) == 19
    assert len({response.headers["x-request-id"] for response in responses}) == 20
    assert len(slow_sim.await_calls(mark, 1)) == 1
    records = [gateway.record(response.headers["x-request-id"]) for response in responses]
    assert sum(record.get("joined", False) for record in records) == 19
    assert sum(record["cost_nanousd"] > 0 for record in records) == 1
    assert all(record["overhead_ms"] < 400 for record in records), "the shared call is no overhead of ours"
    assert gateway.metric("sluice_merged_requests_total", model="chat") == 19
    assert gateway.metric("sluice_upstream_attempts_total", model="chat") == 1
    eventually(lambda: gateway.metric("sluice_merge_joined_total") == 19)


@pytest.mark.parametrize("body, headers", [
    ({"temperature": 0.7}, None),
    ({"store": True}, None),
    ({}, {"Cache-Control": "no-store"}),
    ({}, {"x-sluice-merge": "off"}),
], ids=["temperature", "store", "no-store", "off"])
def test_who_wants_an_answer_of_its_own_gets_one(gateway, slow_sim, body, headers):
    mark = slow_sim.mark()
    responses = together(gateway, 3, headers=headers, messages=ask(SLOW + f"own {body} {headers}"), max_tokens=5, **body)
    assert merged(responses) == 0
    assert len(slow_sim.await_calls(mark, 3)) == 3


def test_tenants_never_share(gateway, slow_sim):
    mark = slow_sim.mark()
    responses = together(gateway, 4, key_of=lambda n: (KEY, OTHER_KEY)[n % 2], messages=ask(SLOW + "tenants"), max_tokens=5)
    assert merged(responses) == 2
    assert len(slow_sim.await_calls(mark, 2)) == 2


def test_nothing_is_merged_where_it_is_switched_off(start_gateway, slow_sim):
    gateway = start_gateway(providers=[parts.provider("sim", slow_sim.url)], merging={"enabled": False})
    mark = slow_sim.mark()
    assert merged(together(gateway, 3, messages=ask(SLOW + "off"), max_tokens=5)) == 0
    assert len(slow_sim.await_calls(mark, 3)) == 3


def test_embeddings_merge_too(gateway, slow_sim):
    async def both():
        async with openai.AsyncOpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as client:
            return await asyncio.gather(*(
                client.embeddings.with_raw_response.create(model="embed", input=SLOW + "vector") for _ in range(4)))
    mark = slow_sim.mark()
    assert merged(asyncio.run(both())) == 3
    assert len(slow_sim.await_calls(mark, 1)) == 1


def test_similar_questions_share_where_that_is_asked_for(start_gateway, slow_sim):
    gateway = start_gateway(providers=[parts.provider("sim", slow_sim.url)], merging={"similar": True})

    async def all_of_them():
        async with openai.AsyncOpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as client:
            return await asyncio.gather(*(
                client.chat.completions.with_raw_response.create(model="chat", messages=ask(SLOW + text), max_tokens=5)
                for text in ("What is it?", "what is it", "What  is it", "what is it not?")))
    assert merged(asyncio.run(all_of_them())) == 2


def text_of(chunks):
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)


def stream(client, text):
    return client.chat.completions.create(model="chat", messages=ask(text), max_tokens=60, stream=True)


def client_of(gateway):
    return openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0, timeout=20)


def test_a_late_joiner_of_a_stream_gets_it_from_the_beginning(gateway, slow_sim):
    mark = slow_sim.mark()
    with client_of(gateway) as client:
        first = stream(client, "late joiner")
        begun = [next(first) for _ in range(10)]
        second = stream(client, "late joiner")
        assert second.response.headers.get("x-sluice-merged") == "true"
        whole = text_of(begun + list(first))
        assert text_of(list(second)) == whole != ""
    calls = slow_sim.await_calls(mark, 1)
    assert [call["outcome"] for call in calls] == ["finished"]


def test_the_call_goes_on_when_its_leader_leaves(gateway, slow_sim):
    mark = slow_sim.mark()
    with client_of(gateway) as client:
        leader = stream(client, "leader leaves")
        next(leader)
        joiner = stream(client, "leader leaves")
        begun = [next(joiner)]
        leader.close()
        gone = gateway.record(leader.response.headers["x-request-id"])
        whole = text_of(begun + list(joiner))
        stayed = gateway.record(joiner.response.headers["x-request-id"])
    assert gone["status"] == 499
    assert len(whole.split()) > 10
    assert stayed["cost_nanousd"] > 0 and not stayed.get("joined"), "somebody has to pay"
    calls = slow_sim.await_calls(mark, 1)
    assert [call["outcome"] for call in calls] == ["finished"]


def test_the_call_ends_when_all_have_left(gateway, slow_sim):
    mark = slow_sim.mark()
    with client_of(gateway) as client:
        both = [stream(client, "all leave"), stream(client, "all leave")]
        for each in both:
            next(each)
        for each in both:
            each.close()
    assert [call["outcome"] for call in slow_sim.await_calls(mark, 1)] == ["cancelled"]


def test_joiners_of_a_failed_call_are_answered(gateway, slow_sim):
    """The simulator fails the first call to this prompt, after the others have joined it."""
    mark = slow_sim.mark()
    responses = together(gateway, 5, messages=ask("[[sim:slow_first_byte ms=300]] [[sim:500 times=1]] failing"), max_tokens=5)
    assert {response.http_response.status_code for response in responses} == {200}
    assert len(slow_sim.await_calls(mark, 2)) <= 3
