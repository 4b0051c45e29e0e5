"""A small OpenAI-compatible server around a real embedding model."""

import base64
import http.server
import json
import threading

import numpy


class EmbeddingServer:
    """Serves POST /v1/embeddings on a port of the system's choice, with TLS where it is given a context for it;
    `requests` are the bodies that came. One call is computed at a time, its inputs together, as on one accelerator."""

    def __init__(self, model, tls=None):
        self.requests = []
        outer = self
        computing = threading.Lock()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.requests.append(body)
                with computing:
                    reply = json.dumps(answer(model, body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def answer(model, body):
    texts = [body["input"]] if isinstance(body["input"], str) else body["input"]
    data, tokens = [], 0
    for index, (vector, count) in enumerate(model.encode_all(texts)):
        vector = numpy.asarray(vector, "<f4")
        coded = body.get("encoding_format") == "base64"
        embedding = base64.b64encode(vector.tobytes()).decode() if coded else vector.tolist()
        data.append({"object": "embedding", "index": index, "embedding": embedding})
        tokens += count
    return {"object": "list", "model": body["model"], "data": data,
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
