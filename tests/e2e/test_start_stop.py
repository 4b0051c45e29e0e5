"""Starting and stopping."""

import signal
import socket
import threading

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY
from support.process import Sluice, eventually, run
from support.raw_http import Connection, chat, compose, request

CHAT = "/v1/chat/completions"
STREAM = chat("[[sim:tokens n=300]] [[sim:pace ms_per_token=2]] about 600 ms", stream=True)


def test_ready_within_200_ms(start_gateway):
    # The best of some starts: the machine is busy with the tests themselves.
    assert min(start_gateway(name=f"gateway{n}").ready_seconds for n in range(5)) < 0.2


def test_without_configuration_it_serves_simulated_models_and_says_so(tmp_path):
    """`sluice serve` as it comes, but for the port."""
    with Sluice("serve", "--listen", "127.0.0.1:0", folder=tmp_path) as gateway:
        said = gateway.stdout_text + gateway.stderr_text
        assert "curl" in said, "a request to try"
        assert "simulated" in said.lower()
        assert "key" in said.lower(), "open access is said loudly"
        client = openai.OpenAI(base_url=gateway.url + "/v1", api_key="anything", max_retries=0)
        names = {model.id for model in client.models.list()}
        assert {"sim-simple", "sim-medium", "sim-complex", "sim-very-complex"} <= names
        raw = client.chat.completions.with_raw_response.create(
            model="sim-simple", messages=[{"role": "user", "content": "Hello"}])
        assert raw.headers["x-sluice-simulated"] == "true"
        assert "[simulated]" in raw.parse().choices[0].message.content


def test_provider_key_in_the_environment_is_enough(tmp_path):
    with Sluice("serve", "--listen", "127.0.0.1:0", folder=tmp_path,
                env={"OPENAI_API_KEY": f"sk-{parts.CANARY}"}) as gateway:
        names = {model["id"] for model in request(gateway, path="/v1/models").json()["data"]}
        assert any(name.startswith("gpt-") for name in names)
        assert "sim-simple" in names
        assert parts.CANARY not in gateway.stdout_text + gateway.stderr_text


def test_terminating_lets_streams_finish_and_takes_nothing_new(start_gateway):
    gateway = start_gateway(shutdown_grace="10s")
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, STREAM, key=KEY))
        assert connection.read_head()[0] == 200
        gateway.signal(signal.SIGTERM)

        def refuses():
            try:
                request(gateway)
                return False
            except (OSError, EOFError):
                return True
        eventually(refuses, what="new connections to be refused")
        events = b"".join(connection.read_chunks())
        assert events.endswith(b"data: [DONE]\n\n")
        assert events.count(b"data: ") > 300
    assert gateway.wait() == 0


def test_interrupt_is_the_same(start_gateway):
    gateway = start_gateway()
    gateway.signal(signal.SIGINT)
    assert gateway.wait() == 0


def test_idle_connections_do_not_hold_up_the_end(start_gateway):
    gateway = start_gateway(shutdown_grace="60s")
    with Connection(gateway) as used, Connection(gateway):
        used.send(compose())
        assert used.read_reply().status == 200
        gateway.signal()
        assert gateway.wait(5) == 0


def test_grace_ends(start_gateway):
    """What has not finished by then is cut; the exit is still a clean one."""
    gateway = start_gateway(shutdown_grace="300ms")
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, chat("[[sim:endless]] at the end", stream=True), key=KEY))
        connection.read_head()
        reader = threading.Thread(target=lambda: connection.reader.read(), daemon=True)
        reader.start()
        gateway.signal()
        assert gateway.wait(5) == 0
        reader.join(5)


def test_second_signal_ends_at_once(start_gateway):
    gateway = start_gateway(shutdown_grace="60s")
    with Connection(gateway) as connection:
        connection.send(compose("POST", CHAT, chat("[[sim:hang]] at the end"), key=KEY))
        eventually(lambda: gateway.metric("sluice_requests_in_flight") >= 1)
        gateway.signal()
        # The first signal has been taken once nobody can connect.
        eventually(lambda: not connects(gateway))
        gateway.signal()
        assert gateway.wait(5) != 0


def connects(server):
    try:
        socket.create_connection((server.host, server.port), 1).close()
        return True
    except OSError:
        return False


def one_line(done):
    """The single line that says why it did not start."""
    assert done.returncode not in (0, -signal.SIGABRT, -signal.SIGSEGV)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    assert len(lines) == 1, done.stderr
    return lines[0]


def serve(tmp_path, env=None, **more):
    providers = [parts.provider("sim", "http://127.0.0.1:9")]
    config = parts.configuration(providers, [parts.model("chat", ("sim", "x"))], **more)
    path = parts.write_configuration(tmp_path, config)
    return run("serve", "--config", str(path), env={"UPSTREAM_KEY": "x"} | (env or {}), cwd=tmp_path)


def test_port_in_use(tmp_path, gateway):
    line = one_line(serve(tmp_path, listen={"address": "127.0.0.1", "port": gateway.port}))
    assert f"127.0.0.1:{gateway.port}" in line
    assert "in use" in line


def test_no_such_configuration(tmp_path):
    line = one_line(run("serve", "--config", str(tmp_path / "nothing.yaml")))
    assert "nothing.yaml" in line


def test_configuration_that_is_a_folder(tmp_path):
    assert str(tmp_path) in one_line(run("serve", "--config", str(tmp_path)))


def test_log_that_cannot_be_written(tmp_path):
    line = one_line(serve(tmp_path, log={"file": str(tmp_path / "no/such/folder.log")}))
    assert "folder.log" in line


def test_unset_variable(tmp_path):
    providers = [parts.provider("sim", "http://127.0.0.1:9") | {"api_key": "${NOBODY_SET_THIS}"}]
    path = parts.write_configuration(tmp_path, parts.configuration(providers, [parts.model("chat", ("sim", "x"))]))
    done = run("serve", "--config", str(path))
    assert done.returncode != 0
    assert "NOBODY_SET_THIS" in done.stderr


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_off_loopback_without_keys_is_refused(tmp_path, address):
    done = serve(tmp_path, listen={"address": address, "port": 0}, keys=[])
    assert done.returncode != 0
    assert "key" in done.stderr


def test_unknown_command_and_option():
    for arguments in (["dance"], ["serve", "--dance"], ["serve", "--listen", "nonsense"]):
        done = run(*arguments)
        assert done.returncode not in (0, -signal.SIGABRT, -signal.SIGSEGV)
        assert done.stderr.strip()


def test_help_and_version():
    for arguments in (["--help"], ["serve", "--help"], ["sim", "--help"], ["check", "--help"], ["--version"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert done.stdout.strip()
