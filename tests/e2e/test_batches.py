"""Files and batches with the official client, over restarts and SIGKILL."""

import collections
import json
import os
import signal

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, KEY_LIMITED, Simulator
from support.process import eventually, run
from support.raw_http import request

OTHER_KEY = f"sk-{parts.CANARY}-other-tenant"


def line(custom_id, content, **more):
    body = {"model": "chat", "messages": [{"role": "user", "content": content}]} | more
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def lines(count, prefix="r"):
    return [line(f"{prefix}-{n}", f"[[sim:tokens n=4]] question {n}") for n in range(count)]


def jsonl(rows):
    return "\n".join(json.dumps(row) for row in rows).encode()


def of(text):
    return [json.loads(row) for row in text.splitlines()]


def client_of(gateway, key=KEY):
    return openai.OpenAI(base_url=gateway.api, api_key=key, max_retries=0, timeout=20)


def upload(client, rows, name="in.jsonl"):
    content = rows if isinstance(rows, bytes) else jsonl(rows)
    return client.files.create(file=(name, content), purpose="batch")


def start(client, rows, **more):
    return client.batches.create(input_file_id=upload(client, rows).id, endpoint="/v1/chat/completions",
                                 completion_window="24h", **more)


def over(client, batch, seconds=60):
    """The batch when it is over."""
    def probe():
        found = client.batches.retrieve(batch.id)
        return found if found.status in ("completed", "failed", "expired", "cancelled") else None
    return eventually(probe, seconds=seconds, what=f"the end of {batch.id}")


@pytest.fixture
def keeper(start_gateway):
    """A gateway with two tenants."""
    keys = [{"id": "everything", "sha256": parts.sha256(KEY), "tenant": "acme"},
            {"id": "limited", "sha256": parts.sha256(KEY_LIMITED), "tenant": "acme", "models": ["chat-small"]},
            {"id": "other", "sha256": parts.sha256(OTHER_KEY), "tenant": "other"}]
    return start_gateway(keys=keys)


def test_a_batch_from_upload_to_output(keeper, sim):
    client = client_of(keeper)
    mark = sim.mark()
    rows = lines(20)
    batch = start(client, rows, metadata={"for": "tests"})
    assert batch.status == "validating"
    assert batch.endpoint == "/v1/chat/completions"
    assert batch.metadata == {"for": "tests"}
    assert batch.expires_at - batch.created_at == 24 * 3600
    done = over(client, batch)
    assert done.status == "completed"
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (20, 20, 0)
    assert done.error_file_id is None
    assert done.usage.total_tokens > 0
    output = of(client.files.content(done.output_file_id).text)
    assert [row["custom_id"] for row in output] == [row["custom_id"] for row in rows]
    first = output[0]
    assert first["error"] is None
    assert first["response"]["status_code"] == 200
    assert first["response"]["body"]["object"] == "chat.completion"
    assert done.usage.input_tokens == sum(row["response"]["body"]["usage"]["prompt_tokens"] for row in output)
    info = client.files.retrieve(done.output_file_id)
    assert info.purpose == "batch_output"
    assert info.bytes == len(client.files.content(done.output_file_id).content)
    assert len(sim.calls(mark)) == 20
    eventually(lambda: keeper.metric("sluice_requests_total", route="batch line") >= 20)


def test_embeddings_and_completions(keeper):
    client = client_of(keeper)
    for endpoint, body in (("/v1/embeddings", {"model": "embed", "input": "a text"}),
                           ("/v1/completions", {"model": "chat", "prompt": "Once"})):
        rows = [{"custom_id": "only", "method": "POST", "url": endpoint, "body": body}]
        batch = client.batches.create(input_file_id=upload(client, rows).id, endpoint=endpoint,
                                      completion_window="24h")
        done = over(client, batch)
        assert done.status == "completed", done
        assert of(client.files.content(done.output_file_id).text)[0]["response"]["status_code"] == 200


def test_lines_that_fail_are_in_the_error_file(keeper):
    client = client_of(keeper)
    rows = [line("good", "hello"), line("bad", "[[sim:400]] refused")]
    done = over(client, start(client, rows))
    assert done.status == "completed"
    assert (done.request_counts.completed, done.request_counts.failed) == (1, 1)
    assert [row["custom_id"] for row in of(client.files.content(done.output_file_id).text)] == ["good"]
    (bad,) = of(client.files.content(done.error_file_id).text)
    assert bad["custom_id"] == "bad"
    assert bad["response"]["status_code"] == 400
    assert bad["response"]["body"]["error"]["message"]


@pytest.mark.parametrize("content, code, number", [
    (b"nonsense", "invalid_json_line", 1),
    (jsonl([line("a", "x"), line("a", "y")]), "duplicate_custom_id", 2),
    (jsonl([line("a", "x", model="nobody")]), "model_not_found", 1),
    (jsonl([line("a", "x") | {"url": "/v1/embeddings"}]), "mismatched_endpoint", 1),
    (jsonl([line("a", "x", stream=True)]), "invalid_value", 1),
    (b"\n\n", "empty_file", None),
])
def test_an_input_file_that_is_wrong_fails_the_batch(keeper, content, code, number):
    client = client_of(keeper)
    done = over(client, start(client, content))
    assert done.status == "failed"
    assert done.output_file_id is None
    error = done.errors.data[0]
    assert (error.code, error.line) == (code, number)


def test_a_key_may_use_its_models_only(keeper):
    limited = client_of(keeper, KEY_LIMITED)
    assert over(limited, start(limited, lines(1))).errors.data[0].code == "model_not_found"
    assert over(limited, start(limited, [line("a", "x", model="chat-small")])).status == "completed"


def test_files_are_listed_read_and_removed(keeper):
    client = client_of(keeper)
    content = os.urandom(3_000_000)
    made = [upload(client, content if n == 0 else b"{}", name=f"{n} with blanks.jsonl") for n in range(3)]
    assert made[0].bytes == len(content)
    assert made[0].filename == "0 with blanks.jsonl"
    assert client.files.content(made[0].id).content == content
    assert [x.id for x in client.files.list()] == [x.id for x in reversed(made)]
    assert [x.id for x in client.files.list(order="asc", limit=2)] == [x.id for x in made]
    assert [x.id for x in client.files.list(purpose="batch_output")] == []
    page = client.files.list(limit=1, after=made[2].id)
    assert [x.id for x in page.data] == [made[1].id]
    assert page.has_more
    assert client.files.delete(made[1].id).deleted
    for ask in (client.files.retrieve, client.files.delete, client.files.content):
        with pytest.raises(openai.NotFoundError) as refused:
            ask(made[1].id)
        assert "No such File object" in refused.value.message


def test_batches_are_listed_newest_first(keeper):
    client = client_of(keeper)
    file = upload(client, lines(1))
    made = [client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id
            for _ in range(5)]
    assert [x.id for x in client.batches.list(limit=2)] == made[::-1], "the client follows the pages"
    page = client.batches.list(limit=2)
    assert page.has_more and len(page.data) == 2


def test_tenants_do_not_see_each_other(keeper):
    mine, other = client_of(keeper), client_of(keeper, OTHER_KEY)
    batch = over(mine, start(mine, lines(1)))
    for ask in (lambda: other.files.retrieve(batch.input_file_id), lambda: other.files.content(batch.output_file_id),
                lambda: other.files.delete(batch.input_file_id), lambda: other.batches.retrieve(batch.id),
                lambda: other.batches.cancel(batch.id),
                lambda: other.batches.create(input_file_id=batch.input_file_id, endpoint="/v1/chat/completions",
                                             completion_window="24h")):
        with pytest.raises(openai.NotFoundError):
            ask()
    assert other.files.list().data == []
    assert other.batches.list().data == []
    assert client_of(keeper, KEY_LIMITED).batches.retrieve(batch.id).id == batch.id, "another key of the same tenant"


def test_a_batch_can_be_cancelled(keeper, sim):
    client = client_of(keeper)
    rows = [line(f"c-{n}", f"[[sim:tokens n=2]] [[sim:pace ms_per_token=100]] slow {n}") for n in range(200)]
    batch = start(client, rows)
    eventually(lambda: client.batches.retrieve(batch.id).request_counts.completed > 0)
    assert client.batches.cancel(batch.id).status in ("cancelling", "cancelled")
    done = over(client, batch)
    assert done.status == "cancelled"
    assert 0 < done.request_counts.completed < 200
    output = of(client.files.content(done.output_file_id).text)
    assert len(output) == done.request_counts.completed
    calls = sim.mark()
    with pytest.raises(openai.ConflictError) as refused:
        client.batches.cancel(batch.id)
    assert "cancelled" in refused.value.message
    assert sim.mark() == calls


def test_what_is_wrong_with_a_request_is_said(keeper):
    client = client_of(keeper)
    file = upload(client, lines(1))
    good = {"input_file_id": file.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    for change, status in (({"completion_window": "1h"}, 400), ({"endpoint": "/v1/nothing"}, 400),
                           ({"input_file_id": "file-nobody"}, 404)):
        with pytest.raises(openai.APIStatusError) as refused:
            client.batches.create(**(good | change))
        assert refused.value.status_code == status
        assert refused.value.body["param"] in change
    with pytest.raises(openai.BadRequestError):
        client.files.create(file=("x", b"{}"), purpose="fine-tune")
    with pytest.raises(openai.BadRequestError):
        client.batches.list(limit=1000)
    with pytest.raises(openai.AuthenticationError):
        client_of(keeper, "sk-wrong").batches.list()
    reply = request(keeper, "POST", "/v1/files", b"{}", key=KEY)
    assert reply.status == 415
    reply = request(keeper, "PUT", "/v1/files", b"{}", key=KEY)
    assert reply.status == 405
    with pytest.raises(openai.NotFoundError) as refused:
        client.batches.retrieve("batch_nobody")
    assert refused.value.request_id


def test_a_provider_that_has_no_room_is_waited_for(start_gateway, tmp_path):
    """Rate limits cost a job time, not lines."""
    with Simulator(tmp_path, "--slots", "1", "--queue", "0", "--call-base-ms", "20", name="narrow") as narrow:
        gateway = start_gateway([parts.provider("sim", narrow.url)])
        client = client_of(gateway)
        done = over(client, start(client, lines(8)))
        assert (done.request_counts.completed, done.request_counts.failed) == (8, 0)


def test_without_a_data_folder_there_are_no_files(start_gateway):
    gateway = start_gateway(storage={"path": ""})
    with pytest.raises(openai.NotFoundError) as refused:
        client_of(gateway).files.list()
    assert "storage.path" in refused.value.message
    assert client_of(gateway).models.list().data


def test_a_data_folder_is_for_one_node(start_gateway, tmp_path):
    first = start_gateway(storage={"path": "shared"})
    config = parts.configuration([parts.provider("sim", "http://127.0.0.1:9")], [parts.model("chat", ("sim", "x"))],
                                 storage={"path": "shared"})
    path = parts.write_configuration(tmp_path, config, "second.yaml")
    done = run("serve", "--config", str(path), env={"UPSTREAM_KEY": "x"}, cwd=tmp_path)
    assert done.returncode == 1
    (said,) = done.stderr.splitlines()
    assert "another process uses it" in said and "shared" in said
    assert request(first, path="/healthz").status == 200


def test_data_are_for_their_owner_alone(keeper, tmp_path):
    folder = tmp_path / "gateway.data"
    assert folder.stat().st_mode & 0o077 == 0


def restarted(start_gateway, **more):
    """A gateway on the data of the one before."""
    return start_gateway(storage={"path": "kept"}, **more)


def test_stopping_and_starting_again_goes_on(start_gateway, sim):
    first = restarted(start_gateway)
    mark = sim.mark()
    rows = [line(f"s-{n}", f"[[sim:tokens n=2]] [[sim:pace ms_per_token=20]] {n}") for n in range(100)]
    batch = start(client_of(first), rows)
    eventually(lambda: client_of(first).batches.retrieve(batch.id).request_counts.completed > 5)
    assert first.stop() == 0
    calls = len(sim.calls(mark))
    assert 5 < calls < 100
    second = restarted(start_gateway, name="second")
    done = over(client_of(second), batch)
    assert (done.request_counts.completed, done.request_counts.failed) == (100, 0)
    assert len(sim.calls(mark)) == 100, "what ended within the grace was not executed again"


def test_a_thousand_requests_over_three_kills(start_gateway, sim):
    """Nothing is lost and nothing reported or charged twice; what was under way is executed again."""
    mark = sim.mark()
    rows = [line(f"k-{n}", f"[[sim:tokens n=3]] [[sim:pace ms_per_token=8]] question number {n}") for n in range(1000)]
    jobs = {"calls_max": 8}
    gateway = restarted(start_gateway, name="run0", jobs=jobs)
    batch = start(client_of(gateway), rows)
    for kill in range(1, 4):
        goal = 250 * kill - 50
        seen = eventually(lambda: (n := client_of(gateway).batches.retrieve(batch.id).request_counts.completed) > goal
                          and n, seconds=60)
        gateway.process.send_signal(signal.SIGKILL)
        gateway.process.wait()
        gateway = restarted(start_gateway, name=f"run{kill}", jobs=jobs)
        again = client_of(gateway).batches.retrieve(batch.id)
        assert again.status == "in_progress"
        assert again.request_counts.completed >= seen, "what was reported stays reported"
        assert again.request_counts.completed < 1000
    client = client_of(gateway)
    done = over(client, batch)
    assert done.status == "completed"
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (1000, 1000, 0)
    output = of(client.files.content(done.output_file_id).text)
    assert [row["custom_id"] for row in output] == [row["custom_id"] for row in rows]
    # Charged once: the usage of the batch is that of its output, though some lines were executed twice.
    assert done.usage.output_tokens == sum(row["response"]["body"]["usage"]["completion_tokens"] for row in output)
    calls = collections.Counter(call["attempt_id"].rpartition("-")[0] for call in sim.calls(mark)
                                if call["outcome"] == "finished")
    assert set(calls) == {f"{batch.id}-{n}" for n in range(1000)}, "each was executed"
    assert sum(calls.values()) <= 1000 + 3 * jobs["calls_max"], "and hardly any twice"
