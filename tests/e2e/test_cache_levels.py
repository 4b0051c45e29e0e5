"""Answers outlive the process; questions in other words get them where the judge agrees, and nobody else's."""

import json
import pathlib
import signal

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, Simulator, sha256
from support.plain_answers import PlainAnswers
from support.process import eventually, run

OTHER_KEY = KEY + "-other-tenant"
MODEL = pathlib.Path(__file__).resolve().parents[2] / "build/models/all-minilm-l6-v2"
KEYS = [{"id": "one", "sha256": sha256(KEY), "tenant": "acme"},
        {"id": "two", "sha256": sha256(OTHER_KEY), "tenant": "other"}]


def client_of(gateway, key=KEY):
    return openai.OpenAI(base_url=gateway.api, api_key=key, max_retries=0, timeout=20)


def chat(client, text, headers=None, messages=None, **more):
    return client.chat.completions.with_raw_response.create(
        model="chat", messages=messages or [{"role": "user", "content": text}], extra_headers=headers, **more)


def level(answer):
    return answer.headers.get("x-sluice-cache-level", answer.headers.get("x-sluice-cache"))


@pytest.fixture
def start(start_gateway):
    """Starts gateways that share one data folder; each ends before the next begins."""
    def begin(name="gateway", cache=None, **more):
        return start_gateway(keys=KEYS, name=name, storage={"path": "shared.data"},
                             cache={"enabled": True} | (cache or {}), **more)
    return begin


def kept(gateway, count):
    eventually(lambda: gateway.metric("sluice_cache_entries", level="L3") == count)


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_outlives_a_kill(start, stream):
    first = start()

    def ask(gateway):
        with client_of(gateway).chat.completions.with_streaming_response.create(
                model="chat", messages=[{"role": "user", "content": "What is a lock?"}], stream=stream) as answer:
            return answer.headers, answer.text()

    headers, text = ask(first)
    assert headers["x-sluice-cache"] == "miss"
    kept(first, 1)
    first.signal(signal.SIGKILL)
    first.wait()
    # With room for one answer in memory, the hottest of which is put there at the start.
    second = start(name="second", env={"CACHE_SIZE": "1"})
    kept(second, 1)  # told when the keeper has begun
    again, answer = ask(second)
    assert again["x-sluice-cache"] == "hit" and again["x-sluice-cache-level"] in ("L1", "L3")
    assert answer == text
    assert again["x-sluice-cache-key"] == headers["x-sluice-cache-key"]


def test_the_disk_answers_what_memory_has_no_room_for(start, sim):
    gateway = start(env={"CACHE_SIZE": "1"})
    client = client_of(gateway)
    for i in range(20):
        chat(client, f"question {i}")
    kept(gateway, 20)
    mark = sim.mark()
    found = [level(chat(client, f"question {i}")) for i in range(20)]
    assert set(found) <= {"L1", "L3"} and found.count("L3") >= 18
    assert level(chat(client_of(gateway, OTHER_KEY), "question 3")) == "miss"
    assert len(sim.await_calls(mark, 1)) == 1
    assert gateway.metric("sluice_cache_lookups_total", level="L3") == found.count("L3")


def test_an_old_answer_is_better_than_none(start, tmp_path):
    with Simulator(tmp_path, name="own_sim") as own:
        gateway = start(providers=[parts.provider("sim", own.url)])
        client = client_of(gateway)
        first = chat(client, "What is a weir?", {"x-sluice-cache-ttl": "1"})
        kept(gateway, 1)
    # The provider is gone, and a second later the answer is out of date.
    eventually(lambda: level_or_refusal(client, "What is a weir?") == "L3 stale", what="a stale answer")
    stale = chat(client, "What is a weir?")
    assert stale.headers["x-sluice-cache"] == "stale"
    assert int(stale.headers["x-sluice-cache-ttl"]) <= 0
    assert stale.text == first.text
    with pytest.raises(openai.APIStatusError):
        chat(client, "What is a canal?")
    record = gateway.record(stale.headers["x-request-id"])
    assert record["cache"] == "stale" and record["status"] == 200


def level_or_refusal(client, text):
    try:
        answer = chat(client, text)
    except openai.APIStatusError as refused:
        return str(refused.status_code)
    return f'{level(answer)} {answer.headers["x-sluice-cache"]}'


@pytest.fixture
def by_meaning(start):
    """A gateway whose provider answers questions that differ in case, blanks and marks alike, 100 ms later."""
    if not (MODEL / "model.safetensors").exists():
        pytest.skip("the embedding model is not installed")
    with PlainAnswers(seconds=0.1) as provider:
        yield start(providers=[parts.provider("sim", provider.url)],
                    cache={"similar": {"enabled": True, "model": str(MODEL)}})


def test_trivial_changes_are_the_same_question(by_meaning):
    client = client_of(by_meaning)
    assert level(chat(client, "What is the capital of France?")) == "miss"
    kept(by_meaning, 1)
    # Of would-be hits some are verified, one in ten or more: of so many one is, but for one run in 10,000.
    ends = [first + second for first in ("", " ", "?", "!", ".") for second in ("", "?", "!", "...", "?!")][1:]
    variants = [words + end for end in ends for words in (
        "what is the capital of france", "What is the capital of france", "WHAT IS THE CAPITAL OF FRANCE",
        "What  is the capital of France")]
    answers = [chat(client, text) for text in variants]
    hits = [answer for answer in answers if level(answer) == "L2"]
    assert len(hits) >= 3, [level(answer) for answer in answers]
    space = hits[0].headers["x-sluice-cache-namespace"]
    eventually(lambda: by_meaning.metric("sluice_cache_namespace_verified", namespace=space) >= 1)
    assert by_meaning.metric("sluice_cache_namespace_wrong", namespace=space) == 0
    assert by_meaning.metric("sluice_cache_lookups_total", level="L2") == len(hits)
    assert float(hits[0].headers["x-sluice-cache-probability"]) > 0.99
    assert float(hits[0].headers["x-sluice-cache-similarity"]) > 0.9


def test_an_answer_of_a_deployment_that_is_gone_is_no_answer(start):
    """Neither the same question nor one that means the same, whose call is under way by then, is harmed by it."""
    similar = {"similar": {"enabled": True, "model": str(MODEL)}}
    with PlainAnswers(seconds=0.3) as provider:
        first = start(providers=[parts.provider("before", provider.url)], models=parts.simulated_models("before"),
                      cache=similar)
        chat(client_of(first), "What is a weir?")
        chat(client_of(first), "What is a lock?")
        kept(first, 2)
        first.stop()
        second = start(name="second", providers=[parts.provider("after", provider.url)],
                       models=parts.simulated_models("after"), cache=similar)
        eventually(lambda: second.metric("sluice_cache_entries", level="L2") == 2)
        client = client_of(second)
        for text in ("What is a weir?", "what is a lock"):
            answer = chat(client, text)
            assert answer.headers["x-sluice-cache"] == "miss", text
            assert answer.headers["x-sluice-provider"] == "after"
            assert answer.headers["x-sluice-attempts"] == "1"
        assert chat(client, "What is a weir?").headers["x-sluice-cache"] == "hit"


def test_what_a_namespace_has_shown_outlives_a_restart(start):
    """With or without the model: texts that differ in case and marks alone are found either way."""
    similar = {"similar": {"enabled": True, "model": str(MODEL)}}
    with PlainAnswers() as provider:
        providers = [parts.provider("sim", provider.url)]
        first = start(providers=providers, cache=similar)
        client = client_of(first)
        chat(client, "What is the capital of France?")
        kept(first, 1)
        for end in ("", "!", "??", " ?", "?!", " !", "!!", "???", "..."):
            found = chat(client, "what is the capital of France" + end)
        space = found.headers["x-sluice-cache-namespace"]

        def seen(gateway):
            quality = json.loads(run("cache", "quality", "--url", gateway.url, "--json").stdout)
            found = [x for x in quality["namespaces"] if x["namespace"] == space]
            return found[0]["served"] + found[0]["verified"] if found else 0

        eventually(lambda: seen(first) >= 1, what="evidence")
        before = seen(first)
        first.stop()
        second = start(name="second", providers=providers, cache=similar)
        eventually(lambda: seen(second) >= before, what="the evidence of the first")
        assert second.metric("sluice_cache_namespace_wrong", namespace=space) == 0


CAPITALS = ["What is the capital of France" + end for end in ("", "!", "??", " ?", "?!", " !", "!!", "???", "...")]


def sampled_by(start, provider, budget):
    """Nothing may be wrong, so all is compared with what the provider says; where texts differ, by the model."""
    gateway = start(providers=[parts.provider("sim", provider.url)],
                    models=[parts.model("chat", ("sim", "plain")), parts.model("judge", ("sim", "judge"))],
                    cache={"similar": {"enabled": True, "model": str(MODEL), "error_rate_max": 0, "checker": "judge",
                                       "checker_budget": budget}})
    client = client_of(gateway)
    chat(client, "What is the capital of France?")
    kept(gateway, 1)
    for i, text in enumerate(CAPITALS):
        assert level(chat(client, text)) == "miss"
        kept(gateway, i + 2)
    return gateway


def checks(gateway, outcome):
    return gateway.metric("sluice_cache_checks_total", outcome=outcome) or 0


@pytest.mark.parametrize("verdict, wrong", [("SAME", 0), ("Different.", len(CAPITALS)), ("I cannot tell.", None)])
def test_a_model_compares_answers(start, verdict, wrong):
    with PlainAnswers(verdict=verdict) as provider:
        gateway = sampled_by(start, provider, 1.5)
        outcome = {0: "same", None: "unknown"}.get(wrong, "different")
        eventually(lambda: checks(gateway, outcome) == len(CAPITALS), what="checks")
        assert len(provider.judged) == len(CAPITALS)
        for asked in provider.judged:
            assert asked["temperature"] == 0 and "capital of France" in asked["messages"][1]["content"]
        eventually(lambda: gateway.metric("sluice_requests_total", route="cache check") == len(CAPITALS))
        quality = json.loads(run("cache", "quality", "--url", gateway.url, "--json").stdout)["namespaces"]
        assert sum(x["verified"] for x in quality) == (0 if wrong is None else len(CAPITALS))
        assert sum(x["wrong"] for x in quality) == (wrong or 0)
        paid = [x for x in gateway.records() if x["route"] == "cache check"]
        assert {x["tenant"] for x in paid} == {"acme"} and {x["model"] for x in paid} == {"judge"}
        assert "France" not in json.dumps(paid)


def test_checks_keep_to_their_budget(start):
    with PlainAnswers(verdict="SAME") as provider:
        gateway = sampled_by(start, provider, 0.0002)
        eventually(lambda: checks(gateway, "same") + checks(gateway, "declined") == len(CAPITALS), what="outcomes")
        assert checks(gateway, "same") == len(provider.judged) >= 1
        assert checks(gateway, "declined") >= 1


@pytest.mark.parametrize("asked, kept_question", [
    ("Which of these drugs is not safe in pregnancy?", "Which of these drugs is safe in pregnancy?"),
    ("What is 15 % of 80?", "What is 25 % of 80?"),
    ("Who won the 2014 World Cup?", "Who won the 2018 World Cup?"),
    ("How do I convert miles to kilometres?", "How do I convert kilometres to miles?"),
    ("What is the population of Austria?", "What is the population of Australia?"),
])
def test_near_misses_are_asked_again(by_meaning, asked, kept_question):
    client = client_of(by_meaning)
    chat(client, kept_question)
    kept(by_meaning, 1)
    for _ in range(3):
        assert level(chat(client, asked, {"Cache-Control": "no-store"})) == "miss"


def test_no_answer_crosses_to_another_namespace(by_meaning):
    text = "What is our parental leave policy?"
    system = [{"role": "system", "content": "You answer for Acme."}, {"role": "user", "content": text}]
    chat(client_of(by_meaning), text)
    kept(by_meaning, 1)
    variant = text.lower()
    for other in (lambda: chat(client_of(by_meaning, OTHER_KEY), variant),
                  lambda: chat(client_of(by_meaning), "", messages=system),
                  lambda: chat(client_of(by_meaning), variant, max_tokens=5),
                  lambda: chat(client_of(by_meaning), variant, response_format={"type": "json_object"}),
                  lambda: chat(client_of(by_meaning), "", messages=[
                      {"role": "user", "content": "Hello"}, {"role": "assistant", "content": "Hi"},
                      {"role": "user", "content": variant}])):
        assert level(other()) == "miss"


def test_the_commands_tell_and_carry(start, tmp_path):
    first = start()
    client = client_of(first)
    for i in range(5):
        chat(client, f"question {i}")
    chat(client_of(first, OTHER_KEY), "question 0")
    kept(first, 6)
    told = json.loads(run("cache", "stats", "--url", first.url, "--json").stdout)
    assert told["entries"]["L3"] == 6 and told["lookups"]["none"] == 6
    assert "L3: 6 entries" in run("cache", "quality", "--url", first.url).stdout

    folder = str(tmp_path / "shared.data" / "cache")
    lines = tmp_path / "answers.jsonl"
    busy = run("cache", "export", str(lines), "--folder", folder)
    assert busy.returncode == 1 and folder in busy.stderr, "a running node has it"
    first.stop()
    assert json.loads(run("cache", "export", str(lines), "--folder", folder, "--json").stdout)["exported"] == 6
    assert {json.loads(line)["tenant"] for line in lines.read_text().splitlines()} == {"acme", "other"}
    refused = run("cache", "purge", "--folder", folder)
    assert refused.returncode == 2 and "--tenant" in refused.stderr
    assert run("cache", "purge", "--tenant", "acme", "--folder", folder).stdout.startswith("5 answers purged")
    assert run("cache", "import", str(lines), "--folder", folder).stdout.startswith("6 answers imported")
    lines.write_text("{}\n")
    wrong = run("cache", "import", str(lines), "--folder", folder)
    assert wrong.returncode == 1 and "answers.jsonl" in wrong.stderr and "line 1" in wrong.stderr
    nowhere = run("cache", "export", str(lines), "--folder", str(tmp_path / "nowhere"))
    assert nowhere.returncode == 1 and "nowhere" in nowhere.stderr

    second = start(name="second")
    kept(second, 6)
    assert level(chat(client_of(second), "question 3")) in ("L1", "L3")
