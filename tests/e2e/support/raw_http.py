"""HTTP byte by byte: what no well-behaved client library would send."""

import json
import socket
from dataclasses import dataclass


@dataclass
class Reply:
    status: int
    headers: dict  # lower-case names; the last one of a repeated name
    body: bytes

    def json(self):
        return json.loads(self.body)


class Connection:
    def __init__(self, server, seconds=10, receive_buffer=None):
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(seconds)
        self.socket.connect((server.host, server.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.reader.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data if isinstance(data, bytes) else data.encode())

    def read_head(self):
        line = self.reader.readline()
        if not line:
            raise EOFError("closed before a reply")
        version, status = line.split()[:2]
        assert version == b"HTTP/1.1", line
        headers = {}
        while (field := self.reader.readline()) not in (b"\r\n", b""):
            name, _, value = field.decode("latin-1").partition(":")
            headers[name.strip().lower()] = value.strip()
        return int(status), headers

    def read_chunks(self):
        while True:
            size = int(self.reader.readline().split(b";")[0], 16)
            data = self.reader.read(size)
            if len(data) != size or self.reader.readline() != b"\r\n":
                raise EOFError("cut within a chunk")
            if size == 0:
                return
            yield data

    def read_reply(self, head_only=False):
        status, headers = self.read_head()
        if head_only or status in (100, 204, 304):
            body = b""
        elif headers.get("transfer-encoding") == "chunked":
            body = b"".join(self.read_chunks())
        elif "content-length" in headers:
            size = int(headers["content-length"])
            body = self.reader.read(size)
            if len(body) != size:
                raise EOFError("cut within the body")
        else:
            body = self.reader.read()
        return Reply(status, headers, body)

    def closed(self):
        """Whether the server has closed: waits for one byte or the end."""
        try:
            return self.reader.read(1) == b""
        except ConnectionError:
            return True


def request(server, method="GET", path="/healthz", body=b"", fields=(), key=None):
    """One request on a connection of its own."""
    with Connection(server) as connection:
        connection.send(compose(method, path, body, fields, key))
        return connection.read_reply(head_only=method == "HEAD")


def compose(method="GET", path="/healthz", body=b"", fields=(), key=None, version="1.1"):
    if isinstance(body, (dict, list)):
        body = json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/{version}", "Host: sluice.test"]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body and not any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields):
        lines.append(f"Content-Length: {len(body)}")
    if body and not any(field.lower().startswith("content-type") for field in fields):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, *fields, "", ""]).encode() + body


def chat(prompt, model="chat", **more):
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **more}
