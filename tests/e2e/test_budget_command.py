"""Budgets that an operator sets while the node runs: `sluice budget` and `/v1/budgets`."""

import json

import openai
import pytest

from support import raw_http
from support.gateway import KEY, KEY_LIMITED, sha256
from support.process import run

OPERATOR = "sk-canary-operator"
KEYS = [{"id": "everything", "sha256": sha256(KEY), "tenant": "acme", "team": "search", "user": "ada"},
        {"id": "limited", "sha256": sha256(KEY_LIMITED), "tenant": "globex"},
        {"id": "operator", "sha256": sha256(OPERATOR), "tenant": "house", "admin": True}]


def budget(gateway, *arguments, key=OPERATOR):
    return run("budget", *arguments, "--url", gateway.url, "--key", key)


def told(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def ask(gateway, key=KEY):
    with openai.OpenAI(base_url=gateway.api, api_key=key, max_retries=0, timeout=20) as client:
        return client.chat.completions.create(model="chat", max_tokens=5, messages=[{"role": "user", "content": "a question"}])


def test_a_budget_counts_at_once_and_after_a_restart(start_gateway):
    gateway = start_gateway(keys=KEYS, name="set")
    ask(gateway)
    done = told(budget(gateway, "set", "--tenant", "acme", "--limit", "0.000000001", "--json"))
    assert [(x["tenant"], x["limit_usd"], x["set_by"]) for x in done["data"]] == [("acme", "0.000000001", "api")]
    with pytest.raises(openai.RateLimitError) as refused:
        ask(gateway)
    assert refused.value.code == "budget_exceeded"
    ask(gateway, KEY_LIMITED)  # another tenant's

    gateway.stop()
    gateway = start_gateway(keys=KEYS, name="set")
    with pytest.raises(openai.RateLimitError):
        ask(gateway)
    told(budget(gateway, "set", "--tenant", "acme", "--limit", "none", "--json"))
    ask(gateway)
    done = told(budget(gateway, "set", "--tenant", "acme", "--limit", "configured", "--json"))
    assert done["data"] == []
    ask(gateway)


def test_what_is_configured_stands_aside_and_comes_back(start_gateway):
    gateway = start_gateway(keys=KEYS, budgets=[{"user": "ada", "limit": 0.000000001}], name="aside")
    with pytest.raises(openai.RateLimitError):
        ask(gateway)
    told(budget(gateway, "set", "--user", "ada", "--limit", "5", "--json"))
    ask(gateway)
    shown = budget(gateway, "show")
    assert shown.returncode == 0
    assert "user 'ada': $5 a day (UTC), refuse, set by api" in shown.stdout
    assert "tenant 'acme', day " in shown.stdout
    told(budget(gateway, "set", "--user", "ada", "--limit", "configured", "--json"))
    with pytest.raises(openai.RateLimitError):
        ask(gateway)


def test_only_an_operator_sees_and_changes_budgets(start_gateway):
    gateway = start_gateway(keys=KEYS, name="rights")
    for arguments in (("show",), ("set", "--tenant", "acme", "--limit", "1000000")):
        refused = budget(gateway, *arguments, key=KEY)
        assert refused.returncode == 1 and "admin: true" in refused.stderr
    assert raw_http.request(gateway, path="/v1/budgets").status == 401
    assert told(budget(gateway, "show", "--json"))["data"] == []


def test_mistakes_are_named(start_gateway):
    gateway = start_gateway(keys=KEYS, name="mistakes")
    for arguments, message in [(("--tenant", "acmee", "--limit", "1"), "did you mean 'acme'?"),
                               (("--tenant", "acme", "--limit", "much"), "'limit' must be US dollars"),
                               (("--tenant", "acme", "--limit", "1", "--time-zone", "Mars"), "'time_zone' is unknown"),
                               (("--limit", "1"), "Say whose budget it is")]:
        refused = budget(gateway, "set", *arguments)
        assert refused.returncode == 1 and message in refused.stderr, refused.stderr
    assert run("budget", "set", "--url", gateway.url).returncode == 2
    assert raw_http.request(gateway, "DELETE", path="/v1/budgets", key=OPERATOR).headers["allow"] == "GET, PUT"
