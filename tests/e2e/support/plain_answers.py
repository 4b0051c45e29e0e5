"""An upstream whose answer depends on the words of the question alone."""

import http.server
import json
import re
import threading
import time


class PlainAnswers:
    def __init__(self, seconds=0.0):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                words = " ".join(re.findall(r"[a-z0-9%]+", asked["messages"][-1]["content"].lower()))
                time.sleep(seconds)
                answer = {"id": "plain", "object": "chat.completion", "created": 1, "model": asked["model"],
                          "choices": [{"index": 0, "finish_reason": "stop",
                                       "message": {"role": "assistant", "content": f"You asked: {words}."}}],
                          "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14}}
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                try:
                    self.wfile.write(body)
                except OSError:
                    pass  # the call was given up

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server.server_port}"

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
