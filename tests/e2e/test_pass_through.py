"""What the upstream gets to see."""

import pytest

from support import gateway as parts
from support.gateway import KEY, UPSTREAM_KEY
from support.raw_http import Connection, chat, compose
from support.watching_upstream import WatchingUpstream

CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def upstream():
    with WatchingUpstream() as running:
        yield running


@pytest.fixture
def asked(start_gateway, upstream):
    """Sends a body and gives what reached the upstream: its header fields and its body."""
    providers = [parts.provider("watching", upstream.url, headers={"X-Team": "sluice"})]
    gateway = start_gateway(providers=providers, models=[parts.model("chat", ("watching", "their-name"))])

    def send(body, fields=()):
        begun = upstream.begun
        with Connection(gateway) as connection:
            connection.send(compose("POST", CHAT, body, fields, KEY))
            upstream.until(lambda x: x.begun == begun + 1)
        upstream.until(lambda x: x.left == x.begun)
        return {name.lower(): value for name, value in upstream.headers[-1].items()}, upstream.bodies[-1]
    return send


def test_fields_that_nobody_here_knows_pass_unchanged(asked):
    odd = {"temperature": 0.70000000000000001, "seed": 9007199254740993, "logit_bias": {"50256": -100},
           "x_future": {"deep": [1, [2, {"three": None}]], "unicode": "ü\u0001🌊"}, "stop": ["\n", "\"quoted\""],
           "metadata": {"a": "b"}, "service_tier": "flex", "empty": {}, "big": 1e300, "tiny": -1.5e-300}
    _, body = asked(chat("pass on", **odd))
    assert {name: body[name] for name in odd} == odd
    assert body["messages"] == chat("pass on")["messages"]
    assert body["model"] == "their-name"
    assert set(body) == set(odd) | {"model", "messages", "max_tokens"}


def test_a_chat_without_a_limit_is_sent_with_the_models_own(asked):
    _, body = asked(chat("no limit"))
    assert body["max_tokens"] == 4096, "what is set aside where the model's own limit is unknown"
    _, body = asked(chat("said as null", max_tokens=None))
    assert body["max_tokens"] == 4096
    for name in ("max_tokens", "max_completion_tokens"):
        _, body = asked(chat("limited", **{name: 7}))
        assert {x: body[x] for x in body if x.startswith("max")} == {name: 7}


def test_usage_is_asked_for_in_every_stream(asked):
    _, body = asked(chat("stream", stream=True))
    assert body["stream_options"]["include_usage"] is True
    _, body = asked(chat("stream", stream=True, stream_options={"include_obfuscation": False}))
    assert body["stream_options"] == {"include_usage": True, "include_obfuscation": False}
    _, body = asked(chat("stream", stream=True, stream_options={"include_usage": False}))
    assert body["stream_options"]["include_usage"] is True
    _, body = asked(chat("whole"))
    assert "stream_options" not in body


def test_keys_of_the_caller_stay_here(asked):
    headers, _ = asked(chat("keys"), ["Cookie: session=secret", "OpenAI-Organization: org-caller", "X-Api-Key: " + KEY])
    assert headers["authorization"] == f"Bearer {UPSTREAM_KEY}"
    assert headers["x-team"] == "sluice"
    assert headers["x-sluice-attempt"]
    assert "cookie" not in headers
    assert KEY not in str(headers)


def test_attempts_have_ids_of_their_own(asked):
    first, _ = asked(chat("one"))
    second, _ = asked(chat("two"))
    assert first["x-sluice-attempt"] != second["x-sluice-attempt"]
