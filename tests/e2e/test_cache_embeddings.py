"""Questions compared by meaning with a provider's embeddings in place of the node's own encoder."""

import pytest

from support import gateway as parts
from support.plain_answers import PlainAnswers
from support.process import eventually

from test_cache_levels import chat, client_of, kept, level

CAPITALS = ["What is the capital of France" + end for end in ("", "?", "!", "??", " ?", "?!", " !", "!!", "???", "...")]


def embeddings(**more):
    return {"similar": {"enabled": True,
                        "embeddings": {"model": "embed", "dimensions": 1536, "daily_budget": 1} | more}}


@pytest.fixture
def start(start_gateway, sim):
    """Starts gateways whose questions "sim" embeds and a provider of a test's answers; all share a data folder."""
    def begin(answers, cache, name="gateway", vectors=sim.url):
        return start_gateway(name=name, storage={"path": "shared.data"}, cache={"enabled": True} | cache,
                             providers=[parts.provider("plain", answers.url), parts.provider("vectors", vectors)],
                             models=[parts.model("chat", ("plain", "plain")),
                                     parts.model("embed", ("vectors", "sim-embedding"), embeds=True)])
    return begin


def embedded(gateway):
    return gateway.metric("sluice_requests_total", route="cache embed") or 0


def in_l2(gateway, count):
    eventually(lambda: gateway.metric("sluice_cache_entries", level="L2") == count, what=f"{count} in L2")


def test_texts_that_are_the_same_are_found(start):
    with PlainAnswers(seconds=0.1) as provider:
        gateway = start(provider, embeddings())
        client = client_of(gateway)
        levels = []
        for text in CAPITALS + [text.upper() for text in CAPITALS]:
            levels.append(level(chat(client, text)))
            kept(gateway, levels.count("miss"))
            in_l2(gateway, levels.count("miss"))
        assert levels[0] == "miss" and levels.count("L2") >= 5, levels
        assert level(chat(client, "What is the capital of France?")) in ("L1", "L2")
        assert level(chat(client, "What is not the capital of France?")) == "miss"
        eventually(lambda: embedded(gateway) >= len(levels))
        calls = [x for x in gateway.records() if x["route"] == "cache embed"]
        assert {x["model"] for x in calls} == {"embed"} and {x["tenant"] for x in calls} == {"acme"}
        assert all(x["cost_nanousd"] > 0 for x in calls) and "France" not in str(calls)


def test_a_restart_does_not_embed_again(start):
    with PlainAnswers() as provider:
        first = start(provider, embeddings())
        chat(client_of(first), "What is a weir?")
        in_l2(first, 1)
        first.stop()
        second = start(provider, embeddings(), name="second")
        in_l2(second, 1)
        assert embedded(second) == 0


def test_answers_come_as_ever_where_nothing_can_be_embedded(start):
    with PlainAnswers() as provider:
        gateway = start(provider, embeddings(), vectors="http://127.0.0.1:9")
        client = client_of(gateway)
        for text in CAPITALS[:3]:
            assert level(chat(client, text)) == "miss"
        assert level(chat(client, CAPITALS[0])) == "L1"
        kept(gateway, 3)
        assert gateway.metric("sluice_cache_entries", level="L2") == 0


def test_vectors_of_another_length_are_named_in_the_log(start):
    with PlainAnswers() as provider:
        gateway = start(provider, embeddings(dimensions=512))
        assert level(chat(client_of(gateway), CAPITALS[0])) == "miss"
        eventually(lambda: "a vector has 1536 numbers" in gateway.log_path.read_text())
        assert "cache.similar.embeddings.dimensions says 512" in gateway.log_path.read_text()
        assert "France" not in gateway.log_path.read_text()


def test_nothing_is_embedded_beyond_the_days_budget(start):
    with PlainAnswers() as provider:
        gateway = start(provider, embeddings(daily_budget=0.00001))
        client = client_of(gateway)
        for number in range(10):
            assert level(chat(client, f"What is weir number {number}?")) == "miss"
        kept(gateway, 10)
        eventually(lambda: 0 < embedded(gateway) < 10, what="some calls and not all")
