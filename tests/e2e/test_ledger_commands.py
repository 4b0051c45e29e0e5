"""`sluice ledger` beside a node that runs, under load, and of one that has stopped."""

import concurrent.futures
import csv
import datetime
import io
import json

import openai

from support.gateway import KEY
from support.process import eventually, run


def ledger(command, folder, *arguments):
    done = run("ledger", command, "--data", str(folder), *map(str, arguments))
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask_some(gateway, count):
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0, timeout=20) as client:
        for i in range(count):
            client.chat.completions.create(model="chat", max_tokens=5, messages=[{"role": "user", "content": f"q {i}"}])


def test_a_running_ledger_is_read_and_copied(start_gateway, tmp_path):
    gateway = start_gateway(name="busy", merging={"enabled": False})
    folder = tmp_path / "busy.data" / "ledger"
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        ask_some(gateway, 5)
        asked = [pool.submit(ask_some, gateway, 60) for _ in range(4)]
        seen = 0
        for i in range(3):
            assert json.loads(ledger("verify", folder, "--json"))["sound"]
            rows = list(csv.DictReader(io.StringIO(ledger("export", folder))))
            assert len(rows) >= max(5, seen), "what a caller was told about stands there"
            seen = len(rows)
            ledger("backup", folder, tmp_path / f"copy-{i}")
        for each in asked:
            each.result()
    eventually(lambda: gateway.metric("sluice_ledger_open_charges") == 0, what="nothing is open")
    spent = json.loads(ledger("show", folder, "--json"))
    day = next(x for x in spent["days"] if not x["closed"])
    assert day["charges"] == 245
    assert int(json.loads(ledger("verify", folder, "--json"))["sum_nanousd"]) == day["spent_nanousd"]

    # A backup of a running node is restored elsewhere.
    restored = tmp_path / "elsewhere"
    ledger("restore", restored, tmp_path / "copy-2")
    found = json.loads(ledger("verify", restored, "--json"))
    assert found["sound"] and found["rows"] >= seen
    refused = run("ledger", "restore", "--data", str(folder), str(tmp_path / "copy-2"))
    assert refused.returncode == 1 and "another process uses it" in refused.stderr


def test_days_are_closed_by_the_node_or_without_it(start_gateway, tmp_path):
    gateway = start_gateway(name="closing")
    folder = tmp_path / "closing.data" / "ledger"
    ask_some(gateway, 3)
    running = run("ledger", "close", "--data", str(folder))
    assert running.returncode == 1 and "a running node closes its days itself" in running.stderr
    assert gateway.stop() == 0
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    assert today not in ledger("close", folder), "it is not over"
    assert json.loads(ledger("verify", folder, "--json"))["sound"]
    none = run("ledger", "close", "--data", str(tmp_path / "nothing"))
    assert none.returncode == 1 and "there is no ledger in" in none.stderr
    assert not (tmp_path / "nothing").exists()
