"""HTTP as an attacker writes it: what must be refused, and that the connection ends with it."""

import json
import socket

import pytest

from support.gateway import KEY
from support.process import eventually
from support.raw_http import Connection, chat, compose, request

CHAT = "/v1/chat/completions"
BODY = json.dumps(chat("smuggled")).encode()
HEAD = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {KEY}\r\n"
CHUNKED = b"0\r\n\r\n"


def length(more=0):
    return f"Content-Length: {len(BODY) + more}\r\n"


SMUGGLED = {
    "content length and transfer encoding": HEAD + length() + "Transfer-Encoding: chunked\r\n\r\n",
    "transfer encoding and content length": HEAD + "Transfer-Encoding: chunked\r\n" + length() + "\r\n",
    "content lengths that differ": HEAD + length() + length(5) + "\r\n",
    "content length as a list": HEAD + f"Content-Length: {len(BODY)}, {len(BODY)}\r\n\r\n",
    "content length with a sign": HEAD + f"Content-Length: +{len(BODY)}\r\n\r\n",
    "content length in hexadecimal": HEAD + f"Content-Length: {len(BODY):#x}\r\n\r\n",
    "content length beyond 64 bits": HEAD + "Content-Length: 18446744073709551617\r\n\r\n",
    "negative content length": HEAD + "Content-Length: -1\r\n\r\n",
    "transfer encoding twice": HEAD + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "unknown transfer encoding": HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n",
    "transfer encoding with a vertical tab": HEAD + "Transfer-Encoding: \x0bchunked\r\n\r\n",
    "space before the colon": HEAD + f"Content-Length : {len(BODY)}\r\n\r\n",
    "bare line feed in the header": HEAD + length().replace("\r\n", "\n") + "\r\n",
    "bare line feeds only": (HEAD + length() + "\r\n").replace("\r\n", "\n"),
    "bare carriage return": HEAD + "X: a\rb\r\n" + length() + "\r\n",
    "folded line": HEAD + "X: a\r\n b\r\n" + length() + "\r\n",
    "folded first line": f"POST {CHAT} HTTP/1.1\r\n X: y\r\nHost: x\r\n" + length() + "\r\n",
    "NUL in a field": HEAD + "X: a\0b\r\n" + length() + "\r\n",
    "no host": f"POST {CHAT} HTTP/1.1\r\n" + length() + "\r\n",
    "two hosts": HEAD + "Host: y\r\n" + length() + "\r\n",
    "no version": f"POST {CHAT}\r\nHost: x\r\n\r\n",
    "HTTP/2": HEAD.replace("1.1", "2.0") + length() + "\r\n",
    "TLS": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "control character in the target": HEAD.replace("/chat", "/ch\x01at") + length() + "\r\n",
}


@pytest.mark.parametrize("head", SMUGGLED.values(), ids=SMUGGLED.keys())
def test_what_two_servers_could_read_differently_is_refused(gateway, head):
    """One refusal, then the end: nothing behind it may be taken for a second request."""
    with Connection(gateway) as connection:
        connection.send(head.encode("latin-1") + BODY + compose(key=KEY))
        reply = connection.read_reply()
        assert reply.status == 400
        assert reply.headers["connection"] == "close"
        assert reply.json()["error"]["type"] == "invalid_request_error"
        assert connection.closed()


@pytest.mark.parametrize("chunks", [
    b"zz\r\nabc\r\n0\r\n\r\n", b"-1\r\nabc\r\n0\r\n\r\n", b"3\r\nabcX\r\n0\r\n\r\n", b"10000000000000000\r\n",
    b"3;" + b"x" * 100_000],
    ids=["not hexadecimal", "negative", "longer than said", "beyond 64 bits", "endless extension"])
def test_malformed_chunks_are_refused(gateway, chunks):
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, b"", ["Transfer-Encoding: chunked"], KEY) + chunks)
        assert connection.read_reply().status == 400
        assert connection.closed()


def test_header_too_large(gateway):
    reply = request(gateway, fields=["X-Filler: " + "x" * 20_000])
    assert reply.status == 431
    assert reply.headers["connection"] == "close"


def test_header_without_end(gateway):
    with Connection(gateway) as connection:
        connection.send(b"GET /" + b"x" * 40_000)
        assert connection.read_reply().status == 431


def test_too_many_header_fields(gateway):
    assert request(gateway, fields=[f"X-{n}: y" for n in range(98)]).status == 200
    assert request(gateway, fields=[f"X-{n}: y" for n in range(120)]).status == 431


@pytest.fixture
def strict(start_gateway):
    return start_gateway(limits={"body_bytes_max": "64KiB", "header_timeout": "300ms", "body_timeout": "300ms",
                                 "idle_timeout": "400ms", "connections_max": 20, "connections_per_address_max": 10,
                                 "in_flight_max": 3})


def test_body_too_large_by_its_length(strict):
    with Connection(strict) as connection:
        connection.send(compose("POST", CHAT, b"", ["Content-Length: 70000"], KEY))
        reply = connection.read_reply()
    assert reply.status == 413
    assert reply.json()["error"]["code"] == "body_too_large"


def test_body_too_large_in_chunks(strict):
    with Connection(strict) as connection:
        connection.send(compose("POST", CHAT, b"", ["Transfer-Encoding: chunked"], KEY)
                        + b"%x\r\n" % 70_000 + b"x" * 70_000 + b"\r\n0\r\n\r\n")
        assert connection.read_reply().status == 413


def test_body_of_just_the_limit(strict):
    body = json.dumps(chat("")).encode()
    body = json.dumps(chat("x" * (64 * 1024 - len(body)))).encode()
    assert len(body) == 64 * 1024
    assert request(strict, "POST", CHAT, body, key=KEY).status == 200
    assert request(strict, "POST", CHAT, body + b" ", key=KEY).status == 413


def test_header_that_does_not_come_in_time(strict):
    with Connection(strict) as connection:
        connection.send(b"GET /healthz HTTP/1.1\r\nHost:")
        assert connection.read_reply().status == 408
        assert connection.closed()


def test_body_that_does_not_come_in_time(strict):
    with Connection(strict) as connection:
        connection.send(compose("POST", CHAT, b"", ["Content-Length: 100"], KEY) + b"{")
        reply = connection.read_reply()
        assert reply.status == 408
        assert reply.headers["x-should-retry"] == "true"
        assert connection.closed()


def test_chunks_between_bare_line_feeds_never_make_a_body(strict):
    with Connection(strict) as connection:
        connection.send(compose("POST", CHAT, b"", ["Transfer-Encoding: chunked"], KEY) + b"3\nabc\n0\n\n")
        assert connection.read_reply().status in (400, 408)
        assert connection.closed()


def test_idle_connection_is_closed_without_a_word(strict):
    with Connection(strict) as connection:
        connection.send(compose())
        assert connection.read_reply().status == 200
        assert connection.closed()
    with Connection(strict) as silent:
        assert silent.closed()


@pytest.mark.parametrize("limit", ["connections_max", "connections_per_address_max"])
def test_connections_are_limited(start_gateway, limit):
    gateway = start_gateway(limits={limit: 10})
    held = [Connection(gateway) for _ in range(10)]
    for connection in held:
        connection.send(compose())
        assert connection.read_reply().status == 200
    with Connection(gateway) as late:
        late.send(compose())
        # Refused in a word or without one, but not served.
        try:
            assert late.read_reply().status in (429, 503)
        except (EOFError, ConnectionError):
            pass
    held.pop().close()

    def served_again():
        try:
            return request(gateway).status == 200
        except (EOFError, ConnectionError):
            return False
    eventually(served_again)
    for connection in held:
        connection.close()


def test_requests_in_flight_are_limited(strict):
    """Refused before any work, with a hint when to come back; a health check still answers."""
    held = []
    for n in range(3):
        connection = Connection(strict)
        connection.send(compose("POST", CHAT, chat(f"[[sim:hang]] {n}"), key=KEY))
        held.append(connection)
    eventually(lambda: strict.metric("sluice_upstream_connections", state="busy") >= 3
               or strict.metric("sluice_requests_in_flight") >= 3)
    reply = request(strict, "POST", CHAT, chat("one too many"), key=KEY)
    assert reply.status == 429
    assert reply.json()["error"]["code"] == "overloaded"
    assert int(reply.headers["retry-after"]) >= 1
    assert reply.headers["x-should-retry"] == "true"
    assert request(strict, path="/healthz").status == 200
    for connection in held:
        connection.close()
    eventually(lambda: request(strict, "POST", CHAT, chat("room again"), key=KEY).status == 200)


@pytest.mark.parametrize("body, code", [
    (b"", "invalid_json"), (b"{", "invalid_json"), (b"[]", "invalid_json"), (b"null", "invalid_json"),
    (b'{"model":"chat","messages":[]}garbage', "invalid_json"), (b"\xff\xfe{}", "invalid_json"),
    (b'{"a":' * 5000 + b"1" + b"}" * 5000, "invalid_json")],
    ids=["empty", "cut", "list", "null", "garbage behind", "not UTF-8", "deep"])
def test_body_that_is_no_json_object(gateway, body, code):
    reply = request(gateway, "POST", CHAT, body, [] if body else ["Content-Length: 0"], key=KEY)
    assert reply.status == 400
    assert reply.json()["error"]["code"] == code


def test_gateway_is_alive_after_all_this(gateway):
    with socket.create_connection((gateway.host, gateway.port)) as nothing:
        nothing.close()
    assert request(gateway).status == 200
