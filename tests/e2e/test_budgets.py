"""Budgets under parallel requests, streams, crashes and retries: nothing is served that is not covered, and what is
served stands in the ledger."""

import concurrent.futures
import json
import re
import signal

import openai
import pytest

from support import gateway as parts
from support import raw_http
from support.gateway import KEY, KEY_LIMITED, Simulator
from support.process import eventually


@pytest.fixture
def slow(tmp_path):
    """An upstream that takes five seconds, so that all requests of a crowd are under way together."""
    with Simulator(tmp_path, "--call-base-ms", "5000", name="slow") as running:
        yield running


@pytest.fixture
def start(start_gateway):
    """Starts gateways with a daily budget in dollars."""
    def begin(budget, upstream=None, **more):
        providers = [parts.provider("sim", upstream.url)] if upstream else None
        return start_gateway(providers=providers, optimizer={"daily_budget": budget}, merging={"enabled": False},
                             **more)
    return begin


def client_of(gateway):
    return openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0, timeout=60)


def ask(client, text="[[sim:tokens n=5]]", **more):
    return client.chat.completions.create(model="chat", max_tokens=5,
                                          messages=[{"role": "user", "content": text}], **more)


def dollars(nanos):
    return f"{nanos // 10**9}.{nanos % 10**9:09d}"


def nanos(text):
    whole, _, rest = text.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0") or 0)


def most_of_a_request(start):
    """What a request may cost at most, in nano-dollars, as a refusal says."""
    broke = start(0.000000001, name="broke")
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(broke))
    return nanos(re.search(r"may cost \$([0-9.]+?)\. ", str(refused.value)).group(1))


def account(gateway, scope="tenant"):
    """The account of the tenant (or key) for the day, as its owner sees it."""
    reply = raw_http.request(gateway, path="/v1/usage", key=KEY)
    assert reply.status == 200
    return next(x for x in json.loads(reply.body)["data"] if x["scope"] == scope)


def open_sum(gateway):
    return account(gateway)["reserved_nanousd"]


def spent(gateway):
    return account(gateway)["spent_nanousd"]


def open_charges(gateway):
    return gateway.metric("sluice_ledger_open_charges")


def outcomes(client, count, workers):
    def one(_):
        try:
            ask(client)
            return "served"
        except openai.RateLimitError as refused:
            assert refused.code == "budget_exceeded" and refused.type == "insufficient_quota"
            assert refused.response.headers["x-should-retry"] == "false"
            return "refused"
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        return list(pool.map(one, range(count)))


def test_a_crowd_gets_what_the_budget_covers_and_no_more(start, slow):
    most = most_of_a_request(start)
    gateway = start(dollars(100 * most), slow)
    assert outcomes(client_of(gateway), 256, 256).count("served") == 100
    assert open_sum(gateway) == 0
    assert 0 < spent(gateway) <= 100 * most
    assert gateway.metric("sluice_ledger_violations") == 0


@pytest.mark.parametrize("connections", [1, 8])
def test_what_is_left_of_reservations_is_spent_again(start, connections):
    most = most_of_a_request(start)
    gateway = start(dollars(20 * most))
    served = outcomes(client_of(gateway), 64, connections).count("served")
    assert open_sum(gateway) == 0
    # Nothing more than there was, and not less than could be: another request is not covered.
    assert served >= 20 and spent(gateway) <= 20 * most
    if served < 64:
        assert spent(gateway) + connections * most > 20 * most


def test_a_refusal_reaches_no_upstream(start, sim):
    gateway = start(0.000000001)
    since = sim.mark()
    for more in ({}, {"stream": True}):
        with pytest.raises(openai.RateLimitError) as refused:
            ask(client_of(gateway), **more)
        assert "The budget of tenant 'acme' of $0.000000001 for the day" in str(refused.value)
        assert int(refused.value.response.headers["retry-after"]) > 0
    assert sim.calls(since) == []


def test_streams_and_replies_stand_in_the_ledger_at_their_bill(start, sim):
    gateway = start(1)
    since = sim.mark()
    client = client_of(gateway)
    for i in range(10):
        ask(client, f"[[sim:tokens n={i + 1}]] {i}")
        list(ask(client, f"[[sim:tokens n={i + 1}]] stream {i}", stream=True))
    calls = sim.await_calls(since, 20)
    # The prices of the configuration, in nano-dollars a token.
    bill = sum(x["input_tokens"] * 400 + x["cached_tokens"] * 100 +
               (x["output_tokens"] + x["reasoning_tokens"]) * 1600 for x in calls)
    assert open_sum(gateway) == 0 and spent(gateway) == bill
    assert account(gateway, "key")["spent_nanousd"] == bill and account(gateway)["charges"] == 20
    eventually(lambda: gateway.metric("sluice_ledger_rows_total") == 20, what="the rows counted")
    assert round(gateway.metric("sluice_budget_spent_usd", tenant="acme") * 1e9) == bill
    assert round(gateway.metric("daily_cost") * 1e9) == bill


def test_each_attempt_is_a_charge_and_a_refused_one_costs_nothing(start, sim):
    gateway = start(1)
    since = sim.mark()
    with pytest.raises(openai.APIStatusError):
        ask(client_of(gateway), "[[sim:500]]")
    eventually(lambda: gateway.metric("sluice_ledger_rows_total") == 3, what="three rows")
    assert spent(gateway) == 0 and open_sum(gateway) == 0
    assert len(sim.calls(since)) <= 3


def test_what_was_under_way_at_a_crash_counts_as_the_most_it_could_cost(start, slow):
    gateway = start(1, slow)
    client = client_of(gateway)
    ask(client)
    eventually(lambda: spent(gateway) > 0)
    before = spent(gateway)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        for _ in range(4):
            pool.submit(lambda: pytest.raises(Exception, ask, client))
        eventually(lambda: open_sum(gateway) > 0 and open_charges(gateway) == 4, what="four under way")
        gateway.signal(signal.SIGKILL)
        gateway.wait()
    again = start(1, slow)
    eventually(lambda: spent(again) > before, what="what was open is spent")
    assert open_sum(again) == 0
    eventually(lambda: again.metric("sluice_ledger_assumed_total") == 4, what="four assumed")
    assert (spent(again) - before) % 4 == 0


def test_a_client_that_goes_away_leaves_no_reservation(start, sim):
    gateway = start(1)
    client = client_of(gateway)
    stream = ask(client, "[[sim:endless]]", stream=True)
    next(iter(stream))
    stream.close()
    eventually(lambda: open_sum(gateway) == 0 and spent(gateway) > 0, what="the charge has ended")


def test_the_spend_survives_a_restart(start):
    first = start(1)
    ask(client_of(first))
    eventually(lambda: spent(first) > 0)
    sum_before = spent(first)
    first.stop()
    second = start(1)
    eventually(lambda: spent(second) == sum_before, what="the same spend")


def test_each_user_has_a_budget_of_its_own_and_all_have_to_cover_a_request(start):
    most = most_of_a_request(start)
    gateway = start(1, budgets=[{"user": "*", "tenant": "acme", "limit": dollars(most - 1)}])
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(gateway))
    assert "The budget of user 'ada'" in str(refused.value)
    assert account(gateway)["reserved_nanousd"] == 0
    with openai.OpenAI(base_url=gateway.api, api_key=KEY_LIMITED, max_retries=0) as nobody:  # a key without a user
        nobody.chat.completions.create(model="chat-small", max_tokens=5, messages=[{"role": "user", "content": "hi"}])


def test_a_budget_of_one_model_leaves_the_others(start):
    gateway = start(1, budgets=[{"tenant": "acme", "model": "chat", "limit": 0}])
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(gateway))
    assert "for the model 'chat'" in str(refused.value)
    client_of(gateway).chat.completions.create(model="chat-small", max_tokens=5,
                                               messages=[{"role": "user", "content": "hi"}])


def test_a_budget_that_is_used_up_can_go_on_with_a_cheaper_deployment(start_gateway, sim):
    dear = parts.model("chat", ("sim", "sim-medium"))
    cheap = dict(dear["deployments"][0], model="sim-simple", price={"input": 0.001, "cache_read": 0.001, "output": 0.001})
    dear["deployments"][0]["price"] = {"input": 1000, "cache_read": 1000, "output": 1000}
    dear["deployments"].append(cheap)
    gateway = start_gateway(models=[dear],
                            budgets=[{"tenant": "acme", "limit": 0.01, "action": "downgrade", "period": "month"}])
    reply = client_of(gateway).chat.completions.with_raw_response.create(
        model="chat", max_tokens=5, messages=[{"role": "user", "content": "hi"}])
    assert reply.headers["x-sluice-model"] == "sim-simple"


def test_a_budget_that_only_alerts_lets_everything_through_and_says_so(start):
    gateway = start(1, budgets=[{"tenant": "acme", "limit": 0.000000001, "action": "alert"}])
    ask(client_of(gateway))
    eventually(lambda: "budget: 100 % of $0.000000001 used by tenant" in gateway.stderr_text, what="the alarm")
    assert account(gateway)["action"] == "alert" and account(gateway)["remaining_usd"] == "0"


def test_what_a_key_has_spent_is_shown_to_it_alone(start):
    gateway = start(1, budgets=[{"tenant": "acme", "limit": 5, "period": "week", "time_zone": "Asia/Tokyo"}])
    ask(client_of(gateway))
    shown = json.loads(raw_http.request(gateway, path="/v1/usage", key=KEY).body)
    assert shown["object"] == "list"
    assert {(x["scope"], x["period"], x["time_zone"]) for x in shown["data"]} == {
        ("tenant", "day", "UTC"), ("tenant", "week", "Asia/Tokyo"), ("key", "day", "UTC")}
    other = json.loads(raw_http.request(gateway, path="/v1/usage", key=KEY_LIMITED).body)
    assert not [x for x in other["data"] if x["scope"] == "key"]
    assert raw_http.request(gateway, path="/v1/usage").status == 401
