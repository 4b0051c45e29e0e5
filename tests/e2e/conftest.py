import contextlib

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY, Gateway, Simulator

@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("sluice")


@pytest.fixture(scope="session")
def sim(folder):
    """An upstream that answers at once and logs what it would bill."""
    with Simulator(folder) as running:
        yield running


@pytest.fixture(scope="session")
def gateway(folder, sim):
    """The gateway before `sim`, shared by all tests that change nothing about it."""
    providers = [parts.provider("sim", sim.url)]
    with Gateway(parts.configuration(providers, parts.simulated_models()), folder) as running:
        yield running


@pytest.fixture
def start_gateway(tmp_path, sim):
    """Starts gateways of a test's own, before `sim` unless told otherwise; stops them at its end."""
    with contextlib.ExitStack() as running:
        def start(providers=None, models=None, name="gateway", **more):
            providers = providers or [parts.provider("sim", sim.url)]
            models = models or parts.simulated_models()
            options = {k: more.pop(k) for k in ("env", "files_max") if k in more}
            config = parts.configuration(providers, models, **more)
            return running.enter_context(Gateway(config, tmp_path, name=name, **options))
        yield start


@pytest.fixture(scope="session")
def client(gateway):
    """The official client, which shows every failure: it does not retry."""
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0, timeout=20) as made:
        yield made


def pytest_configure(config):
    from support.process import BINARY
    if not BINARY.exists():
        pytest.exit(f"{BINARY} is not there: run `make build` first", returncode=2)
