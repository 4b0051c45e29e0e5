"""No key, prompt or answer is ever in a log, a metric or an error, whatever the level."""

import pathlib

import openai
import pytest

from support.gateway import CANARY, KEY
from support.process import eventually
from support.raw_http import Connection, chat, compose, request

PROMPT = "a secret about badgers"
CHAT = "/v1/chat/completions"


@pytest.mark.parametrize("log_format", ["json", "console"])
def test_nothing_secret_is_logged(start_gateway, sim, tmp_path, log_format):
    gateway = start_gateway(log={"format": log_format, "level": "trace", "file": "node.log"})
    client = openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0)
    faults = ["", "[[sim:500]]", "[[sim:429 retry_after_ms=1]]", "[[sim:400]]", "[[sim:401]]", "[[sim:cut after=2]]",
              "[[sim:malformed]]", "[[sim:error_event after=2]]", "[[sim:reset]]"]
    answers = []
    for fault in faults:
        for stream in (False, True):
            try:
                reply = client.chat.completions.create(
                    model="chat", messages=[{"role": "user", "content": f"{PROMPT} {fault}"}], stream=stream)
                text = "".join(c.choices[0].delta.content or "" for c in reply) if stream else \
                    reply.choices[0].message.content
                answers.append(text)
            except openai.APIError as failed:
                assert CANARY not in str(failed)
    # What is refused before it is understood, with the secret in every place where one can be.
    for data in (compose("POST", CHAT, chat(PROMPT), key=f"sk-{CANARY}-unknown"),
                 compose("POST", CHAT, f'{{"model": "{PROMPT} {CANARY}"'.encode(), key=KEY),
                 compose("POST", CHAT, {"model": "chat", "messages": f"{PROMPT} {CANARY}"}, key=KEY),
                 compose("GET", f"/v1/{CANARY}?key={CANARY}", key=KEY),
                 compose("GET", f"/v1/models/{CANARY}", key=KEY),
                 compose(CANARY.upper(), "/v1/models", key=KEY),
                 compose("POST", CHAT, b"{}", [f"X-Request-Id: {PROMPT}", f"Bad Name: {CANARY}"], KEY),
                 f"GET / HTTP/1.1\r\n Authorization: Bearer {KEY}\r\n\r\n".encode()):
        with Connection(gateway) as connection:
            connection.send(data)
            assert connection.read_reply().status >= 400
    metrics = request(gateway, path="/metrics", key=KEY).body.decode()

    log = tmp_path / "node.log"
    eventually(lambda: log.read_text().count("chat/completions") >= 2 * len(faults))
    assert gateway.stop() == 0
    output = {path.name: path.read_text(errors="replace") for path in pathlib.Path(tmp_path).rglob("*")
              if path.is_file() and path.suffix != ".yaml"} | {"stdout": gateway.stdout_text, "metrics": metrics,
                                           "usage": sim.usage_path.read_text(), "sim": sim.stderr_text}
    secrets = [CANARY, "badgers"] + [text[20:60] for text in answers if len(text) > 60]
    for name, text in output.items():
        for secret in secrets:
            assert secret.lower() not in text.lower(), f"{secret!r} is in {name}"
    assert "status" in output["node.log"] or " 200 " in output["node.log"]


def test_request_log_names_who_asked(gateway):
    client = openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0)
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=[{"role": "user", "content": "who?"}])
    record = gateway.record(raw.headers["x-sluice-request-id"])
    usage = raw.parse().usage
    assert record["tenant"] == "acme" and record["team"] == "search" and record["user"] == "ada"
    assert record["key"] == "everything"
    assert record["route"] == "/v1/chat/completions"
    assert record["status"] == 200
    assert record["model"] == "chat" and record["deployment"] == "sim/sim-medium"
    assert record["input_tokens"] + record.get("cache_read_tokens", 0) == usage.prompt_tokens
    assert record["output_tokens"] + record.get("reasoning_tokens", 0) == usage.completion_tokens
    # 0.4 and 1.6 dollars a million tokens are 400 and 1,600 nano-dollars a token.
    assert record["cost_nanousd"] == 400 * usage.prompt_tokens + 1600 * usage.completion_tokens
    assert float(raw.headers["x-sluice-cost-usd"]) == pytest.approx(record["cost_nanousd"] / 1e9)
