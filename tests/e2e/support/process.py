"""Starts and stops the binary under test."""

import os
import pathlib
import resource
import select
import signal
import subprocess
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("SLUICE_BINARY", ROOT / "build/release/sluice"))
READY = "listening on "
# Far above the 200 ms that a start may take, since the machine may be busy with other things.
READY_SECONDS_MAX = 20
STOP_SECONDS_MAX = 30


def environment(extra=None):
    """Nothing of the caller's environment but what any program needs: no provider key, no proxy."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return kept | (extra or {})


class Sluice:
    """A running `sluice`, ready when the constructor returns. Its output is kept in `folder`."""

    def __init__(self, *arguments, folder, name="sluice", env=None, files_max=None):
        self.stderr_path = pathlib.Path(folder) / f"{name}.stderr"
        self.stdout_text = ""
        started = time.monotonic()
        limit = (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files_max, files_max))) if files_max else None
        with open(self.stderr_path, "wb") as stderr:
            self.process = subprocess.Popen(
                [BINARY, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=stderr, cwd=folder, env=environment(env), preexec_fn=limit)
        self.url = self._await_ready(started + READY_SECONDS_MAX)
        self.ready_seconds = time.monotonic() - started
        host, _, port = self.url.removeprefix("http://").rpartition(":")
        self.host, self.port = host, int(port)
        threading.Thread(target=self._drain_stdout, daemon=True).start()

    def _await_ready(self, until):
        stdout = self.process.stdout.fileno()
        while True:
            left = until - time.monotonic()
            ready, _, _ = select.select([stdout], [], [], max(left, 0))
            data = os.read(stdout, 65536) if ready else b""
            if not data:
                self.process.kill()
                self.process.wait()
                why = "closed its output" if ready else f"said nothing for {READY_SECONDS_MAX} s"
                raise AssertionError(f"sluice {why} before it was ready:\n{self.stdout_text}{self.stderr_text}")
            self.stdout_text += data.decode()
            for line in self.stdout_text.splitlines():
                if READY in line:
                    return line.split(READY, 1)[1].split()[0].rstrip("/")

    def _drain_stdout(self):
        while data := self.process.stdout.read1(65536):
            self.stdout_text += data.decode(errors="replace")

    @property
    def pid(self):
        return self.process.pid

    @property
    def stderr_text(self):
        return self.stderr_path.read_text(errors="replace")

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, seconds=STOP_SECONDS_MAX):
        return self.process.wait(seconds)

    def stop(self):
        """Asks it to stop and returns the exit status; a process that does not obey is killed."""
        if self.process.poll() is None:
            self.signal()
        try:
            return self.wait()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def rss_bytes(self):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise AssertionError("no VmRSS")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))


def run(*arguments, env=None, cwd=None, seconds=20):
    """Runs a command of the binary to its end."""
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          env=environment(env), cwd=cwd, timeout=seconds)


def eventually(probe, seconds=10, what=None):
    """Asks `probe` until its answer is true, and returns the answer."""
    until = time.monotonic() + seconds
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > until:
            raise AssertionError(f"not within {seconds} s: {what or probe}; the last answer was {answer!r}")
        time.sleep(0.005)
