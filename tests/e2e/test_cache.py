"""The same request gets the kept answer; who wants another gets another; no tenant sees another's."""

import json

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, sha256
from support.process import eventually

OTHER_KEY = KEY + "-other-tenant"


@pytest.fixture
def gateway(start_gateway):
    keys = [{"id": "one", "sha256": sha256(KEY), "tenant": "acme"},
            {"id": "two", "sha256": sha256(OTHER_KEY), "tenant": "other"}]
    return start_gateway(keys=keys, cache={"enabled": True})


def client_of(gateway, key=KEY):
    return openai.OpenAI(base_url=gateway.api, api_key=key, max_retries=0, timeout=20)


def chat(client, text, headers=None, **more):
    return client.chat.completions.with_raw_response.create(
        model="chat", messages=[{"role": "user", "content": text}], extra_headers=headers, **more)


def test_the_same_request_is_answered_from_memory_and_costs_nothing(gateway, sim):
    client = client_of(gateway)
    mark = sim.mark()
    first, again = chat(client, "What is a sluice?"), chat(client, "What is a sluice?")
    assert first.headers["x-sluice-cache"] == "miss"
    assert again.headers["x-sluice-cache"] == "hit"
    assert again.headers["x-sluice-cache-level"] == "L1"
    assert 0 <= int(again.headers["x-sluice-cache-age"]) < 60
    assert int(again.headers["x-sluice-cache-ttl"]) > 3600
    assert again.headers["x-sluice-attempts"] == "0"
    assert again.headers["x-sluice-cost-usd"] == "0"
    assert first.headers["x-request-id"] != again.headers["x-request-id"]
    assert first.text == again.text
    assert len(sim.await_calls(mark, 1)) == 1
    record = gateway.record(again.headers["x-request-id"])
    assert record["cache"] == "L1" and record["cost_nanousd"] == 0
    saved = gateway.record(first.headers["x-request-id"])["cost_nanousd"]
    assert gateway.metric("sluice_cache_saved_nanousd_total") == saved > 0
    assert gateway.metric("cache_hit_rate") == 0.5
    eventually(lambda: gateway.metric("sluice_cache_entries", level="L1") == 1)


def test_a_stream_is_given_again_as_a_stream(gateway, sim):
    client = client_of(gateway)
    mark = sim.mark()

    def words(**more):
        with client.chat.completions.with_streaming_response.create(
                model="chat", messages=[{"role": "user", "content": "Tell me of locks."}], stream=True,
                **more) as response:
            return response.headers, list(response.iter_lines())
    first, again = words(), words()
    assert again[0]["x-sluice-cache"] == "hit"
    assert again[0]["content-type"].startswith("text/event-stream")
    assert first[1] == again[1] and again[1][-2:] == ["data: [DONE]", ""]
    with_usage = words(stream_options={"include_usage": True})
    assert with_usage[0]["x-sluice-cache"] == "miss", "it wants an event more"
    assert json.loads(with_usage[1][-4].removeprefix("data: "))["usage"]["total_tokens"] > 0
    assert chat(client, "Tell me of locks.").headers["x-sluice-cache"] == "miss", "it wants no stream"
    assert len(sim.await_calls(mark, 3)) == 3


@pytest.mark.parametrize("change", [
    {"temperature": 0.2}, {"max_tokens": 7}, {"seed": 3}, {"stop": ["x"]}, {"top_p": 0.5}, {"n": 2},
    {"response_format": {"type": "json_object"}},
    {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}]},
], ids=lambda x: next(iter(x)))
def test_whatever_changes_an_answer_is_another_request(gateway, change):
    client = client_of(gateway)
    text = "Name a json gate."
    chat(client, text)
    assert chat(client, text).headers["x-sluice-cache"] == "hit"
    assert chat(client, text, **change).headers["x-sluice-cache"] == "miss"


def test_no_tenant_gets_the_answer_of_another(gateway):
    chat(client_of(gateway), "What is our secret?")
    assert chat(client_of(gateway, OTHER_KEY), "What is our secret?").headers["x-sluice-cache"] == "miss"
    assert chat(client_of(gateway), "What is our secret?").headers["x-sluice-cache"] == "hit"


def test_cache_control_is_obeyed(gateway, sim):
    client = client_of(gateway)
    chat(client, "A")
    mark = sim.mark()
    assert "x-sluice-cache" not in chat(client, "A", {"Cache-Control": "no-cache"}).headers
    assert "x-sluice-cache" not in chat(client, "A", {"x-sluice-cache": "off"}).headers
    assert chat(client, "A", {"Cache-Control": "max-age=600"}).headers["x-sluice-cache"] == "hit"
    assert chat(client, "B", {"Cache-Control": "no-store"}).headers["x-sluice-cache"] == "miss"
    assert chat(client, "B").headers["x-sluice-cache"] == "miss", "it was not to be kept"
    assert chat(client, "B", {"Cache-Control": "only-if-cached"}).headers["x-sluice-cache"] == "hit"
    assert len(sim.await_calls(mark, 4)) == 4
    with pytest.raises(openai.APIStatusError) as refused:
        chat(client, "never asked", {"Cache-Control": "only-if-cached"})
    assert refused.value.status_code == 504
    assert refused.value.body["code"] == "not_cached"
    assert len(sim.calls(mark)) == 4
    with pytest.raises(openai.BadRequestError) as refused:
        chat(client, "A", {"x-sluice-cache-ttl": "soon"})
    assert refused.value.param == "x-sluice-cache-ttl"


def test_what_is_random_or_failed_or_calls_a_tool_is_not_kept(gateway, sim):
    client = client_of(gateway)
    for _ in range(2):
        assert "x-sluice-cache" not in chat(client, "Be creative.", temperature=1).headers
    for _ in range(2):
        with pytest.raises(openai.APIStatusError):
            chat(client, "[[sim:400]] no")
    tools = [{"type": "function", "function": {"name": "look_up", "parameters": {"type": "object", "properties": {}}}}]
    for _ in range(2):
        answer = chat(client, "Look it up.", tools=tools, tool_choice="required")
        assert answer.parse().choices[0].message.tool_calls
        assert answer.headers["x-sluice-cache"] == "miss"
    mark = sim.mark()
    for _ in range(2):
        with pytest.raises(Exception):
            for chunk in client.chat.completions.create(
                    model="chat", stream=True,
                    messages=[{"role": "user", "content": "[[sim:cut after=3]] a long story"}]):
                assert chunk
    assert len(sim.await_calls(mark, 2)) >= 2, "a stream that broke off was not kept"


def test_embeddings_and_completions_are_kept_too(gateway, sim):
    client = client_of(gateway)
    mark = sim.mark()
    vectors = [client.embeddings.create(model="embed", input="water").data[0].embedding for _ in range(3)]
    assert vectors[0] == vectors[1] == vectors[2]
    assert len(sim.await_calls(mark, 1)) == 1

    def complete(prompt, **more):
        return client.completions.with_raw_response.create(model="chat", prompt=prompt, **more)
    mark = sim.mark()
    first, again = complete("Once upon a time"), complete("Once upon a time")
    assert first.headers["x-sluice-cache"] == "miss"
    assert again.headers["x-sluice-cache"] == "hit"
    assert first.parse().choices[0].text == again.parse().choices[0].text != ""
    assert complete("Once upon a time", max_tokens=7).headers["x-sluice-cache"] == "miss"
    assert chat(client, "Once upon a time").headers["x-sluice-cache"] == "miss", "it is another endpoint"
    assert len(sim.await_calls(mark, 3)) == 3


def test_the_cache_holds_no_more_than_it_may(start_gateway, sim):
    gateway = start_gateway(cache={"enabled": True, "shards": 2}, env={"CACHE_SIZE": "20"})
    client = client_of(gateway)
    for i in range(60):
        chat(client, f"question {i}")
    eventually(lambda: gateway.metric("sluice_cache_stored_total") == 60)
    assert 1 <= gateway.metric("sluice_cache_entries", level="L1") <= 20


def test_the_cache_is_off_unless_the_operator_says_otherwise(start_gateway, sim):
    client = client_of(start_gateway())
    mark = sim.mark()
    for _ in range(2):
        assert "x-sluice-cache" not in chat(client, "What is a weir?").headers
    assert len(sim.await_calls(mark, 2)) == 2
