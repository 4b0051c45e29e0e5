"""The official Python client: chat completions."""

import base64
import os
import struct
import zlib

import pydantic
import pytest

TOOL = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "The weather at a place",
        "parameters": {
            "type": "object",
            "properties": {"place": {"type": "string"}, "days": {"type": "integer"}},
            "required": ["place", "days"],
        },
    },
}


def ask(text):
    return [{"role": "user", "content": text}]


def test_chat_answers_with_usage_and_says_who_answered(client):
    raw = client.chat.completions.with_raw_response.create(model="chat", messages=ask("What is a sluice?"))
    reply = raw.parse()
    assert reply.object == "chat.completion"
    assert reply.choices[0].message.role == "assistant"
    assert "[simulated]" in reply.choices[0].message.content
    assert reply.choices[0].finish_reason == "stop"
    assert reply.usage.total_tokens == reply.usage.prompt_tokens + reply.usage.completion_tokens
    assert reply.usage.completion_tokens > 0
    assert raw.headers["x-sluice-model"] == "sim-medium"
    assert raw.headers["x-sluice-provider"] == "sim"
    assert raw.headers["x-request-id"] == raw.headers["x-sluice-request-id"]
    assert float(raw.headers["x-sluice-overhead-ms"]) < 1000
    assert float(raw.headers["x-sluice-cost-usd"]) > 0


def test_same_prompt_gets_same_answer(client):
    replies = {client.chat.completions.create(model="chat", messages=ask("Say it again.")).choices[0].message.content
               for _ in range(3)}
    assert len(replies) == 1


def test_stream_without_usage_asked_shows_none(client):
    chunks = list(client.chat.completions.create(model="chat", messages=ask("Stream this."), stream=True))
    assert all(chunk.usage is None for chunk in chunks)
    assert all(chunk.choices for chunk in chunks), "the usage event that the gateway asked for must not show"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.id for chunk in chunks}) == 1


def test_stream_equals_whole_answer(client):
    whole = client.chat.completions.create(model="chat", messages=ask("Both ways."))
    chunks = list(client.chat.completions.create(
        model="chat", messages=ask("Both ways."), stream=True, stream_options={"include_usage": True}))
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
    assert text == whole.choices[0].message.content
    last = chunks[-1]
    assert last.choices == []
    assert last.usage == whole.usage
    assert all(chunk.usage is None for chunk in chunks[:-1])


def test_reasoning_and_cached_tokens_are_in_usage(client):
    usage = client.chat.completions.create(
        model="chat-reasoning", messages=ask("[[sim:reasoning n=40]] [[sim:tokens n=20]] Think " + "well " * 50)).usage
    assert usage.completion_tokens_details.reasoning_tokens == 40
    assert usage.completion_tokens == 60


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_tool_is_called_with_arguments_of_its_schema(client, stream):
    request = dict(model="chat", messages=ask("What is the weather in Oslo?"), tools=[TOOL], tool_choice="required")
    if stream:
        with client.chat.completions.stream(**request) as events:
            message = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(**request).choices[0].message
    call = message.tool_calls[0]
    assert call.function.name == "weather"
    arguments = pydantic.TypeAdapter(dict).validate_json(call.function.arguments)
    assert isinstance(arguments["place"], str) and isinstance(arguments["days"], int)
    # The conversation goes on with the tool's result.
    followed = client.chat.completions.create(model="chat", tools=[TOOL], messages=[
        *ask("What is the weather in Oslo?"), message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": call.id, "content": "Rain."}])
    assert followed.choices[0].message.content


class Answer(pydantic.BaseModel):
    city: str
    inhabitants: int
    rivers: list[str]


def test_json_schema_answer_parses(client):
    parsed = client.chat.completions.parse(
        model="chat", messages=ask("The capital of Norway?"), response_format=Answer).choices[0].message.parsed
    assert isinstance(parsed, Answer)


def test_json_schema_answer_parses_from_a_stream(client):
    with client.chat.completions.stream(
            model="chat", messages=ask("The capital of Norway?"), response_format=Answer) as events:
        parsed = events.get_final_completion().choices[0].message.parsed
    assert isinstance(parsed, Answer)


def png(width, height):
    """A picture of noise, which no compression makes smaller: bodies get as large as photographs make them."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_image_of_some_megabytes_travels_in_the_body(client, stream):
    image = base64.b64encode(png(1200, 1000)).decode()
    assert len(image) > 4_000_000
    content = [{"type": "text", "text": "What is in this picture?"},
               {"type": "image_url", "image_url": {"url": "data:image/png;base64," + image, "detail": "low"}}]
    request = dict(model="chat", messages=[{"role": "user", "content": content}])
    if stream:
        chunks = list(client.chat.completions.create(**request, stream=True))
        assert chunks[-1].choices[0].finish_reason == "stop"
    else:
        reply = client.chat.completions.create(**request)
        assert reply.choices[0].finish_reason == "stop"
        # The picture is no text: it must not be billed by the letter.
        assert reply.usage.prompt_tokens < 10_000


def test_max_tokens_ends_the_answer(client):
    reply = client.chat.completions.create(model="chat", messages=ask("A long story."), max_completion_tokens=5)
    assert reply.usage.completion_tokens == 5
    assert reply.choices[0].finish_reason == "length"


def test_several_choices(client):
    reply = client.chat.completions.create(model="chat", messages=ask("Two of them."), n=2)
    assert [choice.index for choice in reply.choices] == [0, 1]


def test_unicode_survives_both_ways(client):
    prompt = "Grüße, 你好, emoji 🌊, null \\u0000, quotes \" and a lone \\ü"
    reply = client.chat.completions.create(model="chat", messages=ask(prompt))
    chunks = client.chat.completions.create(model="chat", messages=ask(prompt), stream=True)
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == reply.choices[0].message.content
