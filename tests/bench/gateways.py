"""The gateways that the benchmark compares: how each is configured, started and stopped.

Every process here is a child of the benchmark with files of its own in a temporary folder; an nginx
that the system runs is never touched.
"""

import hashlib
import http.client
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

MODEL = "bench-model"  # the name that the load asks for by default
KEY = "sk-bench-0123456789abcdef0123456789abcdef"
START_SECONDS_MAX = 20.0  # far above any start that is worth a figure
STOP_SECONDS_MAX = 20.0  # a gateway drains what it has; beyond this it hangs


class BenchFailed(Exception):
    """Nothing that could be measured; the text says why."""


def free_port():
    """A port that nobody listens on now. Another process may take it before the gateway does; then the
    gateway says so and the run is repeated by hand."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def clean_environment():
    """Without keys of providers: a gateway that finds one would serve that provider as well."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR")
    return {name: os.environ[name] for name in kept if name in os.environ}


def start_process(command, core, folder, name):
    """Starts `command` on one core; what it prints goes to a file, for a pipe that nobody reads fills."""
    with open(folder / f"{name}.out", "ab") as output:
        return subprocess.Popen(["taskset", "-c", str(core), *command], stdin=subprocess.DEVNULL,
                                stdout=output, stderr=output, cwd=folder, env=clean_environment())


def stop_process(process):
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class Gateway:
    """One gateway between the load and the upstream."""

    name = ""

    def __init__(self, program, folder, upstream_port):
        self.program = program
        self.folder = folder / self.name
        self.folder.mkdir()
        self.upstream_port = upstream_port
        self.port = 0
        self.process = None

    def configure(self):
        """Writes the configuration for `self.port`; returns the command that uses it."""
        raise NotImplementedError

    def start(self, core):
        """Starts the gateway. Returns the seconds until it answered the first chat request."""
        self.port = free_port()
        command = self.configure()
        begun = time.monotonic()
        self.process = start_process(command, core, self.folder, self.name)
        while time.monotonic() - begun < START_SECONDS_MAX:
            if self.process.poll() is not None:
                break
            try:
                chat_through(self.port)
                return time.monotonic() - begun
            except ConnectionError:
                time.sleep(0.001)  # the resolution of the start time
        self.stop()
        output = (self.folder / f"{self.name}.out").read_text(errors="replace")
        raise BenchFailed(f"{self.name} does not answer; it said:\n{output[-2000:]}")

    def stop(self):
        if self.process is not None:
            stop_process(self.process)
            self.process = None

    def processes(self):
        """The process that was started and its children: nginx works in a child."""
        result = [self.process.pid]
        for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
            try:
                fields = entry.read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it ended while we looked
            if int(fields[1]) == self.process.pid:
                result.append(int(entry.parent.name))
        return result

    def rss_bytes(self):
        total = 0
        for process in self.processes():
            for line in pathlib.Path(f"/proc/{process}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1]) * 1024
        return total

    def shorten_logs(self):
        """Empties the request log, which both gateways open for appending, so that a long benchmark
        does not fill the disk."""
        for path in self.folder.glob("*.log"):
            os.truncate(path, 0)

    def log_bytes(self):
        return sum(path.stat().st_size for path in self.folder.glob("*.log"))


class Nginx(Gateway):
    """nginx as the plainest proxy: one worker, kept-alive connections on both sides, and the access log
    on, as Sluice logs each request too."""

    name = "nginx"
    http = ""  # more for all servers
    location = ""  # more for the one
    log_format = "combined"

    def configure(self):
        # A master that runs as root gives its worker another user, who may not enter our folder.
        user = "user root root;" if os.geteuid() == 0 else ""
        path = self.folder / "nginx.conf"
        path.write_text(f"""
daemon off;
{user}
worker_processes 1;
pid {self.folder}/nginx.pid;
error_log {self.folder}/errors.txt warn;
events {{ worker_connections 4096; }}
http {{
  {self.http.format(folder=self.folder)}
  access_log {self.folder}/access.log {self.log_format};
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi;
  scgi_temp_path {self.folder}/scgi;
  # The defaults end a connection after 1,000 requests; Sluice does not.
  keepalive_requests 1000000000;
  upstream instant {{
    server 127.0.0.1:{self.upstream_port};
    keepalive 512;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{self.port};
    client_max_body_size 32m;
    location / {{
      proxy_pass http://instant;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      {self.location}
    }}
  }}
}}
""")
        return [self.program, "-e", f"{self.folder}/errors.txt", "-p", str(self.folder), "-c", str(path)]


class NginxCache(Nginx):
    """nginx that keeps answers, by all of a request that changes them. Its cache is a folder, which the
    system keeps in memory."""

    name = "nginx_cache"
    http = """log_format cached 'cache="$upstream_cache_status" $request $status $body_bytes_sent';
  proxy_cache_path {folder}/kept levels=1:2 keys_zone=kept:16m inactive=60m use_temp_path=off;"""
    log_format = "cached"
    # The body is part of the key, so it has to be in memory.
    location = """proxy_cache kept;
      proxy_cache_methods POST;
      proxy_cache_key "$request_uri$http_authorization$request_body";
      proxy_cache_valid 200 60m;
      client_body_buffer_size 64k;"""

    def hits_and_lookups(self):
        lines = (self.folder / "access.log").read_text().splitlines()
        return sum('cache="HIT"' in line for line in lines), len(lines)


class Sluice(Gateway):
    """Sluice as a node is run: key required, price known, metrics and the request log on; one loop, as
    it has one core."""

    name = "sluice"
    batching = ""  # the defaults: merging on, batching where the provider takes it
    merging = ""
    cache = ""

    def configure(self):
        path = self.folder / "sluice.yaml"
        path.write_text(f"""
listen:
  address: 127.0.0.1
  port: {self.port}
io_threads: 1
providers:
  - name: instant
    kind: openai
    base_url: http://127.0.0.1:{self.upstream_port}/v1
    allow_http: true
    api_key: sk-upstream-0123456789abcdef0123456789abcdef{self.batching}
models:
  - name: {MODEL}
    deployments:
      - provider: instant
        model: {MODEL}
        price:
          input: 0.15
          output: 0.60
keys:
  - id: bench
    sha256: {hashlib.sha256(KEY.encode()).hexdigest()}
    tenant: bench
log:
  format: json
  file: {self.folder}/requests.log
  requests: true{self.merging}{self.cache}
""")
        return [self.program, "serve", "--config", str(path)]


class SluiceCache(Sluice):
    """Sluice with its cache on."""

    cache = """
cache: {enabled: true}"""

    def hits_and_lookups(self):
        _, text = metrics_of(self.port)
        counts = [(line.split("{")[1], float(line.split()[-1])) for line in text.splitlines()
                  if line.startswith("sluice_cache_lookups_total{")]
        return sum(x for name, x in counts if 'result="hit"' in name), sum(x for _, x in counts)


class Unbatched(Sluice):
    """Sluice without anything that puts requests together: what the rest of it costs."""

    name = "unbatched"
    batching = """
    batching: {embeddings: false, completions: false}"""
    merging = """
merging: {enabled: false}"""


def find_nginx():
    # Debian keeps it where only root's PATH looks.
    found = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if found is None:
        raise BenchFailed("nginx is not installed; `scripts/install_packages.sh bench` installs it")
    return found


def chat_through(port):
    """One chat request; returns the answer's body when it is right. That both gateways pass on what the
    upstream said is checked here once, by meaning; the load then checks each reply's length."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS_MAX)
    try:
        body = json.dumps({"model": MODEL, "messages": [{"role": "user", "content": "Hello"}]})
        connection.request("POST", "/v1/chat/completions", body,
                           {"Content-Type": "application/json", "Authorization": f"Bearer {KEY}"})
        reply = connection.getresponse()
        text = reply.read()
    finally:
        connection.close()
    if reply.status != 200:
        raise BenchFailed(f"the first request was answered with {reply.status}: {text[:500]!r}")
    answer = json.loads(text)
    if not answer["choices"][0]["message"]["content"] or answer["usage"]["total_tokens"] != 323:
        raise BenchFailed(f"the first answer is not the upstream's: {text[:500]!r}")
    return text


def metrics_of(port):
    """The metrics page, to show that metrics were on while the figures were taken."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS_MAX)
    try:
        connection.request("GET", "/metrics", headers={"Authorization": f"Bearer {KEY}"})
        reply = connection.getresponse()
        return reply.status, reply.read().decode(errors="replace")
    finally:
        connection.close()
