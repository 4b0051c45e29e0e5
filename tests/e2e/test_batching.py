"""Requests that share upstream calls, with a real model and with the simulator."""

import concurrent.futures
import json
import pathlib
import subprocess
import time

import numpy
import openai
import pytest

from support import gateway as parts
from support.embedding_model import EmbeddingModel
from support.embedding_server import EmbeddingServer
from support.gateway import KEY, Gateway, Simulator
from support.process import BINARY, eventually

FIXTURES = pathlib.Path(__file__).with_name("fixtures")
IN_FLIGHT = 64


def questions():
    names = ("banking77_prompts.jsonl", "mmlu_prompts.jsonl", "banking77_more_prompts.jsonl")
    return [json.loads(line)["prompt"] for name in names for line in (FIXTURES / name).read_text().splitlines()]


def ask_all(gateway, model, texts):
    """The vectors of all `texts`, a request each with 64 in flight, and how long that took."""
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as client:
        def ask(text):
            reply = client.embeddings.create(model=model, input=text)
            return reply.data[0].embedding, reply.usage.prompt_tokens

        client.embeddings.create(model=model, input="warm")
        with concurrent.futures.ThreadPoolExecutor(IN_FLIGHT) as pool:
            started = time.monotonic()
            answers = list(pool.map(ask, texts))
            return answers, time.monotonic() - started


@pytest.mark.timeout(900)  # four thousand passes through a model on numpy
def test_a_real_model_in_batches_gives_the_same_vectors_faster(tmp_path):
    texts = questions()
    assert len(texts) == 2000
    model = EmbeddingModel()
    with EmbeddingServer(model) as server:
        providers = [parts.provider("batched", server.url),
                     parts.provider("direct", server.url, batching={"embeddings": False})]
        models = [parts.model("batched", ("batched", "m"), embeds=True),
                  parts.model("direct", ("direct", "m"), embeds=True)]
        config = parts.configuration(providers, models, merging={"enabled": False})
        with Gateway(config, tmp_path) as gateway:
            direct, direct_s = ask_all(gateway, "direct", texts)
            direct_calls = len(server.requests)
            batched, batched_s = ask_all(gateway, "batched", texts)
            calls = len(server.requests) - direct_calls
            # A batcher tells of its figures once a second.
            status = eventually(lambda: whole_status(gateway.url, len(texts) + 1), what="the count of all requests")
    apart = numpy.abs(numpy.array([x[0] for x in direct]) - numpy.array([x[0] for x in batched])).max()
    print(f"\n2,000 questions, {IN_FLIGHT} in flight, MiniLM on numpy: direct {2000 / direct_s:.0f} req/s, batched "
          f"{2000 / batched_s:.0f} req/s, ratio {direct_s / batched_s:.2f}; {calls} calls, mean size "
          f"{2001 / calls:.1f}; vectors apart by {apart:.1e} at most")
    assert apart < 1e-5
    assert sum(x[1] for x in batched) == sum(x[1] for x in direct), "every request has its own tokens"
    assert calls < 1000, "two requests a call at the least"
    assert status["requests"] == 2001 and status["calls"] == calls
    assert status["base_ms"] + status["per_item_ms"] > 0


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("sim"), "--call-base-ms", "60", "--per-prompt-ms", "2", "--slots", "1") as made:
        yield made


@pytest.fixture(scope="module")
def gateway(sim, tmp_path_factory):
    providers = [parts.provider("sim", sim.url, batching={"chat_path": "chat/completions/batch"})]
    with Gateway(parts.configuration(providers, parts.simulated_models()), tmp_path_factory.mktemp("batching")) as made:
        yield made


def batch_status(url, *more):
    return subprocess.run([BINARY, "batch", "status", "--url", url, *more], capture_output=True, text=True, timeout=30,
                          check=False)


def whole_status(url, requests):
    """The status of the one batcher when it has told of so many requests; None before."""
    status, = json.loads(batch_status(url, "--json").stdout)
    return status if status["requests"] >= requests else None


def at_once(count, ask):
    with concurrent.futures.ThreadPoolExecutor(count) as pool:
        return list(pool.map(ask, range(count)))


@pytest.fixture()
def client(gateway):
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as made:
        yield made


def test_chats_travel_together_and_keep_their_answers(gateway, sim, client):
    def ask(i):
        return client.chat.completions.with_raw_response.create(
            model="chat", messages=[{"role": "user", "content": f"What is special about the number {i}?"}],
            max_tokens=20 + i)

    mark = sim.mark()
    replies = at_once(40, ask)
    calls = sim.calls(mark)
    assert sum(call["items"] for call in calls) == 40
    assert len(calls) < 20
    cost = 0
    for i, raw in enumerate(replies):
        reply = raw.parse()
        assert f"number {i}?" in reply.choices[0].message.content
        assert reply.usage.completion_tokens <= 20 + i
        cost += round(float(raw.headers["x-sluice-cost-usd"]) * 1e9)
    assert any(int(raw.headers.get("x-sluice-batch-size", 1)) > 1 for raw in replies)
    usage = sum(raw.parse().usage.prompt_tokens for raw in replies)
    assert usage == sum(call["input_tokens"] for call in calls)
    assert cost == sum(priced(call) for call in calls), "the parts sum to the calls to the nano-dollar"


def priced(call):
    """What the gateway's own price makes of a call, rounded up once."""
    nano = call["input_tokens"] * 400 + call["cached_tokens"] * 100
    return nano + (call["output_tokens"] + call["reasoning_tokens"]) * 1600


def test_a_bad_chat_fails_alone(client):
    def ask(i):
        text = "[[sim:500]]" if i == 7 else f"Tell me about {i}."
        try:
            return client.chat.completions.create(model="chat", messages=[{"role": "user", "content": text}])
        except openai.APIStatusError as error:
            return error

    replies = at_once(16, ask)
    assert replies[7].status_code == 502
    for i, reply in enumerate(replies):
        if i != 7:
            assert f"about {i}" in reply.choices[0].message.content


def test_prompts_of_completions_travel_together(sim, client):
    def ask(i):
        return client.completions.create(model="chat", prompt=f"Continue number {i}", max_tokens=8)

    mark = sim.mark()
    replies = at_once(24, ask)
    assert len(sim.calls(mark)) < 12
    for i, reply in enumerate(replies):
        assert f"number {i}" in reply.choices[0].text and len(reply.choices) == 1


def test_a_client_that_leaves_disturbs_no_neighbour(gateway, client):
    def ask(i):
        patience = 0.05 if i % 2 else 30
        try:
            return client.embeddings.create(model="embed", input=f"text {i}", timeout=patience)
        except openai.APITimeoutError:
            return None

    replies = at_once(24, ask)
    assert all(reply is not None for i, reply in enumerate(replies) if i % 2 == 0)


def test_status_without_a_node_is_one_clear_line():
    done = batch_status("http://127.0.0.1:1")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1 and "127.0.0.1:1" in done.stderr
