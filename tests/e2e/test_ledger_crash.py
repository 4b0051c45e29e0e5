"""A node that is killed again and again under load: no acknowledged charge is lost or doubled, nothing stays reserved,
and what is recorded is what was billed, or more by just the rows that are marked as assumed. Some kills in the gate;
SLUICE_LEDGER_KILLS says how many."""

import asyncio
import collections
import json
import os
import random
import signal

from support.gateway import KEY
from support.process import run
from support.raw_http import compose

from test_ledger_bill import cost

KILLS = int(os.environ.get("SLUICE_LEDGER_KILLS", 8))
CLIENTS = 16


async def ask_on(gateway, client, round_, acknowledged):
    """Asks on one connection until the node is gone."""
    try:
        reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
        for i in range(10_000):
            body = {"model": "chat", "max_tokens": 20, "stream": i % 3 == 0,
                    "messages": [{"role": "user", "content": f"{round_} {client} {i} [[sim:tokens n={i % 7 + 1}]]"}]}
            writer.write(compose("POST", "/v1/chat/completions", body, key=KEY))
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            if "content-length" in fields:
                await reader.readexactly(int(fields["content-length"]))
            else:
                await reader.readuntil(b"\r\n0\r\n\r\n")
            assert " 200 " in head, head
            acknowledged.append(fields["x-request-id"])
    except (ConnectionError, asyncio.IncompleteReadError):
        pass


async def load_until_killed(gateway, round_, seconds, acknowledged):
    async def kill():
        await asyncio.sleep(seconds)
        gateway.signal(signal.SIGKILL)
    await asyncio.wait_for(asyncio.gather(kill(), *(ask_on(gateway, i, round_, acknowledged) for i in range(CLIENTS))), 60)


def test_no_kill_loses_or_doubles_a_charge(start_gateway, sim, tmp_path):
    dice = random.Random(1)
    since = sim.mark()
    acknowledged = []
    for round_ in range(KILLS):
        gateway = start_gateway(optimizer={"daily_budget": 1_000_000}, name="killed")
        asyncio.run(load_until_killed(gateway, round_, dice.uniform(0.05, 0.6), acknowledged))
        gateway.wait()
    last = start_gateway(optimizer={"daily_budget": 1_000_000}, name="killed")
    assert last.stop() == 0

    folder = str(tmp_path / "killed.data" / "ledger")
    verified = run("ledger", "verify", "--data", folder, seconds=60)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    shown = json.loads(run("ledger", "show", "--json", "--data", folder, seconds=60).stdout)
    assert all(x["open_nanousd"] == 0 for x in shown["accounts"])
    rows = {}
    for line in run("ledger", "export", "--format", "json", "--data", folder, seconds=60).stdout.splitlines():
        row = json.loads(line)
        key = f"{row['request_id']}-{row['attempt']}"
        assert key not in rows, "a charge stands there twice"
        rows[key] = (int(row["cost_nanousd"]), "assumed" in row["flags"].split())
    assert len(acknowledged) > KILLS and len(set(acknowledged)) == len(acknowledged)
    lost = [x for x in acknowledged if rows.get(f"{x}-1", (0, True))[1]]
    assert not lost, "what the caller had stands there as it was billed"
    bill = collections.Counter()
    for call in sim.calls(since):
        bill[call["attempt_id"]] += cost(call)
    assert not [x for x in bill if x not in rows], "what was sent was reserved"
    excess = sum(charged - bill[key] for key, (charged, assumed) in rows.items() if assumed)
    assert all(charged >= bill[key] for key, (charged, assumed) in rows.items() if assumed)
    assert sum(charged for charged, _ in rows.values()) == sum(bill.values()) + excess
    print(f"{KILLS} kills, {len(acknowledged)} acknowledged, {len(rows)} rows, "
          f"{sum(x for _, x in rows.values())} assumed, {excess} beyond the bill")
