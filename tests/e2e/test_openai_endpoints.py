"""The official Python client: completions, embeddings, models."""

import base64
import struct

import openai
import pytest


def test_completions(client):
    reply = client.completions.create(model="chat", prompt="Once upon a time")
    assert reply.object == "text_completion"
    assert reply.choices[0].text
    assert reply.usage.total_tokens > 0


def test_completions_of_several_prompts_keep_their_order(client):
    reply = client.completions.create(model="chat", prompt=["first", "second", "third"])
    assert [choice.index for choice in reply.choices] == [0, 1, 2]
    alone = client.completions.create(model="chat", prompt="second")
    assert reply.choices[1].text == alone.choices[0].text


def test_completions_stream(client):
    whole = client.completions.create(model="chat", prompt="Once upon a time").choices[0].text
    chunks = list(client.completions.create(
        model="chat", prompt="Once upon a time", stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].text for chunk in chunks if chunk.choices) == whole
    assert chunks[-1].usage.total_tokens > 0


def test_embeddings_default_of_the_client_is_base64_decoded(client):
    reply = client.embeddings.create(model="embed", input="a text")
    vector = reply.data[0].embedding
    assert len(vector) > 100
    assert all(isinstance(x, float) for x in vector[:3])
    assert abs(sum(x * x for x in vector) - 1) < 1e-3
    assert reply.usage.prompt_tokens > 0


def test_embeddings_float_and_base64_agree(client):
    floats = client.embeddings.create(model="embed", input="the same", encoding_format="float").data[0].embedding
    encoded = client.embeddings.with_raw_response.create(model="embed", input="the same", encoding_format="base64")
    data = base64.b64decode(encoded.http_response.json()["data"][0]["embedding"])
    assert len(data) == 4 * len(floats)
    for a, b in zip(struct.unpack(f"<{len(floats)}f", data), floats):
        assert abs(a - b) < 1e-6


def test_embeddings_of_many_inputs_keep_their_order(client):
    texts = [f"text {n}" for n in range(200)]
    reply = client.embeddings.create(model="embed", input=texts)
    assert [item.index for item in reply.data] == list(range(200))
    alone = client.embeddings.create(model="embed", input="text 137").data[0].embedding
    assert reply.data[137].embedding == pytest.approx(alone, abs=1e-6)


def test_embeddings_of_token_numbers(client):
    """What langchain's OpenAIEmbeddings sends by default."""
    reply = client.embeddings.create(model="embed", input=[[1212, 318, 257], [1332, 13]])
    assert len(reply.data) == 2
    assert reply.usage.prompt_tokens == 5


def test_embeddings_with_fewer_dimensions(client):
    assert len(client.embeddings.create(model="embed", input="short", dimensions=64).data[0].embedding) == 64


def test_models_are_listed(client):
    listed = {model.id: model for model in client.models.list()}
    assert set(listed) == {"chat", "chat-small", "chat-reasoning", "embed"}
    assert listed["chat"].object == "model"
    assert listed["chat"].created > 0
    assert listed["chat"].owned_by


def test_one_model(client):
    assert client.models.retrieve("chat-small").id == "chat-small"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nothing-of-this-name")


def test_a_key_sees_only_its_models(gateway):
    from support.gateway import KEY_LIMITED
    client = openai.OpenAI(base_url=gateway.api, api_key=KEY_LIMITED, max_retries=0)
    assert [model.id for model in client.models.list()] == ["chat-small"]
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("chat")
