"""The ledger beside the bill: what the simulated provider would charge for, call by call, and what stands in the rows.
Mixed requests (streams, retries, fallbacks, embeddings in batches, packed questions, lines of a batch, equal requests,
clients that leave, cached tokens, every fault), some hundred in the gate; SLUICE_BILL_REQUESTS says how many."""

import asyncio
import collections
import json
import os
import random
import re

import openai
import pytest

from support import gateway as parts
from support.gateway import KEY
from support.process import eventually, run
from support.raw_http import compose

REQUESTS = int(os.environ.get("SLUICE_BILL_REQUESTS", 600))
FAULTS = ["400", "429", "500", "503", "cut", "malformed", "error_event", "error_first", "reset", "no_usage", "cached n=7",
          "reasoning n=9"]
# What a line of a batch does not wait a day for.
LINE_FAULTS = ["400", "malformed", "no_usage", "cached n=7", "reasoning n=9"]
# Nano-dollars a token, as `parts.model` says in dollars a million.
CHAT_PRICES = {"input_tokens": 400, "cached_tokens": 100, "output_tokens": 1600, "reasoning_tokens": 1600}
EMBED_PRICES = {"input_tokens": 400}
# An attempt that nobody shares: of a request, or of a line of a batch.
OWN_ATTEMPT = re.compile(r"(req_\w+|batch_\w+-\d+)-\d+")
RULES = "You answer questions about the wares of a hardware store. " + " ".join(
    f"Rule {i}: wares of shelf {i} are sold by weight, returned within {i} days and never lent." for i in range(60))
MODELS = [*parts.simulated_models(), parts.model("chain", ("sim", "sim-medium"), ("sim", "sim-simple")),
          parts.model("packed", ("sim", "sim-complex")) | {"packing": "allow"}]


def request_of(dice, i):
    """A request, and after how many bytes its client leaves; never where that is None."""
    leaves = dice.choice([0, 1, 300, 900]) if dice.random() < 0.1 else None
    if dice.random() < 0.2:
        return compose("POST", "/v1/embeddings", {"model": "embed", "input": f"text {i}"}, key=KEY), leaves
    if dice.random() < 0.15:
        body = {"model": "packed", "messages": [{"role": "system", "content": RULES},
                                                {"role": "user", "content": f"What does ware {i} cost?"}]}
        return compose("POST", "/v1/chat/completions", body, key=KEY), leaves
    text = f"question {i // 3 if dice.random() < 0.3 else i} [[sim:tokens n={dice.randint(1, 30)}]]"
    if dice.random() < 0.3:
        text += f" [[sim:{dice.choice(FAULTS)}]]"
    body = {"model": dice.choice(["chat", "chain"]), "max_tokens": 50, "temperature": 0, "stream": dice.random() < 0.5,
            "messages": [{"role": "user", "content": text}]}
    return compose("POST", "/v1/chat/completions", body, key=KEY), leaves


async def send(gateway, request, leaves):
    reader, writer = await asyncio.open_connection(gateway.host, gateway.port)
    try:
        writer.write(request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1))
        await writer.drain()
        seen = 0
        while leaves is None or seen < leaves:
            data = await reader.read(65536 if leaves is None else leaves - seen)
            if not data:
                break
            seen += len(data)
    except ConnectionError:
        pass
    finally:
        writer.close()


def line_of(dice, i):
    """A line of a batch."""
    text = f"line {i} [[sim:tokens n={dice.randint(1, 30)}]]"
    if dice.random() < 0.3:
        text += f" [[sim:{dice.choice(LINE_FAULTS)}]]"
    body = {"model": dice.choice(["chat", "chain"]), "max_tokens": 50, "messages": [{"role": "user", "content": text}]}
    return json.dumps({"custom_id": f"l{i}", "method": "POST", "url": "/v1/chat/completions", "body": body})


def begin_batch(client, seed):
    dice = random.Random(seed)
    content = "\n".join(line_of(dice, i) for i in range(REQUESTS // 6)).encode()
    file = client.files.create(file=("in.jsonl", content), purpose="batch")
    return client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h").id


async def send_all(gateway, seed):
    dice = random.Random(seed)
    room = asyncio.Semaphore(64)

    async def one(i):
        request, leaves = request_of(dice, i)
        async with room:
            await asyncio.wait_for(send(gateway, request, leaves), 60)
    await asyncio.gather(*(one(i) for i in range(REQUESTS)))


def cost(call):
    prices = EMBED_PRICES if call["endpoint"] == "embeddings" else CHAT_PRICES
    return sum(call[bucket] * price for bucket, price in prices.items()) if call["bill_nanousd"] else 0


@pytest.mark.parametrize("seed", [1])
def test_rows_and_bill_agree(start_gateway, sim, tmp_path, seed):
    since = sim.mark()
    gateway = start_gateway(optimizer={"daily_budget": 1_000_000}, name="billed", models=MODELS)
    with openai.OpenAI(base_url=gateway.api, api_key=KEY, max_retries=0, timeout=20) as client:
        batch = begin_batch(client, seed)
        asyncio.run(send_all(gateway, seed))
        eventually(lambda: client.batches.retrieve(batch).status == "completed", 60 + REQUESTS / 100, "the batch is over")
    eventually(lambda: gateway.metric("sluice_requests_in_flight") == 0, 30, "all is over")
    eventually(lambda: gateway.metric("sluice_ledger_open_charges") == 0, 30, "nothing is open")
    assert gateway.metric("sluice_ledger_violations") == 0
    assert gateway.stop() == 0
    folder = tmp_path / "billed.data" / "ledger"
    exported = run("ledger", "export", "--format", "json", "--data", str(folder))
    assert exported.returncode == 0, exported.stderr
    rows = {}
    for line in exported.stdout.splitlines():
        row = json.loads(line)
        key = f"{row['request_id']}-{row['attempt']}"
        assert key not in rows, "a charge stands there twice"
        rows[key] = (int(row["cost_nanousd"]), set(row["flags"].split()))
    bill = collections.Counter()
    shared_kinds = {x["endpoint"] for x in sim.calls(since) if not OWN_ATTEMPT.fullmatch(x["attempt_id"])}
    assert shared_kinds == {"embeddings", "chat/completions"}, "batched and packed calls are among them"
    for call in sim.calls(since):
        bill[call["attempt_id"]] += cost(call)

    # Attempts on their own: row by row.
    assert any(attempt.startswith("batch_") for attempt in bill)
    wrong = {}
    estimated = []
    unmatched = dict(rows)
    for attempt, billed in bill.items():
        if not OWN_ATTEMPT.fullmatch(attempt):
            continue
        charged, flags = unmatched.pop(attempt, (None, set()))
        if "estimated" in flags:  # no usage was told: the tokens are as we count them, and the simulator counts otherwise
            estimated.append((charged, billed))
            continue
        right = charged is not None and (charged >= billed if "assumed" in flags else charged == billed)
        if not right:
            wrong[attempt] = (charged, billed, flags)
    assert not wrong
    # What several pay: the parts sum to the bill. The rest never reached the provider, shared another's call, or is assumed.
    shared = sum(billed for attempt, billed in bill.items() if not OWN_ATTEMPT.fullmatch(attempt))
    # The simulator counts in its own way, we with a vocabulary: near each other, and never nothing.
    counted, told = (sum(x) for x in zip(*estimated))
    assert all(charged > 0 for charged, _ in estimated) and told / 2 < counted < told * 2
    parts_paid = sum(charged for charged, flags in unmatched.values() if "assumed" not in flags)
    assumed = sum(charged for charged, flags in unmatched.values() if "assumed" in flags)
    assert parts_paid <= shared <= parts_paid + assumed
    verified = run("ledger", "verify", "--data", str(folder))
    assert verified.returncode == 0, verified.stdout + verified.stderr
    print(f"{len(rows)} rows, {sum(x for x, _ in rows.values())} charged, {sum(bill.values())} billed, "
          f"{sum('assumed' in f for _, f in rows.values())} assumed, {len(estimated)} estimated at {counted} for {told}")
