"""A real embedding model behind the gateway."""

import json
import pathlib

import numpy
import openai
import pytest

from support import gateway as parts
from support.embedding_model import EmbeddingModel
from support.embedding_server import EmbeddingServer
from support.gateway import KEY, Gateway

FIXTURES = pathlib.Path(__file__).with_name("fixtures")


@pytest.fixture(scope="module")
def model():
    return EmbeddingModel()


@pytest.fixture(scope="module")
def client(model, tmp_path_factory):
    with EmbeddingServer(model) as server:
        providers = [parts.provider("minilm", server.url)]
        models = [parts.model("all-MiniLM-L6-v2", ("minilm", "all-MiniLM-L6-v2"), embeds=True)]
        with Gateway(parts.configuration(providers, models), tmp_path_factory.mktemp("minilm")) as gateway:
            with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0) as made:
                yield made


def test_fixture_is_the_real_model(model):
    """The similarities that the documentation of sentence-transformers prints for this model."""
    texts = ["The weather is lovely today.", "It's so sunny outside!", "He drove to the stadium."]
    vectors = numpy.array([model.encode(text)[0] for text in texts])
    published = [[1.0, 0.6660, 0.1046], [0.6660, 1.0, 0.1411], [0.1046, 0.1411, 1.0]]
    assert vectors @ vectors.T == pytest.approx(numpy.array(published), abs=1e-4)


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_vectors_through_the_gateway_are_the_model_s_own(client, model, encoding):
    lines = (FIXTURES / "banking77_prompts.jsonl").read_text().splitlines()[::25]
    texts = [json.loads(line)["prompt"] for line in lines]
    # The client asks for base64 and decodes it unless told what to ask for.
    asked = {"encoding_format": "float"} if encoding == "float" else {}
    reply = client.embeddings.create(model="all-MiniLM-L6-v2", input=texts, **asked)
    own = [model.encode(text) for text in texts]
    assert [item.index for item in reply.data] == list(range(len(texts)))
    got = numpy.array([item.embedding for item in reply.data])
    assert numpy.abs(got - numpy.array([vector for vector, _ in own])).max() < 1e-6
    assert reply.usage.prompt_tokens == sum(count for _, count in own)
