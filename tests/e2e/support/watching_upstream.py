"""An upstream that never ends an answer and notices at once when its caller leaves."""

import http.server
import json
import threading

EVENT = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "x", "usage": None,
         "choices": [{"index": 0, "delta": {"content": "more and more "}, "finish_reason": None}]}


class WatchingUpstream:
    """A plain request is never answered; a stream has no end. `begun` and `left` count calls; `headers` and
    `bodies` are those that came."""

    def __init__(self):
        self.begun = 0
        self.left = 0
        self.headers = []
        self.bodies = []
        self.changed = threading.Condition()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with outer.changed:
                    outer.begun += 1
                    outer.headers.append(dict(self.headers))
                    outer.bodies.append(body)
                    outer.changed.notify_all()
                try:
                    if body.get("stream"):
                        self.stream()
                    else:
                        self.rfile.read(1)  # returns when the caller closes
                except OSError:
                    pass
                with outer.changed:
                    outer.left += 1
                    outer.changed.notify_all()
                self.close_connection = True

            def stream(self):
                self.send_response(200)
                self.send_header("Content-Type", "text/event-stream")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                event = f"data: {json.dumps(EVENT)}\n\n".encode()
                while True:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))

            def log_message(self, *_):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def until(self, condition, seconds=10):
        """Waits until `condition(self)` holds."""
        with self.changed:
            assert self.changed.wait_for(lambda: condition(self), seconds), f"begun {self.begun}, left {self.left}"
