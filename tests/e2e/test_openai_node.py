"""The official client for Node; the checks stand in openai_node.mjs."""

import json
import pathlib
import re
import subprocess

import pytest

from support.gateway import KEY, KEY_LIMITED
from support.process import ROOT, environment, eventually

SCRIPT = pathlib.Path(__file__).with_name("openai_node.mjs")
CHECKS = re.findall(r"^  async (\w+)\(\)", SCRIPT.read_text(), re.MULTILINE)


@pytest.fixture(scope="module")
def results(gateway, sim):
    mark = sim.mark()
    done = subprocess.run(["node", SCRIPT, gateway.api, KEY, KEY_LIMITED], capture_output=True, text=True, timeout=80,
                          env=environment({"NODE_PACKAGES": str(ROOT / "build/e2e-node")}))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout) | {"mark": mark}


@pytest.mark.parametrize("check", CHECKS)
def test_node(results, check):
    assert results[check] == "ok", results[check]


def test_node_leaving_cancels_upstream_calls(results, sim):
    """One call timed out at the client, one stream was left."""
    eventually(lambda: sum(call["outcome"] == "cancelled" for call in sim.calls(results["mark"])) == 2)
