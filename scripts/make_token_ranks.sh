#!/usr/bin/env bash
# Writes runtime/tokens/ranks/*.zst and tests/runtime/fixtures/tokens.jsonl anew from the npm package
# js-tiktoken (MIT): vocabularies, and what that package makes of texts. Needs npm, node, python3 and
# zstd. Run it for another version of the package; the files are committed, so a build needs none of it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund --ignore-scripts js-tiktoken@1.0.21
python3 "$root/scripts/make_token_ranks.py" node_modules/js-tiktoken/dist/ranks texts.json
for name in cl100k_base o200k_base; do
  zstd -19 --quiet --force "$name.bin" -o "$root/runtime/tokens/ranks/$name.zst"
done
cat >encode.mjs <<'JS'
import fs from "node:fs";
import { Tiktoken } from "js-tiktoken/lite";
import cl100k from "js-tiktoken/ranks/cl100k_base";
import o200k from "js-tiktoken/ranks/o200k_base";
const [older, newer] = [new Tiktoken(cl100k), new Tiktoken(o200k)];
const line = (text) => JSON.stringify({
  text, cl100k_base: older.encode(text, [], []), o200k_base: newer.encode(text, [], []) });
const texts = JSON.parse(fs.readFileSync("texts.json"));
fs.writeFileSync(process.argv[2], texts.map(line).join("\n") + "\n");
JS
node encode.mjs "$root/tests/runtime/fixtures/tokens.jsonl"
