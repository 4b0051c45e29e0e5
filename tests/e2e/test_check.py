"""`sluice check`: every mistake at once, with its line and what is allowed."""

import json
import re

from support import gateway as parts
from support.process import ROOT, run

MISTAKEN = """\
listen:
  port: 70000
limits:
  body_bytes_max: lots
  header_timeout: 10 parsecs
  in_flight_maxx: 5
providers:
  - name: cloud
    kind: telepathy
  - name: cloud
    kind: openai
    base_url: ftp://example.com
models:
  - name: chat
    deployments:
      - provider: nobody
        model: x
keys:
  - id: short
    sha256: abc
log:
  level: chatty
"""
# Line and the word that must be in the message.
EXPECTED = [(2, "port"), (4, "body_bytes_max"), (5, "header_timeout"), (6, "in_flight_maxx"), (9, "kind"), (10, "name"),
            (12, "base_url"), (16, "nobody"), (20, "sha256"), (22, "level")]


def test_every_mistake_is_reported_with_its_line(tmp_path):
    path = tmp_path / "mistaken.yaml"
    path.write_text(MISTAKEN)
    done = run("check", "--config", str(path))
    assert done.returncode != 0
    text = done.stdout + done.stderr
    found = {(int(m[1]), m[2]) for m in re.finditer(r"mistaken\.yaml:(\d+): (.*)", text)}
    for line, word in EXPECTED:
        assert any(at == line and word in what for at, what in found), f"line {line} ({word}) in:\n{text}"


def test_as_json(tmp_path):
    path = tmp_path / "mistaken.yaml"
    path.write_text(MISTAKEN)
    done = run("check", "--config", str(path), "--json")
    assert done.returncode != 0
    mistakes = json.loads(done.stdout)["mistakes"]
    assert {line for line, _ in EXPECTED} <= {mistake["line"] for mistake in mistakes}
    port = next(mistake for mistake in mistakes if mistake["line"] == 2)
    assert port["path"] == "listen.port"
    assert "65535" in port["allowed"]


def test_serve_reports_the_same_and_does_not_start(tmp_path):
    path = tmp_path / "mistaken.yaml"
    path.write_text(MISTAKEN)
    done = run("serve", "--config", str(path))
    assert done.returncode != 0
    assert "mistaken.yaml:2:" in done.stderr


def test_broken_yaml_names_its_line(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("listen:\n  port: [1, 2\nlog: {\n")
    done = run("check", "--config", str(path))
    assert done.returncode != 0
    assert "broken.yaml:" in done.stdout + done.stderr


def test_good_configuration(tmp_path):
    path = parts.write_configuration(tmp_path, parts.configuration(
        [parts.provider("sim", "http://127.0.0.1:9")], [parts.model("chat", ("sim", "x"))]))
    done = run("check", "--config", str(path), env={"UPSTREAM_KEY": "x"})
    assert done.returncode == 0, done.stdout + done.stderr
    as_json = run("check", "--config", str(path), "--json", env={"UPSTREAM_KEY": "x"})
    assert json.loads(as_json.stdout)["mistakes"] == []


def test_defaults_are_good():
    assert run("check").returncode == 0


def test_examples_are_good():
    examples = sorted((ROOT / "docs/examples").glob("sluice*.yaml"))
    assert examples
    keys = {name: "a-key-of-sixteen-or-more" for path in examples for name in re.findall(r"\$\{(\w+)", path.read_text())}
    for path in examples:
        done = run("check", "--config", str(path), env=keys)
        assert done.returncode == 0, f"{path}: {done.stdout}{done.stderr}"


def test_mistakes_never_show_a_secret(tmp_path):
    path = tmp_path / "secret.yaml"
    path.write_text("providers:\n  - name: x\n    kind: openai\n    base_url: ${SECRET}\n    api_key: ${SECRET}\n")
    done = run("check", "--config", str(path), env={"SECRET": f"sk-{parts.CANARY}"})
    assert done.returncode != 0
    assert parts.CANARY not in done.stdout + done.stderr
