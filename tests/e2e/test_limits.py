"""Tokens per minute of a key under parallel requests, and what answers say of limits and budgets."""

import concurrent.futures
import re
import time

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, Simulator, sha256
from support.process import eventually

MESSAGES = [{"role": "user", "content": "[[sim:tokens n=5]]"}]


@pytest.fixture
def slow(tmp_path):
    """An upstream that takes five seconds, so that all requests of a crowd are under way together."""
    with Simulator(tmp_path, "--call-base-ms", "5000", name="slow") as running:
        yield running


@pytest.fixture
def start(start_gateway):
    """Starts gateways whose only key may use so many tokens a minute."""
    def begin(tokens, upstream=None, **more):
        providers = [parts.provider("sim", upstream.url)] if upstream else None
        keys = [{"id": "counted", "sha256": sha256(KEY), "tenant": "acme", "tokens_per_minute": tokens}]
        return start_gateway(providers=providers, keys=keys, merging={"enabled": False}, **more)
    return begin


def client_of(gateway, **more):
    return openai.OpenAI(base_url=gateway.api, api_key=KEY, timeout=60, **({"max_retries": 0} | more))


def ask(client, **more):
    return client.chat.completions.with_raw_response.create(**({"model": "chat", "max_tokens": 5,
                                                               "messages": MESSAGES} | more))


def most_of_a_request(start):
    """Tokens that a request may use, as a refusal says."""
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(start(1, name="narrow")))
    assert refused.value.code == "rate_limit_exceeded"
    return int(re.search(r"may use (\d+) tokens, more than this key's limit of 1 ", str(refused.value)).group(1))


def test_a_crowd_gets_what_the_limit_covers_and_no_more(start, slow):
    most = most_of_a_request(start)
    gateway = start(100 * most, slow)
    client = client_of(gateway)

    def one(_):
        try:
            ask(client)
            return "served"
        except openai.RateLimitError as refused:
            assert refused.code == "rate_limit_exceeded"
            assert "tokens per minute" in refused.message
            assert refused.response.headers["x-should-retry"] == "true"
            assert 0 < int(refused.response.headers["retry-after"]) <= 60
            return "refused"

    started = time.monotonic()
    with concurrent.futures.ThreadPoolExecutor(256) as pool:
        served = list(pool.map(one, range(256))).count("served")
    minutes = (time.monotonic() - started) / 60
    # A full bucket, and what flows into it meanwhile.
    assert 100 <= served <= 100 * (1 + minutes)
    eventually(lambda: gateway.metric("sluice_token_limit_refused_total") == 256 - served, what="the metric of refusals")


def test_what_was_not_used_can_be_had_again(start):
    most = most_of_a_request(start)
    gateway = start(3 * most)
    answers = [ask(client_of(gateway), max_tokens=5) for _ in range(3)]
    used = sum(x.parse().usage.total_tokens for x in answers)
    last = ask(client_of(gateway)).headers
    assert int(last["x-ratelimit-limit-tokens"]) == 3 * most
    assert int(last["x-ratelimit-remaining-tokens"]) >= 3 * most - used - most
    assert re.fullmatch(r"\d+ms", last["x-ratelimit-reset-tokens"])


def test_the_sdk_waits_until_there_are_enough(start):
    most = most_of_a_request(start)
    gateway = start(20 * most)
    client = client_of(gateway, max_retries=3)
    # Nothing of this is given back: what a request asks for and a stream does not tell is used.
    large = {"max_tokens": 20 * most - (most - 5) - 10}
    messages = [{"role": "user", "content": f"[[sim:tokens n={large['max_tokens']}]]"}]
    first = ask(client, messages=messages, **large)
    assert first.parse().usage.total_tokens > 15 * most
    while int(ask(client).headers["x-ratelimit-remaining-tokens"]) >= most:
        pass
    assert ask(client).parse().choices


def test_what_never_fits_is_not_tried_again(start):
    gateway = start(50)
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(gateway, max_retries=5), max_tokens=51)
    eventually(lambda: gateway.metric("sluice_token_limit_refused_total"), what="the metric of refusals")
    assert gateway.metric("sluice_requests_total", route="/v1/chat/completions") == 1
    assert refused.value.response.headers["x-should-retry"] == "false"
    assert "retry-after" not in refused.value.response.headers
    assert "limit of 50 tokens per minute" in str(refused.value)


def nanos(text):
    whole, _, rest = text.partition(".")
    return int(whole) * 10**9 + int(rest.ljust(9, "0") or 0)


@pytest.mark.parametrize("stream", [False, True])
def test_answers_say_how_the_tightest_budget_stands(start_gateway, stream):
    gateway = start_gateway(optimizer={"daily_budget": 3},
                            budgets=[{"user": "ada", "limit": 2, "period": "month"}, {"team": "search", "limit": 5},
                                     {"key": "everything", "limit": 0.01, "action": "alert"}])
    first, second = (ask(client_of(gateway), stream=stream) for _ in range(2))
    for reply in (first, second):
        assert reply.headers["x-sluice-budget-limit"] == "2"
        assert 0 < int(reply.headers["x-sluice-budget-reset"]) <= 31 * 86400
    left = [nanos(x.headers["x-sluice-budget-remaining"]) for x in (first, second)]
    if stream:  # as its cost is not known yet, what is set aside for it counts
        assert 0 < left[0] < 2 * 10**9
        for _ in first.parse(), second.parse():
            pass
    else:
        costs = [nanos(x.headers["x-sluice-cost-usd"]) for x in (first, second)]
        assert left == [2 * 10**9 - costs[0], 2 * 10**9 - sum(costs)]


def test_a_refusal_says_how_the_budget_stands_that_refuses(start_gateway):
    gateway = start_gateway(optimizer={"daily_budget": 0.000000001})
    with pytest.raises(openai.RateLimitError) as refused:
        ask(client_of(gateway))
    headers = refused.value.response.headers
    assert headers["x-sluice-budget-limit"] == headers["x-sluice-budget-remaining"] == "0.000000001"
    assert abs(int(headers["x-sluice-budget-reset"]) - int(headers["retry-after"])) <= 1
