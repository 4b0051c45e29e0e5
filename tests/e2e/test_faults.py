"""Each injected fault, streaming or not: what the client sees, what is retried, what is logged.

The rows are those of docs/faults.md; `test_table_is_the_documented_one` holds the two together.
"""

import pathlib
from dataclasses import dataclass

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY
from support.process import ROOT

ENDLESS_MAX = 30  # chunks of an endless stream that the test waits for


@dataclass(frozen=True)
class Seen:
    """What one request comes to."""
    attempts: int
    outcome: str = "answer"  # answer, error, cut (a stream that ends in an error event), endless
    status: int = 200
    code: str | None = None  # as logged
    shown: str | None = "the same"  # as the client sees it: the provider's own where it refused the request


def answer(attempts):
    return Seen(attempts)


def error(status, code, attempts, shown="the same"):
    return Seen(attempts, "error", status, code, shown)


def limited(attempts):
    return error(429, "upstream_rate_limited", attempts, "rate_limit_exceeded")


def cut(code):
    # The head of the reply has gone out: its status stays 200.
    return Seen(1, "cut", 200, code)


# fault, as whole answer, as stream
TABLE = [
    ("429 times=1", answer(2), answer(2)),
    ("429 retry_after_ms=50 times=2", answer(3), answer(3)),
    ("429 retry_after_ms=50", limited(3), limited(3)),
    ("429 retry_after_ms=60000", limited(1), limited(1)),
    ("429 should_retry=false", limited(1), limited(1)),
    ("500 times=2", answer(3), answer(3)),
    ("500", error(502, "upstream_failed", 3), error(502, "upstream_failed", 3)),
    ("503", error(503, "upstream_failed", 3), error(503, "upstream_failed", 3)),
    ("400", error(400, "upstream_rejected", 1, None), error(400, "upstream_rejected", 1, None)),
    ("401", error(502, "upstream_rejected", 1), error(502, "upstream_rejected", 1)),
    ("slow_first_byte ms=200", answer(1), answer(1)),
    ("hang", error(504, "upstream_timeout", 1), error(504, "upstream_timeout", 1)),
    ("reset times=1", answer(2), answer(2)),
    ("reset", error(502, "upstream_unreachable", 3), error(502, "upstream_unreachable", 3)),
    ("cut after=3", error(502, "upstream_stream_cut", 3), cut("upstream_stream_cut")),
    ("stall after=3", error(504, "upstream_timeout", 1), cut("upstream_timeout")),
    ("malformed after=3", error(502, "upstream_bad_response", 3), cut("upstream_bad_response")),
    ("error_event after=3", error(502, "upstream_failed", 3), cut("upstream_failed")),
    ("error_first", error(502, "upstream_failed", 3), error(502, "upstream_failed", 3)),
    ("error_first times=1", answer(2), answer(2)),
    ("endless", error(502, "upstream_bad_response", 1), Seen(1, "endless", 499, "client_gone")),
    ("no_usage", answer(1), answer(1)),
]
ROWS = [pytest.param(fault, stream, seen, id=f"{fault}-{'stream' if stream else 'whole'}")
        for fault, whole, streamed in TABLE for stream, seen in ((False, whole), (True, streamed))]


@pytest.fixture(scope="module")
def faulty(folder, sim):
    """Impatient, so that what never comes takes half a second."""
    providers = [parts.provider("sim", sim.url, timeouts={"first_byte": "500ms", "idle": "500ms"})]
    config = parts.configuration(providers, [parts.model("chat", ("sim", "sim-medium"))],
                                 limits={"reply_bytes_max": "1MiB"})
    with parts.Gateway(config, folder, name="faulty") as running:
        yield running


@pytest.fixture(scope="module")
def chats(faulty):
    with openai.OpenAI(base_url=faulty.api, api_key=KEY, max_retries=0, timeout=20) as client:
        yield client.chat.completions


def send(chats, prompt, stream):
    """What the official client makes of it: (outcome, status, code, request id, text)."""
    text = []
    try:
        raw = chats.with_raw_response.create(
            model="chat", messages=[{"role": "user", "content": prompt}], stream=stream)
    except openai.APIStatusError as failed:
        return "error", failed.status_code, failed.code, failed.response.headers["x-sluice-request-id"], ""
    request_id = raw.headers["x-sluice-request-id"]
    if not stream:
        return "answer", 200, None, request_id, raw.parse().choices[0].message.content
    events = raw.parse()
    try:
        for chunk in events:
            text.append(chunk.choices[0].delta.content or "")
            if len(text) == ENDLESS_MAX and "endless" in prompt:
                events.close()
                return "endless", 499, "client_gone", request_id, "".join(text)
    except openai.APIError as failed:
        return "cut", 200, failed.code, request_id, "".join(text)
    return "answer", 200, None, request_id, "".join(text)


@pytest.mark.parametrize("fault, stream, seen", ROWS)
def test_fault(faulty, chats, sim, fault, stream, seen):
    mark = sim.mark()
    # The simulator counts `times` by prompt, so the prompts of all rows differ.
    outcome, status, code, request_id, text = send(chats, f"[[sim:{fault}]] row {fault} stream={stream}", stream)
    assert (outcome, status, code) == (seen.outcome, seen.status, seen.code if seen.shown == "the same" else seen.shown)
    if outcome in ("answer", "cut", "endless"):
        assert "[simulated]" in text

    calls = sim.await_calls(mark, seen.attempts)
    assert len(calls) == seen.attempts
    assert len({call["attempt_id"] for call in calls}) == seen.attempts

    record = faulty.record(request_id)
    assert record["attempts"] == seen.attempts
    assert record["status"] == seen.status
    assert record.get("error") == seen.code
    assert record["model"] == "chat"
    if outcome == "answer" and fault != "no_usage":
        assert record["deployment"] == "sim/sim-medium"
        assert record["output_tokens"] == calls[-1]["output_tokens"]


def test_table_is_the_documented_one():
    def cell(seen):
        tries = f"{seen.attempts} attempt{'s' if seen.attempts > 1 else ''}"
        words = {"answer": "answer", "error": f"{seen.status} `{seen.code}`",
                 "cut": f"content, then error event `{seen.code}`",
                 "endless": f"content until the client leaves; {seen.status} `{seen.code}` in the log"}
        return f"{words[seen.outcome]}; {tries}"

    rows = [f"| `{fault}` | {cell(whole)} | {cell(streamed)} |" for fault, whole, streamed in TABLE]
    documented = (ROOT / "docs/faults.md").read_text()
    missing = [row for row in rows if row not in documented]
    assert not missing, "docs/faults.md lacks:\n" + "\n".join(missing)


def test_fallback_before_the_first_byte(start_gateway, sim):
    """Another deployment answers; the client sees nothing but the header that says who did."""
    providers = [parts.provider("broken", "http://127.0.0.1:9"), parts.provider("sim", sim.url)]
    models = [parts.model("chat", ("broken", "sim-medium"), ("sim", "sim-simple"))]
    gateway = start_gateway(providers=providers, models=models)
    client = openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0)
    for stream in (False, True):
        raw = client.chat.completions.with_raw_response.create(
            model="chat", messages=[{"role": "user", "content": "whoever"}], stream=stream)
        assert raw.headers["x-sluice-provider"] == "sim"
        assert raw.headers["x-sluice-model"] == "sim-simple"
        request_id = raw.headers["x-sluice-request-id"]
        if stream:
            assert list(raw.parse())
        record = gateway.record(request_id)
        assert record["fallbacks"] == 1
        assert record["deployment"] == "sim/sim-simple"


def test_breaker_stops_calls_to_what_keeps_failing(start_gateway, sim):
    """After it opened, requests fail at once and cost no call; it closes when a call gets through."""
    broken = parts.provider("sim", sim.url, breaker={"failures": 3, "open_for": "300ms"})
    gateway = start_gateway(providers=[broken])
    client = openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0)

    def ask(prompt):
        return client.chat.completions.create(model="chat", messages=[{"role": "user", "content": prompt}])

    def refused():
        with pytest.raises(openai.InternalServerError) as caught:
            ask("[[sim:500]] breaker")
        return caught.value.code == "upstream_unavailable"

    from support.process import eventually
    eventually(refused)
    mark = sim.mark()
    assert refused()
    assert sim.calls(mark) == []

    def answered():
        try:
            return ask("[[sim:tokens n=3]] recovered").choices
        except openai.InternalServerError:
            return None
    eventually(answered)
