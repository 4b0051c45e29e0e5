"""The gateway and the simulated upstream as the tests see them."""

import hashlib
import json
import pathlib
import re

from support import raw_http
from support.process import Sluice, eventually

# Every secret of these tests contains this, so that one search over all output finds a leak.
CANARY = "canary7f3a"
KEY = f"sk-{CANARY}-everything"
KEY_LIMITED = f"sk-{CANARY}-limited"
KEY_RATED = f"sk-{CANARY}-rated"
UPSTREAM_KEY = f"sk-{CANARY}-upstream"

# Retries that cost milliseconds, so that a test of three attempts does not take seconds.
FAST_RETRY = {"attempts_max": 3, "backoff_base": "5ms", "backoff_max": "20ms", "retry_after_max": "500ms"}
# No test but the one of the breaker wants its failures to open one.
NO_BREAKER = {"failures": 10000, "open_for": "1s"}


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def provider(name, url, **more):
    return {"name": name, "kind": "openai", "base_url": url + "/v1", "api_key": "${UPSTREAM_KEY}", "allow_http": True,
            "retry": FAST_RETRY, "breaker": NO_BREAKER, **more}


def model(name, *deployments, embeds=False):
    """A model and who answers it: pairs of provider and upstream model."""
    price = {"input": 0.4} if embeds else {"input": 0.4, "cache_read": 0.1, "output": 1.6}
    return {"name": name, "endpoints": ["embeddings"] if embeds else ["chat_completions", "completions"],
            "deployments": [{"provider": p, "model": m, "price": price} for p, m in deployments]}


def simulated_models(name="sim"):
    """What the tests ask for, and which simulated model of the provider called `name` answers."""
    return [model("chat", (name, "sim-medium")), model("chat-small", (name, "sim-simple")),
            model("chat-reasoning", (name, "sim-very-complex")), model("embed", (name, "sim-embedding"), embeds=True)]


def configuration(providers, models, **more):
    names = [model["name"] for model in models]
    allowed = "chat-small" if "chat-small" in names else names[0]
    return {
        "listen": {"address": "127.0.0.1", "port": 0},
        "io_threads": 2,
        "shutdown_grace": "5s",
        "log": {"format": "json", "level": "info"},
        "providers": providers,
        "models": models,
        "keys": [
            {"id": "everything", "sha256": sha256(KEY), "tenant": "acme", "team": "search", "user": "ada"},
            {"id": "limited", "sha256": sha256(KEY_LIMITED), "tenant": "acme", "models": [allowed]},
            {"id": "rated", "sha256": sha256(KEY_RATED), "tenant": "acme", "requests_per_minute": 3},
        ],
    } | more


def write_configuration(folder, config, name="sluice.yaml"):
    # JSON is YAML.
    path = pathlib.Path(folder) / name
    path.write_text(json.dumps(config, indent=2))
    return path


def json_lines(path, offset=0):
    """The whole lines of a file from `offset` on, parsed; what is no JSON object is left out."""
    try:
        data = pathlib.Path(path).read_bytes()[offset:]
    except FileNotFoundError:
        return []
    lines = data[: data.rfind(b"\n") + 1].decode().splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


class Gateway(Sluice):
    def __init__(self, config, folder, name="gateway", env=None, **more):
        # Several may run in one folder; a data folder is for one of them.
        config = {"storage": {"path": f"{name}.data"}} | config
        path = write_configuration(folder, config, f"{name}.yaml")
        env = {"UPSTREAM_KEY": UPSTREAM_KEY} | (env or {})
        super().__init__("serve", "--config", str(path), folder=folder, name=name, env=env, **more)
        log_file = config["log"].get("file")
        self.log_path = pathlib.Path(folder) / log_file if log_file else self.stderr_path

    @property
    def api(self):
        return self.url + "/v1"

    def records(self):
        """The request log."""
        return [line for line in json_lines(self.log_path) if "route" in line]

    def record(self, request_id):
        """The line of one request, which the monitor writes within its next report."""
        def find():
            return next((line for line in self.records() if line.get("request_id") == request_id), None)
        return eventually(find, what=f"a log line of {request_id}")

    def metrics(self):
        text = raw_http.request(self, path="/metrics", key=KEY).body.decode()
        values = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                series, _, value = line.rpartition(" ")
                values[series] = float(value)
        return values

    def metric(self, name, **labels):
        """The sum over all series of `name` that carry these labels."""
        total = 0.0
        for series, value in self.metrics().items():
            base, _, rest = series.partition("{")
            have = dict(re.findall(r'(\w+)="([^"]*)"', rest))
            if base == name and all(have.get(k) == v for k, v in labels.items()):
                total += value
        return total


class Simulator(Sluice):
    def __init__(self, folder, *arguments, name="sim"):
        self.usage_path = pathlib.Path(folder) / f"{name}.usage.jsonl"
        super().__init__("sim", "--listen", "127.0.0.1:0", "--usage-log", str(self.usage_path), *arguments,
                         folder=folder, name=name)

    def mark(self):
        """A place in the usage log: the calls so far."""
        return self.usage_path.stat().st_size if self.usage_path.exists() else 0

    def calls(self, since=0):
        return json_lines(self.usage_path, since)

    def await_calls(self, since, count):
        """The calls since `since`, once there are `count` of them."""
        def enough():
            calls = self.calls(since)
            return calls if len(calls) >= count else None
        return eventually(enough, what=f"{count} calls in the usage log")
