// The official client for Node against a running gateway: `node openai_node.mjs URL KEY LIMITED_KEY`.
// Prints one JSON object: the name of each check with "ok" or what went wrong.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

// The packages lie under build/, not beside this file.
const resolve = createRequire(`${process.env.NODE_PACKAGES}/`).resolve;
const load = async (name) => import(pathToFileURL(resolve(name)));
const { default: OpenAI } = await load('openai');
const { zodResponseFormat } = await load('openai/helpers/zod');
const { z } = await load('zod');

const [baseURL, apiKey, limitedKey] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 20_000 });
const ask = (content) => [{ role: 'user', content }];
const tools = [{
  type: 'function',
  function: {
    name: 'weather',
    parameters: { type: 'object', properties: { place: { type: 'string' } }, required: ['place'] },
  },
}];

async function failure(kind, call) {
  const error = await call.then(() => { throw new Error('no error came'); }, (e) => e);
  assert.ok(error instanceof kind, `${error.constructor.name}: ${error.message}`);
  assert.ok(error.requestID, 'no request id');
  return error;
}

const checks = {
  async chat() {
    const reply = await client.chat.completions.create({ model: 'chat', messages: ask('Hello from Node.') });
    assert.match(reply.choices[0].message.content, /\[simulated\]/);
    assert.ok(reply.usage.total_tokens > 0);
    assert.ok(reply._request_id);
  },
  async stream() {
    const messages = ask('Stream to Node.');
    const whole = await client.chat.completions.create({ model: 'chat', messages });
    let text = '';
    let usage;
    const options = { include_usage: true };
    const stream = await client.chat.completions.create({ model: 'chat', messages, stream: true, stream_options: options });
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta?.content ?? '';
      usage = chunk.usage ?? usage;
    }
    assert.equal(text, whole.choices[0].message.content);
    assert.deepEqual(usage, whole.usage);
  },
  async batch() {
    const line = (n) => JSON.stringify({
      custom_id: `node-${n}`, method: 'POST', url: '/v1/chat/completions', body: { model: 'chat', messages: ask(`line ${n}`) },
    });
    const content = new File([[0, 1, 2].map(line).join('\n')], 'node "batch".jsonl');
    const file = await client.files.create({ file: content, purpose: 'batch' });
    assert.equal(file.bytes, content.size);
    let batch = await client.batches.create({
      input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h', metadata: { from: 'node' },
    });
    for (const until = Date.now() + 20_000; batch.status !== 'completed' && Date.now() < until;) {
      await new Promise((resume) => setTimeout(resume, 20));
      batch = await client.batches.retrieve(batch.id);
    }
    assert.equal(batch.request_counts.completed, 3);
    assert.deepEqual(batch.metadata, { from: 'node' });
    const output = await (await client.files.content(batch.output_file_id)).text();
    assert.deepEqual(output.trim().split('\n').map((x) => JSON.parse(x).custom_id), ['node-0', 'node-1', 'node-2']);
    let listed = 0;
    for await (const x of client.batches.list({ limit: 1 })) listed += x.id === batch.id ? 1 : 0;
    assert.equal(listed, 1);
    await failure(OpenAI.ConflictError, client.batches.cancel(batch.id));
  },
  async stream_without_usage() {
    const stream = await client.chat.completions.create({ model: 'chat', messages: ask('x'), stream: true });
    for await (const chunk of stream) {
      assert.ok(chunk.choices.length > 0);
      assert.ok(chunk.usage == null);
    }
  },
  async tools() {
    const reply = await client.chat.completions.create(
      { model: 'chat', messages: ask('Weather in Oslo?'), tools, tool_choice: 'required' });
    const call = reply.choices[0].message.tool_calls[0];
    assert.equal(call.function.name, 'weather');
    assert.equal(typeof JSON.parse(call.function.arguments).place, 'string');
  },
  async tools_streamed() {
    const runner = client.chat.completions.stream(
      { model: 'chat', messages: ask('Weather in Oslo?'), tools, tool_choice: 'required' });
    const reply = await runner.finalChatCompletion();
    assert.equal(typeof JSON.parse(reply.choices[0].message.tool_calls[0].function.arguments).place, 'string');
  },
  async json_schema() {
    const schema = z.object({ city: z.string(), rivers: z.array(z.string()) });
    const reply = await client.chat.completions.parse(
      { model: 'chat', messages: ask('Capital of Norway?'), response_format: zodResponseFormat(schema, 'answer') });
    assert.equal(typeof reply.choices[0].message.parsed.city, 'string');
  },
  async image() {
    const url = 'data:image/png;base64,' + Buffer.alloc(3_000_000, 7).toString('base64');
    const content = [{ type: 'text', text: 'What is this?' }, { type: 'image_url', image_url: { url } }];
    const reply = await client.chat.completions.create({ model: 'chat', messages: [{ role: 'user', content }] });
    assert.equal(reply.choices[0].finish_reason, 'stop');
  },
  async completions() {
    const reply = await client.completions.create({ model: 'chat', prompt: 'Once' });
    assert.ok(reply.choices[0].text);
  },
  async embeddings() {
    const coded = await client.embeddings.create({ model: 'embed', input: ['a', 'b'] });
    const plain = await client.embeddings.create({ model: 'embed', input: ['a', 'b'], encoding_format: 'float' });
    assert.equal(coded.data.length, 2);
    assert.equal(coded.data[1].embedding.length, plain.data[1].embedding.length);
    coded.data[1].embedding.forEach((x, i) => assert.ok(Math.abs(x - plain.data[1].embedding[i]) < 1e-6));
  },
  async models() {
    const names = [];
    for await (const model of client.models.list()) names.push(model.id);
    assert.ok(names.includes('chat'));
    assert.equal((await client.models.retrieve('chat')).id, 'chat');
  },
  async wrong_key() {
    const stranger = new OpenAI({ baseURL, apiKey: 'sk-wrong', maxRetries: 0 });
    await failure(OpenAI.AuthenticationError, stranger.models.list());
  },
  async forbidden_model() {
    const limited = new OpenAI({ baseURL, apiKey: limitedKey, maxRetries: 0 });
    await failure(OpenAI.PermissionDeniedError, limited.chat.completions.create({ model: 'chat', messages: ask('x') }));
  },
  async unknown_model() {
    const error = await failure(OpenAI.NotFoundError, client.chat.completions.create({ model: 'none', messages: ask('x') }));
    assert.equal(error.code, 'model_not_found');
  },
  async bad_field() {
    const error = await failure(OpenAI.BadRequestError, client.chat.completions.create({ model: 'chat' }));
    assert.equal(error.param, 'messages');
  },
  async upstream_error() {
    await failure(OpenAI.InternalServerError,
      client.chat.completions.create({ model: 'chat', messages: ask('[[sim:500]] node') }));
  },
  async retries_when_told_to() {
    const patient = new OpenAI({ baseURL, apiKey, maxRetries: 2 });
    const reply = await patient.chat.completions.create(
      { model: 'chat', messages: ask('[[sim:429 retry_after_ms=700 times=1]] node') });
    assert.ok(reply.choices.length);
  },
  async error_in_mid_stream() {
    const stream = await client.chat.completions.create(
      { model: 'chat', messages: ask('[[sim:error_event after=3]] node'), stream: true });
    let chunks = 0;
    const error = await (async () => { for await (const _ of stream) chunks += 1; })().catch((e) => e);
    assert.ok(chunks > 0);
    assert.ok(error instanceof OpenAI.APIError, String(error));
  },
  async time_out() {
    const hasty = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 300 });
    const error = await hasty.chat.completions.create({ model: 'chat', messages: ask('[[sim:hang]] node') }).catch((e) => e);
    assert.ok(error instanceof OpenAI.APIConnectionTimeoutError, String(error));
  },
  async cancel_in_mid_stream() {
    const stream = await client.chat.completions.create(
      { model: 'chat', messages: ask('[[sim:tokens n=100000]] [[sim:pace ms_per_token=1]] node'), stream: true });
    let chunks = 0;
    for await (const _ of stream) if (++chunks === 5) break;
    assert.equal(chunks, 5);
  },
};

const results = {};
for (const [name, check] of Object.entries(checks)) {
  results[name] = await check().then(() => 'ok', (error) => String(error.stack ?? error));
}
console.log(JSON.stringify(results));
