"""langchain-openai, as its users write it."""

import pydantic
import pytest
from langchain_core.messages import ToolMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

from support.gateway import KEY


@pytest.fixture(scope="module")
def chat(gateway):
    return ChatOpenAI(model="chat", base_url=gateway.api, api_key=KEY, max_retries=0, timeout=20)


class Weather(pydantic.BaseModel):
    """The weather at a place."""
    place: str
    days: int


def test_invoke(chat):
    reply = chat.invoke("Hello from LangChain.")
    assert "[simulated]" in reply.content
    assert reply.usage_metadata["total_tokens"] > 0
    assert reply.response_metadata["finish_reason"] == "stop"


def test_stream(chat):
    chunks = list(chat.stream("Stream to LangChain.", stream_usage=True))
    assert "".join(chunk.content for chunk in chunks) == chat.invoke("Stream to LangChain.").content
    assert sum(chunk.usage_metadata["total_tokens"] for chunk in chunks if chunk.usage_metadata) > 0


def test_batch_keeps_the_order(chat):
    prompts = [f"number {n}" for n in range(20)]
    together = [reply.content for reply in chat.batch(prompts, config={"max_concurrency": 8})]
    assert together == [chat.invoke(prompt).content for prompt in prompts]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_bind_tools(chat, stream):
    bound = chat.bind_tools([Weather], tool_choice="Weather")
    if stream:
        message = None
        for chunk in bound.stream("The weather in Oslo?"):
            message = chunk if message is None else message + chunk
    else:
        message = bound.invoke("The weather in Oslo?")
    call = message.tool_calls[0]
    assert call["name"] == "Weather"
    assert Weather(**call["args"])
    answer = ToolMessage("Rain.", tool_call_id=call["id"])
    assert chat.bind_tools([Weather]).invoke([("user", "The weather in Oslo?"), message, answer]).content


@pytest.mark.parametrize("method", ["json_schema", "function_calling", "json_mode"])
def test_structured_output(chat, method):
    if method == "json_mode":
        reply = chat.with_structured_output(None, method=method).invoke("The weather in Oslo, as JSON.")
        assert isinstance(reply, dict)
    else:
        assert isinstance(chat.with_structured_output(Weather, method=method).invoke("The weather in Oslo?"), Weather)


def test_embeddings(gateway):
    # Its own token counting would load a vocabulary from the network.
    embeddings = OpenAIEmbeddings(model="embed", base_url=gateway.api, api_key=KEY, check_embedding_ctx_length=False)
    vectors = embeddings.embed_documents(["first", "second"])
    assert len(vectors) == 2
    assert embeddings.embed_query("second") == pytest.approx(vectors[1], abs=1e-6)
