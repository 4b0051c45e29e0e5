"""HTTP as it is written on the wire: what must work."""

import json

import pytest

from support.gateway import KEY
from support.raw_http import Connection, chat, compose, request

CHAT = "/v1/chat/completions"


def test_keep_alive_serves_many_requests_on_one_connection(gateway):
    with Connection(gateway) as connection:
        for n in range(50):
            connection.send(compose("POST", CHAT, chat(f"number {n}"), key=KEY))
            assert connection.read_reply().status == 200


def test_pipelined_requests_are_answered_in_order(gateway):
    """The first is slow and the others are not: they wait their turn."""
    bodies = [chat("[[sim:slow_first_byte ms=200]] first")] + [chat(f"number {n}") for n in range(8)]
    alone = [request(gateway, "POST", CHAT, body, key=KEY).json() for body in bodies]
    with Connection(gateway) as connection:
        connection.send(b"".join(compose("POST", CHAT, body, key=KEY) for body in bodies))
        replies = [connection.read_reply() for _ in bodies]
    assert [reply.status for reply in replies] == [200] * len(bodies)
    texts = [reply.json()["choices"][0]["message"]["content"] for reply in replies]
    assert texts == [reply["choices"][0]["message"]["content"] for reply in alone]


def test_pipelined_streams_are_answered_in_order(gateway):
    with Connection(gateway) as connection:
        connection.send(b"".join(compose("POST", CHAT, chat(f"number {n}", stream=True), key=KEY) for n in range(4)))
        for _ in range(4):
            assert connection.read_reply().body.endswith(b"data: [DONE]\n\n")


def test_request_that_comes_byte_by_byte(gateway):
    with Connection(gateway) as connection:
        for byte in compose("POST", CHAT, chat("slowly"), key=KEY):
            connection.send(bytes([byte]))
        assert connection.read_reply().status == 200


def test_expect_100_continue(gateway):
    body = json.dumps(chat("expected")).encode()
    head = compose("POST", CHAT, b"", [f"Content-Length: {len(body)}", "Expect: 100-continue"], KEY)
    with Connection(gateway) as connection:
        connection.send(head)
        assert connection.read_reply().status == 100
        connection.send(body)
        assert connection.read_reply().status == 200
        # Not asked for where the body has come already.
        connection.send(head + body)
        reply = connection.read_reply()
        assert (connection.read_reply() if reply.status == 100 else reply).status == 200


def test_other_expectations_are_refused(gateway):
    reply = request(gateway, "POST", CHAT, chat("x"), ["Expect: a-miracle"], KEY)
    assert reply.status == 417


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_chunked_body(gateway, size):
    body = json.dumps(chat("in chunks " * 50)).encode()
    parts = [body[at:at + size] for at in range(0, len(body), size)]
    data = b"".join(b"%x;extension=1\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\nTrailer: x\r\n\r\n"
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, b"", ["Transfer-Encoding: chunked"], KEY) + data)
        assert connection.read_reply().status == 200
        connection.send(compose(key=KEY))
        assert connection.read_reply().status == 200


@pytest.mark.parametrize("field", ["Content-Type: text/plain", "Content-Type: application/json; charset=utf-8",
                                   "Content-Type: application/x-www-form-urlencoded"])
def test_body_is_json_whatever_the_content_type_says(gateway, field):
    """`curl -d` says it is a form; OpenAI's users have learnt that it works."""
    assert request(gateway, "POST", CHAT, chat("x"), [field], KEY).status == 200


def test_http_1_0(gateway):
    body = chat("old")
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, body, key=KEY, version="1.0"))
        data = connection.reader.read()
    assert data.startswith(b"HTTP/1.")
    assert json.loads(data.split(b"\r\n\r\n", 1)[1])["choices"]


def test_http_1_0_stream_ends_with_the_connection(gateway):
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, chat("old", stream=True), key=KEY, version="1.0"))
        data = connection.reader.read()
    assert b"transfer-encoding" not in data.lower()
    assert data.endswith(b"data: [DONE]\n\n")


def test_connection_close_is_obeyed(gateway):
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, chat("last"), ["Connection: close"], KEY))
        reply = connection.read_reply()
        assert reply.headers["connection"] == "close"
        assert connection.closed()


def test_stream_is_an_event_stream(gateway):
    reply = request(gateway, "POST", CHAT, chat("x", stream=True), key=KEY)
    assert reply.headers["content-type"].startswith("text/event-stream")
    assert "no-cache" in reply.headers["cache-control"]
    for event in reply.body.decode().removesuffix("\n\n").split("\n\n"):
        assert event.startswith("data: ")
        assert event == "data: [DONE]" or json.loads(event[6:])["object"] == "chat.completion.chunk"


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/openapi.json", "/v1/models"])
def test_head_is_get_without_the_body(gateway, path):
    with Connection(gateway) as connection:
        connection.send(compose("HEAD", path, key=KEY))
        head = connection.read_reply(head_only=True)
        connection.send(compose("GET", path, key=KEY))
        whole = connection.read_reply()
    assert head.status == whole.status == 200
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_service_paths(gateway):
    assert request(gateway, path="/healthz").status == 200
    assert request(gateway, path="/readyz").status == 200
    described = request(gateway, path="/openapi.json", key=KEY).json()
    assert described["openapi"].startswith("3.")
    for path in ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/models"):
        assert path in described["paths"]
    metrics = request(gateway, path="/metrics", key=KEY)
    assert metrics.headers["content-type"].startswith("text/plain")
    for name in ("sluice_requests_total", "sluice_connections", "gen_ai_client_token_usage"):
        assert f"# TYPE {name} ".encode() in metrics.body


@pytest.mark.parametrize("method, path, status", [
    ("GET", "/v1/chat/completions", 405),
    ("DELETE", "/v1/models", 405),
    ("POST", "/healthz", 405),
    ("GET", "/", 404),
    ("GET", "/v1", 404),
    ("POST", "/v1/chat/completions/more", 404),
])
def test_wrong_method_or_path(gateway, method, path, status):
    reply = request(gateway, method, path, b"{}" if method == "POST" else b"", key=KEY)
    assert reply.status == status
    assert reply.json()["error"]["message"]
    if status == 405:
        assert reply.headers["allow"]


def test_query_of_the_target_is_no_part_of_the_path(gateway):
    assert request(gateway, "POST", CHAT + "?api-version=2024-10-21", chat("x"), key=KEY).status == 200


def test_request_id_of_the_caller(gateway):
    """Only a harmless one is taken over into headers and logs."""
    given = request(gateway, path="/v1/models", fields=["X-Request-Id: my-own.id_7"], key=KEY)
    forged = request(gateway, path="/v1/models", fields=['X-Request-Id: "},{"level":"error'], key=KEY)
    assert given.headers["x-request-id"]
    assert '"' not in forged.headers["x-request-id"]
