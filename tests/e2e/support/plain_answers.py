"""An upstream whose answer depends on the words of the question alone, and a model that compares answers."""

import http.server
import itertools
import json
import re
import threading
import time


class PlainAnswers:
    def __init__(self, seconds=0.0, verdict=None):
        """With a verdict, answers are never equal texts, and the model "judge" says it of all that it is asked."""
        self.judged = []
        judged = self.judged
        numbers = itertools.count()

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                words = " ".join(re.findall(r"[a-z0-9%]+", asked["messages"][-1]["content"].lower()))
                time.sleep(seconds)
                content = f"You asked: {words}."
                if verdict and asked["model"] == "judge":
                    judged.append(asked)
                    content = verdict
                elif verdict:
                    content += f" This is answer {next(numbers)}."
                answer = {"id": "plain", "object": "chat.completion", "created": 1, "model": asked["model"],
                          "choices": [{"index": 0, "finish_reason": "stop",
                                       "message": {"role": "assistant", "content": content}}],
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
