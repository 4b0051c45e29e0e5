"""Batches that a provider's own batch endpoint executes. The provider is another gateway, before the simulator."""

import collections
import signal

import pytest

from support import gateway as parts
from support.gateway import UPSTREAM_KEY
from support.process import eventually
from test_batches import client_of, line, of, over, start

ENDPOINT = {"enabled": True, "discount_percent": 50, "poll_interval": "100ms"}


def rows_of(count, pace=20):
    return [line(f"r-{n}", f"[[sim:tokens n=2]] [[sim:pace ms_per_token={pace}]] question {n}") for n in range(count)]


@pytest.fixture
def provider(start_gateway):
    """Starts the gateway that is the provider; its only caller is the other one."""
    def run(name="provider", **more):
        keys = [{"id": "gateway", "sha256": parts.sha256(UPSTREAM_KEY), "tenant": "gateway"}]
        return start_gateway(name=name, keys=keys, **({"jobs": {"calls_max": 8}} | more))
    return run


@pytest.fixture
def before(start_gateway):
    """Starts the gateway before it, on the data of the one of that sort before."""
    def run(provider, name="first", endpoint=ENDPOINT):
        models = [parts.model("chat", ("there", "chat"))]
        return start_gateway([parts.provider("there", provider.url, batch_endpoint=endpoint)], models, name=name,
                             storage={"path": "kept"})
    return run


def there(provider):
    return client_of(provider, UPSTREAM_KEY)


def usage_of(output, name):
    return sum(row["response"]["body"]["usage"][name] for row in output)


def price_of(output, percent):
    """Of `support.gateway.model`, in nano-dollars: a provider's share of 0.4, 0.1 and 1.6 dollars a million."""
    total = 0
    for row in output:
        usage = row["response"]["body"]["usage"]
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        fresh = usage["prompt_tokens"] - cached
        total += (400 * fresh + 100 * cached + 1600 * usage["completion_tokens"]) * percent // 100
    return total


def test_a_batch_is_handed_over_at_half_the_price(provider, before, sim):
    second = provider()
    first = before(second, endpoint=ENDPOINT | {"lines_max": 120})
    mark = sim.mark()
    # Answers so long that the files there are read with pauses.
    rows = [line(f"r-{n}", f"[[sim:tokens n=800]] question {n}") for n in range(300)]
    done = over(client_of(first), start(client_of(first), rows))
    assert (done.status, done.request_counts.completed, done.request_counts.failed) == ("completed", 300, 0)
    output = of(client_of(first).files.content(done.output_file_id).text)
    assert [row["custom_id"] for row in output] == [row["custom_id"] for row in rows]
    for row in output:
        assert row["response"]["status_code"] == 200
        assert row["response"]["body"]["object"] == "chat.completion"
    batches = list(there(second).batches.list())
    assert sorted(x.request_counts.total for x in batches) == [60, 120, 120]
    assert {x.metadata["sluice_batch"] for x in batches} == {done.id}
    assert len(sim.calls(mark)) == 300
    cost = price_of(output, 50)
    eventually(lambda: first.metric("sluice_jobs_lines_total", way="there", outcome="answered") == 300)
    assert first.metric("sluice_jobs_cost_nanousd_total", way="there") == cost
    assert first.metric("sluice_cost_nanousd_total") == cost
    assert first.metric("sluice_jobs_parts_total") == 3
    assert done.usage.output_tokens == usage_of(output, "completion_tokens")
    eventually(lambda: there(second).files.list().data == [], what="an empty list of files there")


def test_lines_that_fail_there_are_in_the_error_file(provider, before):
    second = provider()
    first = before(second)
    rows = [line("good", "hello"), line("bad", "[[sim:400]] refused")]
    done = over(client_of(first), start(client_of(first), rows))
    assert (done.request_counts.completed, done.request_counts.failed) == (1, 1)
    (bad,) = of(client_of(first).files.content(done.error_file_id).text)
    assert (bad["custom_id"], bad["response"]["status_code"]) == ("bad", 400)
    assert len(list(there(second).batches.list())) == 1


def test_three_kills_lose_and_repeat_nothing(provider, before, sim):
    """After the upload, after the creation, and in the middle of the execution."""
    second = provider()
    first = before(second, name="run0")
    mark = sim.mark()
    rows = rows_of(400)
    batch = start(client_of(first), rows)
    client = there(second)
    moments = [lambda: client.files.list().data,
               lambda: client.batches.list().data,
               lambda: client.batches.list().data[0].request_counts.completed > 100]
    for kill, moment in enumerate(moments, 1):
        eventually(moment, seconds=90, what=f"the moment of kill {kill}")
        first.process.send_signal(signal.SIGKILL)
        first.process.wait()
        first = before(second, name=f"run{kill}")
        assert client_of(first).batches.retrieve(batch.id).status == "in_progress"
    done = over(client_of(first), batch, seconds=120)
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (400, 400, 0)
    output = of(client_of(first).files.content(done.output_file_id).text)
    assert [row["custom_id"] for row in output] == [row["custom_id"] for row in rows]
    assert done.usage.input_tokens == usage_of(output, "prompt_tokens"), "charged once"
    assert done.usage.output_tokens == usage_of(output, "completion_tokens"), "charged once"
    (made,) = list(client.batches.list())
    assert made.request_counts.total == 400, "one batch there, with every line once"
    calls = collections.Counter(call["attempt_id"] for call in sim.calls(mark))
    assert len(calls) == 400 and set(calls.values()) == {1}
    assert all(call.startswith(made.id) for call in calls), "none was executed elsewhere"
    eventually(lambda: client.files.list().data == [], what="an empty list of files there")


def test_what_was_read_before_a_kill_is_not_charged_again(provider, before, sim):
    second = provider()
    first = before(second, name="run0")
    batch = start(client_of(first), rows_of(200, pace=1))
    eventually(lambda: client_of(first).batches.retrieve(batch.id).request_counts.completed > 0, seconds=60)
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    first = before(second, name="run1")
    done = over(client_of(first), batch)
    assert (done.request_counts.completed, done.request_counts.failed) == (200, 0)
    output = of(client_of(first).files.content(done.output_file_id).text)
    assert len(output) == 200
    assert done.usage.output_tokens == usage_of(output, "completion_tokens")


def test_cancelling_reaches_the_provider(provider, before):
    second = provider(jobs={"calls_max": 2})
    first = before(second)
    client = client_of(first)
    batch = start(client, rows_of(300, pace=50))
    eventually(lambda: (x := there(second).batches.list().data) and x[0].request_counts.completed > 3)
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    done = over(client, batch)
    assert done.status == "cancelled"
    (made,) = there(second).batches.list().data
    assert made.status == "cancelled"
    assert 3 < done.request_counts.completed == made.request_counts.completed < 300
    output = of(client.files.content(done.output_file_id).text)
    assert len(output) == done.request_counts.completed, "what was done there is reported, and charged"


def test_a_provider_that_is_down_is_waited_for(provider, before, sim):
    second = provider(storage={"path": "provider"})
    address = {"address": "127.0.0.1", "port": int(second.url.rpartition(":")[2])}
    first = before(second)
    assert second.stop() == 0
    mark = sim.mark()
    batch = start(client_of(first), rows_of(20, pace=1))
    eventually(lambda: "waits" in first.log_path.read_text(), what="a failed attempt")
    second = provider(name="again", listen=address, storage={"path": "provider"})
    eventually(lambda: there(second).batches.list().data, what="the batch there")
    assert second.stop() == 0
    second = provider(name="third", listen=address, storage={"path": "provider"})
    done = over(client_of(first), batch)
    assert (done.status, done.request_counts.completed) == ("completed", 20)
    assert len(sim.calls(mark)) == 20


def test_without_the_endpoint_lines_are_executed_one_by_one(provider, before):
    second = provider(storage={"path": ""})
    first = before(second)
    cost = 0
    for _ in range(2):
        done = over(client_of(first), start(client_of(first), rows_of(10, pace=1)))
        assert (done.status, done.request_counts.completed) == ("completed", 10)
        cost += price_of(of(client_of(first).files.content(done.output_file_id).text), 100)
    eventually(lambda: first.metric("sluice_jobs_lines_total", way="own", outcome="answered") == 20)
    assert first.metric("sluice_jobs_cost_nanousd_total", way="own") == cost
    assert first.log_path.read_text().count("has no batch endpoint") == 1
