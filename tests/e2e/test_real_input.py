"""Real prompts by the official client, 32 in flight: every answer arrives, and every token is accounted for."""

import asyncio
import json
import pathlib
import statistics
import time

import openai
import pytest

from support.gateway import KEY

FIXTURES = pathlib.Path(__file__).with_name("fixtures")
IN_FLIGHT = 32
rows = []


def prompts(name):
    return [json.loads(line)["prompt"] for line in (FIXTURES / f"{name}_prompts.jsonl").read_text().splitlines()]


async def ask_whole(client, prompt):
    reply = await client.chat.completions.create(model="chat", messages=[{"role": "user", "content": prompt}])
    assert reply.choices[0].finish_reason == "stop"
    return reply.choices[0].message.content, reply.usage


async def ask_stream(client, prompt):
    stream = await client.chat.completions.create(
        model="chat", messages=[{"role": "user", "content": prompt}], stream=True,
        stream_options={"include_usage": True})
    text, usage, ends = [], None, []
    async for chunk in stream:
        for choice in chunk.choices:
            text.append(choice.delta.content or "")
            ends.append(choice.finish_reason)
        usage = chunk.usage or usage
    assert ends[-1] == "stop"
    return "".join(text), usage


async def send_all(api, texts, ask):
    answers, latencies = {}, []
    places = asyncio.Semaphore(IN_FLIGHT)
    async with openai.AsyncOpenAI(base_url=api, api_key=KEY, max_retries=0, timeout=60) as client:
        async def one(number, prompt):
            async with places:
                started = time.perf_counter()
                answers[number] = await ask(client, prompt)
                latencies.append(time.perf_counter() - started)

        started = time.perf_counter()
        await asyncio.gather(*(one(number, prompt) for number, prompt in enumerate(texts)))
    return answers, latencies, time.perf_counter() - started


@pytest.fixture(scope="module", autouse=True)
def table(request):
    yield
    reporter = request.config.pluginmanager.get_plugin("terminalreporter")
    with request.config.pluginmanager.get_plugin("capturemanager").global_and_fixture_disabled():
        reporter.write_line("")
        reporter.write_line(f"500 prompts, {IN_FLIGHT} in flight (the client on the same cores)")
        reporter.write_line("prompts     answers   requests/s   mean ms    p50 ms    p99 ms")
        for row in rows:
            reporter.write_line(row)


@pytest.mark.parametrize("ask", [ask_whole, ask_stream], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["mmlu", "banking77"])
def test_every_answer_arrives_and_usage_equals_the_upstream_s_log(gateway, sim, name, ask):
    texts = prompts(name)
    assert len(texts) == 500
    mark = sim.mark()
    answers, latencies, seconds = asyncio.run(send_all(gateway.api, texts, ask))

    assert len(answers) == 500
    assert all(text and "[simulated]" in text for text, _ in answers.values())
    calls = sim.await_calls(mark, 500)
    assert len(calls) == 500, "one attempt a request"
    assert len({call["attempt_id"] for call in calls}) == 500
    assert {call["outcome"] for call in calls} == {"finished"}
    # Request by request, as a multiset: the log is in the order of the calls' ends.
    billed = sorted((call["input_tokens"] + call["cached_tokens"],
                     call["output_tokens"] + call["reasoning_tokens"]) for call in calls)
    told = sorted((usage.prompt_tokens, usage.completion_tokens) for _, usage in answers.values())
    assert told == billed

    latencies = sorted(1000 * x for x in latencies)
    kind = "stream" if ask is ask_stream else "whole"
    rows.append(f"{name:<10} {kind:<7} {len(texts) / seconds:12.0f} {statistics.mean(latencies):9.1f} "
                f"{latencies[len(latencies) // 2]:9.1f} {latencies[int(len(latencies) * 0.99)]:9.1f}")
