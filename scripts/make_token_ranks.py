"""The two steps of make_token_ranks.sh that are no shell: vocabularies of js-tiktoken to one binary file each,
and the texts that it is asked about. Arguments: the package's folder of ranks, the file for the texts."""

import base64
import json
import pathlib
import random
import string
import sys


def write_ranks(folder, name):
    """For each rank from 0 a byte with the token's length, then its bytes; a length of 0 where no token has it."""
    text = (folder / f"{name}.js").read_text().removeprefix("export default ").rstrip().rstrip(";")
    ranks = {}
    for line in filter(None, json.loads(text)["bpe_ranks"].split("\n")):
        _, first, *tokens = line.split(" ")
        for i, token in enumerate(tokens):
            ranks[int(first) + i] = base64.b64decode(token)
    with open(f"{name}.bin", "wb") as out:
        for rank in range(max(ranks) + 1):
            token = ranks.get(rank, b"")
            out.write(bytes([len(token)]) + token)  # a longer one is an error


PLAIN = [
    "", "a", " ", "  ", "\n", "hello world", "Hello, World!", "I'm sure you'll say it's WE'VE y'ALL 'S",
    "The quick brown fox jumps over the lazy dog.", "1234567890 12 123 1234", "3.14159e-10",
    "x = [i**2 for i in range(10)]\n\tif x:\r\n\t\treturn x  \n", "    indented\n        more\n\n\n",
    "https://example.com/a/b?c=d&e=f#g", "Grüße aus München: 5 €", "naïve café résumé", "東京は日本の首都です。",
    "中文分词测试，包含标点符号！", "안녕하세요 세계", "Привет, мир! Как дела?", "مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया",
    "สวัสดีชาวโลก", "👍🏽👨‍👩‍👧‍👦 🎉🎉", "<|endoftext|> and <|endofprompt|>", '{"key": [1, 2, {"nested": null}]}',
    "SELECT * FROM users WHERE id = 42; -- comment", "CamelCaseIdentifier snake_case_name SCREAMING_SNAKE kebab-case",
    "a" * 10, "a" * 65, "a" * 300, "ab" * 200, " " * 100, " " * 5 + "x", "\n" * 20, "!?" * 50, "=====-----*****",
    "supercalifragilisticexpialidocious", "antidisestablishmentarianism " * 5, "e\u0301 combining n\u0303",
    "\u00a0nbsp\u2003em\u3000ideographic", "ⅷ ½ ² ٣ ৩", "ＦＵＬＬｗｉｄｔｈ", "ǅ titlecase ʰ modifier", "it’s don’t",
    "O'Neil's 'quoted' text", "tab\tseparated\tvalues", "mixed 漢字kanji123と_ひらがな", "/usr/local/bin//path//",
    "C++ and C# -> F# <=> ==="]
WORDS = ["the", "token", "Money", "réponse", "数据", "42", "_x", "'ll", "\n\n", "  ", "!!", "🎈", "foo.bar()", "\t"]
RANGES = [(32, 126), (0xA0, 0x24F), (0x370, 0x5FF), (0x900, 0x97F), (0x3040, 0x30FF), (0x4E00, 0x5000),
          (0x1F600, 0x1F640)]


def texts():
    draw = random.Random(7)
    result = list(PLAIN)
    for _ in range(60):
        result.append(" ".join(draw.choice(WORDS) for _ in range(draw.randint(1, 25))))
    for _ in range(40):
        result.append("".join(draw.choice(string.printable) for _ in range(draw.randint(1, 80))))
    for _ in range(40):
        result.append("".join(chr(draw.randint(*draw.choice(RANGES))) for _ in range(draw.randint(1, 40))))
    return result


if __name__ == "__main__":
    for vocabulary in ("cl100k_base", "o200k_base"):
        write_ranks(pathlib.Path(sys.argv[1]), vocabulary)
    pathlib.Path(sys.argv[2]).write_text(json.dumps(texts()))
