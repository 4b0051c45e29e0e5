"""The official Python client: what it raises, and when it tries again."""

import time

import openai
import pytest

from support.gateway import KEY, KEY_LIMITED, KEY_RATED


def ask(text):
    return [{"role": "user", "content": text}]


def make_client(gateway, key=KEY, **more):
    return openai.OpenAI(base_url=gateway.api, api_key=key, **({"max_retries": 0, "timeout": 20} | more))


def failure(kind, call, *arguments, **named):
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    error = caught.value
    assert error.request_id, "every error names its request"
    assert error.response.json()["error"].keys() >= {"message", "type", "param", "code"}
    return error


def test_wrong_key(gateway):
    error = failure(openai.AuthenticationError, make_client(gateway, "sk-wrong").models.list)
    assert error.code == "invalid_api_key"
    assert error.response.headers["x-should-retry"] == "false"


def test_key_without_permission_for_the_model(gateway):
    chat = make_client(gateway, KEY_LIMITED).chat.completions
    assert chat.create(model="chat-small", messages=ask("allowed")).choices
    error = failure(openai.PermissionDeniedError, chat.create, model="chat", messages=ask("not allowed"))
    assert error.code == "permission_denied"


def test_unknown_model(client):
    error = failure(openai.NotFoundError, client.chat.completions.create, model="gpt-none", messages=ask("x"))
    assert error.code == "model_not_found"
    assert "gpt-none" in error.message


def test_model_of_another_endpoint(client):
    failure(openai.BadRequestError, client.embeddings.create, model="chat", input="x")


@pytest.mark.parametrize("body, param", [
    ({"messages": ask("x")}, "model"),
    ({"model": "chat"}, "messages"),
    ({"model": "chat", "messages": "not a list"}, "messages"),
    ({"model": 7, "messages": ask("x")}, "model"),
    ({"model": "chat", "messages": ask("x"), "stream": "yes"}, "stream"),
], ids=["no model", "no messages", "messages no list", "model no string", "stream no boolean"])
def test_bad_field_is_named(client, body, param):
    error = failure(openai.BadRequestError, client.post, "/chat/completions", body=body, cast_to=object)
    assert error.param == param
    assert error.type == "invalid_request_error"


def test_unknown_url(client):
    error = failure(openai.NotFoundError, client.post, "/unheard/of", body={}, cast_to=object)
    assert error.code == "unknown_url"


def test_requests_per_minute_of_a_key(gateway):
    """The refusal says when to come back, and says so in the headers that OpenAI's clients read."""
    models = make_client(gateway, KEY_RATED).chat.completions
    for _ in range(3):
        models.create(model="chat", messages=ask("within the limit"))
    error = failure(openai.RateLimitError, models.create, model="chat", messages=ask("one too many"))
    assert error.code == "rate_limit_exceeded"
    assert 0 < int(error.response.headers["retry-after"]) <= 60


def test_error_of_the_upstream_keeps_status_and_class(client):
    error = failure(openai.InternalServerError, client.chat.completions.create, model="chat",
                    messages=ask("[[sim:500]] always"))
    assert error.response.headers["x-should-retry"] == "false", "the gateway has tried three times already"


def test_client_does_not_retry_what_the_gateway_retried(gateway, sim):
    mark = sim.mark()
    client = make_client(gateway, max_retries=2)
    failure(openai.InternalServerError, client.chat.completions.create, model="chat",
            messages=ask("[[sim:500]] retried by one only"))
    assert len(sim.await_calls(mark, 3)) == 3


def test_client_waits_as_long_as_the_upstream_asks(gateway, sim):
    """Beyond what the gateway itself waits: the pause is passed on, and the client's retry succeeds."""
    mark = sim.mark()
    client = make_client(gateway, max_retries=2)
    started = time.monotonic()
    reply = client.chat.completions.create(
        model="chat", messages=ask("[[sim:429 retry_after_ms=900 times=1]] patience"))
    assert reply.choices
    assert time.monotonic() - started >= 0.9
    assert [call["outcome"] for call in sim.await_calls(mark, 2)][-1] == "finished"


def test_gateway_waits_as_long_as_the_upstream_asks(client):
    started = time.monotonic()
    reply = client.chat.completions.create(
        model="chat", messages=ask("[[sim:429 retry_after_ms=300 times=1]] short patience"))
    assert reply.choices
    assert time.monotonic() - started >= 0.3


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_client_side_timeout_cancels_the_upstream_call(gateway, sim, stream):
    mark = sim.mark()
    client = make_client(gateway, timeout=0.3)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="chat", messages=ask("[[sim:slow_first_byte ms=60000]]"), stream=stream)
    assert sim.await_calls(mark, 1)[0]["outcome"] == "cancelled"


def test_upstream_timeout(start_gateway, sim):
    from support import gateway as parts
    slow = parts.provider("sim", sim.url, timeouts={"first_byte": "200ms"},
                          retry=parts.FAST_RETRY | {"attempts_max": 1})
    gateway = start_gateway(providers=[slow])
    error = failure(openai.InternalServerError, make_client(gateway).chat.completions.create, model="chat",
                    messages=ask("[[sim:hang]]"))
    assert error.status_code == 504
    assert error.code == "upstream_timeout"


def test_deadline_of_the_request(start_gateway):
    gateway = start_gateway(limits={"request_timeout": "300ms"})
    error = failure(openai.InternalServerError, make_client(gateway).chat.completions.create, model="chat",
                    messages=ask("[[sim:hang]]"))
    assert error.status_code == 504
    # It was the upstream that took so long.
    assert error.code == "upstream_timeout"


def test_no_upstream_at_all(start_gateway):
    from support import gateway as parts
    # Port 9 (discard) of the loopback address: nothing listens there.
    gateway = start_gateway(providers=[parts.provider("sim", "http://127.0.0.1:9")])
    error = failure(openai.InternalServerError, make_client(gateway).chat.completions.create, model="chat",
                    messages=ask("anyone?"))
    assert error.status_code == 502
    assert error.code == "upstream_unreachable"
