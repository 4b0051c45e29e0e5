"""Questions that travel in one prompt: asked with the official client, billed by the simulator."""

import concurrent.futures
import json
import subprocess

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, Gateway, Simulator
from support.process import BINARY, eventually

ALLOW = {"x-sluice-pack": "allow"}
RULES = "You answer questions about the wares of a hardware store. " + " ".join(
    f"Rule {i}: wares of shelf {i} are sold by weight, returned within {i} days and never lent." for i in range(60))
COUNT = 64


@pytest.fixture(scope="module")
def sim(tmp_path_factory):
    with Simulator(tmp_path_factory.mktemp("sim"), "--call-base-ms", "60", "--per-prompt-ms", "5") as made:
        yield made


@pytest.fixture(scope="module")
def gateway(sim, tmp_path_factory):
    models = parts.simulated_models()
    always = parts.model("chat-packed", ("sim", "sim-medium")) | {"packing": "allow"}
    config = parts.configuration([parts.provider("sim", sim.url)], [*models, always])
    with Gateway(config, tmp_path_factory.mktemp("packing")) as made:
        yield made


@pytest.fixture()
def client(gateway):
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as made:
        yield made


def ask_all(client, sim, questions, headers=None, model="chat"):
    """The replies to all questions, asked at once, and the calls that the upstream had."""
    def ask(question):
        return client.chat.completions.with_raw_response.create(
            model=model, extra_headers=headers, messages=[{"role": "system", "content": RULES},
                                                          {"role": "user", "content": question}])

    mark = sim.mark()
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        replies = list(pool.map(ask, questions))
    return replies, sim.calls(mark)


def answers(replies):
    return [reply.parse().choices[0].message.content for reply in replies]


def paid(replies):
    return sum(round(float(reply.headers["x-sluice-cost-usd"]) * 1e9) for reply in replies)


def bill(calls):
    """What the gateway's own price makes of the calls, each rounded up once."""
    return sum(call["input_tokens"] * 400 + call["cached_tokens"] * 100
               + (call["output_tokens"] + call["reasoning_tokens"]) * 1600 for call in calls)


def total(calls, name):
    return sum(call[name] for call in calls)


def saved(replies):
    return sum(int(reply.headers.get("x-sluice-pack-saved-tokens", 0)) for reply in replies)


def batch_status(gateway):
    done = subprocess.run([BINARY, "batch", "status", "--url", gateway.url, "--json"], capture_output=True, text=True,
                          timeout=30, check=True)
    return json.loads(done.stdout)


def counted(gateway, name, expected):
    """Each loop reports when it has time to."""
    eventually(lambda: gateway.metric(name, tenant="acme") == expected, what=f"{name} to be {expected}")


def test_packed_questions_have_the_same_answers_for_a_fraction_of_the_input(gateway, sim, client):
    questions = [f"Is ware number {i} sold \"by weight\"?\nitem {i + 1}: 重さ" for i in range(COUNT)]
    alone, calls_alone = ask_all(client, sim, questions)
    packed, calls = ask_all(client, sim, questions, ALLOW)
    print(f"\n{COUNT} questions: alone {len(calls_alone)} calls, {total(calls_alone, 'input_tokens')} input tokens, "
          f"{bill(calls_alone) / 1e9:.6f} USD; packed {len(calls)} calls, {total(calls, 'input_tokens')} input tokens, "
          f"{bill(calls) / 1e9:.6f} USD; said to be saved {saved(packed)} tokens")
    assert answers(packed) == answers(alone)
    assert len({reply.parse().id for reply in packed}) == COUNT
    assert len(calls_alone) == COUNT and not any("x-sluice-packed" in reply.headers for reply in alone)
    assert len(calls) <= COUNT / 3
    assert total(calls, "input_tokens") < total(calls_alone, "input_tokens") / 3
    assert paid(packed) == bill(calls), "the parts sum to the calls to the nano-dollar"
    usage = [reply.parse().usage for reply in packed]
    assert sum(x.prompt_tokens for x in usage) == total(calls, "input_tokens")
    assert sum(x.completion_tokens for x in usage) == total(calls, "output_tokens")
    less = total(calls_alone, "input_tokens") - total(calls, "input_tokens")
    assert saved(packed) == pytest.approx(less, rel=0.1)
    sizes = [int(reply.headers.get("x-sluice-packed", 1)) for reply in packed]
    assert max(sizes) == 8
    record = gateway.record(packed[sizes.index(8)].headers["x-sluice-request-id"])
    assert record["packed"] == 8 and record["pack_saved_tokens"] > 0
    counted(gateway, "sluice_packed_requests_total", sum(size > 1 for size in sizes))
    counted(gateway, "sluice_pack_saved_input_tokens_total", saved(packed))
    counted(gateway, "sluice_pack_saved_calls_total", pytest.approx(COUNT - len(calls)))


def test_what_did_not_parse_is_asked_again_alone_and_paid(gateway, sim, client):
    magic = {5: "pack_missing", 20: "pack_twice", 40: "pack_broken"}
    questions = [f"[[sim:{magic[i]}]] Ware {i}?" if i in magic else f"What is ware {i} made of?" for i in range(COUNT)]
    alone, _ = ask_all(client, sim, questions)
    packed, calls = ask_all(client, sim, questions, ALLOW)
    assert answers(packed) == answers(alone)
    again = [reply for reply in packed if reply.headers.get("x-sluice-pack-rerun") == "true"]
    assert again and all(int(reply.headers["x-sluice-pack-saved-tokens"]) <= 0 for reply in again)
    assert paid(packed) == bill(calls), "what was paid in vain is in somebody's cost"
    counted(gateway, "sluice_pack_rerun_total", len(again))
    packer = eventually(lambda: next((x for x in batch_status(gateway) if x["reruns"] >= len(again)), None))
    assert packer["endpoint"] == "chat/completions packed" and packer["requests"] > packer["calls"]


def test_a_model_may_be_packed_by_configuration_and_the_header_wins(sim, client):
    questions = [f"Where is ware {i}?" for i in range(24)]
    _, calls = ask_all(client, sim, questions, model="chat-packed")
    assert len(calls) < 12
    _, calls = ask_all(client, sim, questions, {"x-sluice-pack": "deny"}, model="chat-packed")
    assert len(calls) == 24


def test_what_cannot_be_packed_travels_alone(sim, client):
    def ask(i):
        return client.chat.completions.with_raw_response.create(
            model="chat", extra_headers=ALLOW, n=2,
            messages=[{"role": "system", "content": RULES}, {"role": "user", "content": f"Ware {i}?"}])

    mark = sim.mark()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        replies = list(pool.map(ask, range(16)))
    assert len(sim.calls(mark)) == 16
    assert all("x-sluice-packed" not in reply.headers and len(reply.parse().choices) == 2 for reply in replies)


def test_streams_are_never_packed(client):
    stream = client.chat.completions.create(
        model="chat", extra_headers=ALLOW, stream=True,
        messages=[{"role": "system", "content": RULES}, {"role": "user", "content": "Ware 1?"}])
    assert "Ware 1?" in "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_a_header_that_says_neither_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.chat.completions.create(model="chat", extra_headers={"x-sluice-pack": "maybe"},
                                       messages=[{"role": "user", "content": "Why?"}])
    assert refused.value.param == "x-sluice-pack" and "allow or deny" in refused.value.message
