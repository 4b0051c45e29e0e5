"""Providers over TLS: the authority and the host name are checked, and nothing is said to the wrong one."""

import ssl
import subprocess

import openai
import pytest

from support import gateway as parts
from support.embedding_server import EmbeddingServer
from support.gateway import KEY


class OneVector:
    def encode_all(self, texts):
        return [([0.6, 0.8], 1) for _ in texts]


def make_certificate(folder, name):
    """A certificate that is its own authority, for the host called `name`."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}",
                    "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return certificate, context


@pytest.mark.parametrize("name, trusted, works", [
    ("localhost", True, True),
    ("localhost", False, False),
    ("somewhere-else.test", True, False),
], ids=["right name and authority", "unknown authority", "certificate of another host"])
def test_who_the_provider_is(start_gateway, tmp_path, name, trusted, works):
    certificate, context = make_certificate(tmp_path, name)
    with EmbeddingServer(OneVector(), context) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        provider = parts.provider("secure", url, **({"ca_file": str(certificate)} if trusted else {}))
        gateway = start_gateway(providers=[provider], models=[parts.model("embed", ("secure", "x"), embeds=True)])
        client = openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0)
        if works:
            for _ in range(3):
                vector = client.embeddings.create(model="embed", input="x").data[0].embedding
                assert vector == pytest.approx([0.6, 0.8])
        else:
            with pytest.raises(openai.InternalServerError) as caught:
                client.embeddings.create(model="embed", input="x")
            assert caught.value.code == "upstream_unreachable"
            assert server.requests == []
