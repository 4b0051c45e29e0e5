"""Answers that are fetched before somebody waits for them; what the operator says otherwise; forgetting."""

import json
import time

import openai
import pytest

from support import gateway as parts, raw_http
from support.gateway import KEY, Simulator, sha256
from support.process import eventually, run

OTHER_KEY = KEY + "-other-tenant"
ADMIN_KEY = KEY + "-admin"
KEYS = [{"id": "one", "sha256": sha256(KEY), "tenant": "acme"},
        {"id": "two", "sha256": sha256(OTHER_KEY), "tenant": "other"},
        {"id": "operator", "sha256": sha256(ADMIN_KEY), "tenant": "ops", "admin": True}]


def client_of(gateway, key=KEY):
    return openai.OpenAI(base_url=gateway.api, api_key=key, max_retries=0, timeout=20)


def chat(client, text, headers=None, **more):
    return client.chat.completions.with_raw_response.create(
        model="chat", messages=[{"role": "user", "content": text}], extra_headers=headers, **more)


def cached(answer):
    return answer.headers.get("x-sluice-cache")


@pytest.fixture
def start(start_gateway):
    def begin(cache=None, **more):
        return start_gateway(keys=KEYS, cache={"enabled": True} | (cache or {}), **more)
    return begin


@pytest.mark.parametrize("stream", [False, True])
def test_what_is_out_of_date_is_given_while_it_is_fetched_anew(start, sim, stream):
    gateway = start({"stale_while_revalidate": "1h", "ttl_jitter_percent": 0})
    client = client_of(gateway)

    def ask():
        with client.chat.completions.with_streaming_response.create(
                model="chat", messages=[{"role": "user", "content": "What is a weir?"}], stream=stream,
                extra_headers={"x-sluice-cache-ttl": "1"}) as answer:
            answer.read()
            return answer.headers

    mark = sim.mark()
    assert ask()["x-sluice-cache"] == "miss"
    time.sleep(1.1)
    stale = ask()
    assert stale["x-sluice-cache"] == "stale" and stale["x-sluice-cache-level"] == "L1"
    assert int(stale["x-sluice-cache-ttl"]) < 0 and stale["x-sluice-attempts"] == "0"
    sim.await_calls(mark, 2)
    # The fresh answer is in its place, and nobody was charged an attempt for it.
    eventually(lambda: ask()["x-sluice-cache"] == "hit", what="a fresh answer")
    eventually(lambda: gateway.metric("sluice_cache_own_requests_total", origin="refresh") >= 1)
    assert gateway.metric("sluice_requests_total", route="/v1/chat/completions", status="200") >= 3
    time.sleep(1.2)  # shards tell once a second
    assert gateway.metric("sluice_cache_warmed_total") == 0, "it was asked for before it was fetched"
    own = eventually(lambda: [x for x in gateway.records() if x.get("origin") == "refresh"])
    assert own[0]["tenant"] == "acme" and own[0]["cost_nanousd"] > 0


def test_who_names_an_age_gets_nothing_out_of_date(start, sim):
    gateway = start({"stale_while_revalidate": "1h"})
    client = client_of(gateway)
    chat(client, "Q", {"x-sluice-cache-ttl": "1"})
    time.sleep(1.1)
    assert cached(chat(client, "Q", {"Cache-Control": "max-age=3600", "x-sluice-cache-ttl": "1"})) == "miss"


def test_many_who_find_an_answer_out_of_date_make_one_call(start, tmp_path):
    with Simulator(tmp_path, "--call-base-ms", "300", name="slow") as slow:
        gateway = start({"stale_while_revalidate": "1h"}, providers=[parts.provider("sim", slow.url)])
        client = client_of(gateway)
        chat(client, "Q", {"x-sluice-cache-ttl": "1"})
        time.sleep(1.1)
        mark = slow.mark()
        for _ in range(20):
            assert cached(chat(client, "Q", {"x-sluice-cache-ttl": "60"})) == "stale"
        slow.await_calls(mark, 1)
        eventually(lambda: cached(chat(client, "Q")) == "hit")
        assert len(slow.calls(mark)) == 1


def test_an_answer_is_fetched_anew_before_its_time_is_over(start, sim):
    gateway = start({"warming": {"refresh_ahead_percent": 50, "daily_budget": 1}})
    client = client_of(gateway)
    mark = sim.mark()
    chat(client, "Q", {"x-sluice-cache-ttl": "4"})
    assert cached(chat(client, "Q")) == "hit"
    time.sleep(2.5)
    assert len(sim.calls(mark)) == 1
    assert cached(chat(client, "Q", {"x-sluice-cache-ttl": "4"})) == "hit"
    sim.await_calls(mark, 2)
    time.sleep(2)  # beyond the time of the first answer
    assert cached(chat(client, "Q")) == "hit"
    eventually(lambda: gateway.metric("sluice_cache_warmed_total", result="used") == 1)


def test_nothing_is_fetched_in_advance_beyond_the_budget(start, sim):
    gateway = start({"warming": {"refresh_ahead_percent": 50, "daily_budget": 0.000000001}})
    client = client_of(gateway)
    mark = sim.mark()
    chat(client, "Q", {"x-sluice-cache-ttl": "2"})
    time.sleep(1.2)
    assert cached(chat(client, "Q")) == "hit"
    time.sleep(0.5)
    assert len(sim.calls(mark)) == 1


def test_what_usually_follows_is_asked_in_advance(start, sim):
    gateway = start({"warming": {"prefetch": True, "daily_budget": 1}})
    client = client_of(gateway)
    for _ in range(3):  # the history, which is not to be answered from the cache
        chat(client, "What is a lock?", {"Cache-Control": "no-cache"})
        chat(client, "And a weir?", {"Cache-Control": "no-cache", "x-sluice-cache-ttl": "1"})
    time.sleep(1.1)
    mark = sim.mark()
    assert cached(chat(client, "What is a lock?")) == "hit"
    sim.await_calls(mark, 1)
    eventually(lambda: gateway.metric("sluice_cache_own_requests_total", origin="prefetch") == 1)
    assert cached(chat(client, "And a weir?")) == "hit"
    assert len(sim.calls(mark)) == 1
    eventually(lambda: gateway.metric("sluice_cache_warmed_total", result="used") == 1)


def test_policies_differ_by_tenant_and_model(start, sim):
    gateway = start({"policies": [{"tenant": "other", "enabled": False}, {"model": "chat", "ttl": "100s"}]})
    one, other = client_of(gateway), client_of(gateway, OTHER_KEY)
    for _ in range(2):
        assert cached(chat(other, "Q")) is None
    assert cached(chat(one, "Q")) == "miss"
    again = chat(one, "Q")
    assert cached(again) == "hit" and 90 <= int(again.headers["x-sluice-cache-ttl"]) <= 100


def purge(gateway, key, query=""):
    answer = raw_http.request(gateway, method="DELETE", path="/v1/cache" + query, key=key)
    return answer.status, json.loads(answer.body)


def test_a_tenant_may_forget_its_own_and_an_operator_all(start):
    gateway = start()
    one, other = client_of(gateway), client_of(gateway, OTHER_KEY)
    for client in (one, other):
        chat(client, "Q")
        chat(client, "R")
    eventually(lambda: gateway.metric("sluice_cache_entries", level="L3") == 4)
    status, refused = purge(gateway, KEY, "?tenant=other")
    assert status == 403 and refused["error"]["param"] == "tenant"
    assert purge(gateway, KEY, "?all=true")[0] == 403
    assert purge(gateway, KEY, "?all=yes")[0] == 400
    assert purge(gateway, "wrong")[0] == 401
    assert purge(gateway, KEY) == (200, {"object": "cache.purge", "memory": 2, "disk": 2})
    assert cached(chat(one, "Q")) == "miss"
    assert cached(chat(other, "Q")) == "hit"
    result = run("cache", "purge", "--url", gateway.url, "--key", ADMIN_KEY, "--tenant", "other", "--json")
    assert json.loads(result.stdout) == {"memory": 2, "disk": 2}
    assert cached(chat(other, "R")) == "miss"
    result = run("cache", "purge", "--url", gateway.url, "--key", KEY, "--all")
    assert result.returncode != 0 and "admin" in result.stderr
    result = run("cache", "purge", "--url", gateway.url, "--key", ADMIN_KEY, "--all")
    assert result.returncode == 0, result.stderr
    assert cached(chat(one, "Q")) == "miss"


def test_a_file_of_requests_warms_the_cache(start, sim, tmp_path):
    gateway = start()
    body = {"model": "chat", "messages": [{"role": "user", "content": "Q"}]}
    lines = [json.dumps(body),
             json.dumps({"custom_id": "1", "method": "POST", "url": "/v1/chat/completions",
                         "body": body | {"messages": [{"role": "user", "content": "R"}]}}),
             json.dumps(body | {"temperature": 1}),
             json.dumps(body | {"model": "chap"}),
             "no JSON"]
    file = tmp_path / "warm.jsonl"
    file.write_text("\n".join(lines) + "\n")
    result = run("cache", "warm", str(file), "--url", gateway.url, "--key", KEY, "--in-flight", "1", "--json")
    report = json.loads(result.stdout)
    assert (report["fetched"], report["not_kept"], report["refused"]) == (2, 1, 2), report
    assert result.returncode != 0
    assert "line 4" in report["problems"][0] and "chap" in report["problems"][0]
    assert float(report["cost_usd"]) > 0
    mark = sim.mark()
    for text in ("Q", "R"):
        assert cached(chat(client_of(gateway), text)) == "hit"
    assert sim.calls(mark) == []
    file.write_text("\n".join(json.dumps(body | {"seed": i}) for i in range(20)))
    result = run("cache", "warm", str(file), "--url", gateway.url, "--key", KEY, "--in-flight", "1",
                 "--cost-max", str(float(report["cost_usd"])), "--json")
    report = json.loads(result.stdout)
    assert report["left_out"] > 10 and 1 <= report["fetched"] < 10, report
