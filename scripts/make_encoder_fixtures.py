"""Writes tests/actors/fixtures/{tokens,vectors}.jsonl: what the reference makes of the texts below.

Run it where the packages of tests/e2e are: build/e2e-venv/bin/python scripts/make_encoder_fixtures.py
Token numbers come from Hugging Face's `tokenizers` with the model's tokenizer.json, vectors from
tests/e2e/support/embedding_model.py in double precision with the exact error function.
"""

import json
import math
import pathlib
import sys

import numpy

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests/e2e"))

from support import embedding_model  # noqa: E402

FOLDER = ROOT / "tests/actors/fixtures"

SENTENCES = [
    "",
    "a",
    "Hello, world!",
    "The weather is lovely today.",
    "It's so sunny outside!",
    "He drove to the stadium.",
    "How do I reset my password?",
    "I forgot my password, how can I change it?",
    "What's the capital of France, and how many people live there in 2024?",
    "Café naïve façade, Ångström; crème brûlée à la carte.",
    "DAS IST GROSS — die Straße ist lang. Füße, Übermut, ÄÖÜ.",
    "東京は日本の首都です。人口は約1400万人。",
    "Что такое любовь? Привет, мир!",
    "I love pizza 🍕🍕 and 👩‍👩‍👧‍👦 families 🇩🇪 🥲",
    "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n",
    '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}], "temperature": 0.7}',
    "Summarise the following text in three bullet points, in the tone of a pirate, and do not mention the sea: "
    "the committee met on Tuesday to discuss the budget for the coming year and agreed on nothing at all.",
    " ".join(f"Sentence number {i} says that {i} squared is {i * i}." for i in range(12)),
    " ".join(f"Step {i}: mix {i * 7} grams of flour with water, then wait." for i in range(14)),
    "The quick brown fox jumps over the lazy dog. " * 40,
    "antidisestablishmentarianism pneumonoultramicroscopicsilicovolcanoconiosis",
]

ODDITIES = [
    " ",
    "\t\r\n \u00a0\u2003\u3000",
    "\u2028line\u2029paragraph",
    "a\u0000b\u0001c\u007fd\u0085e\ufffdf",
    "soft\u00adhyphen zero\u200bwidth joiner\u200d\ufeffbom",
    "left\u200eright\u200fmarks",
    "private \ue000 use",
    "unassigned \u0378 \U000e0fff code points",
    "e\u0301 and é and E\u0301; n\u0303 ñ; A\u030a Å Å",
    "İstanbul ıspanak",
    "ΑΒΓ ΟΔΟΣ ὈΔΥΣΣΕΎΣ ἀρχή",
    "ǅ ǆ Ǆ ﬁ ﬂ ẞ ß",
    "Ⅷ ⅷ ① ½ ² ㎏ ｆｕｌｌｗｉｄｔｈ ＡＢＣ１２３",
    "한국어 텍스트입니다 가각갂",
    "中文字符和English混合text在一起",
    "ひらがなカタカナ がぎぐ パピプ",
    "豈更 丽 \u2f00 \U0002a700 \U0002b820 \U0002b920 \U0002f81d 〇 〆 々",
    "नमस्ते दुनिया हिन्दी",
    "สวัสดีชาวโลก",
    "مرحبا بالعالم السَّلامُ",
    "שָׁלוֹם עולם",
    "Việt Nam phở Đà Nẵng",
    "punct!!!???...---___***(((~~~)))[[[]]]{{{}}}<<<>>>\\\\\\///|||^^^```@@@###$$$%%%&&&+++===:::;;;'''\"\"\",,,",
    "“curly” ‘quotes’ «guillemets» „low‟ – — ― … • · † ‡ ¿ ¡ § ¶ ¢ £ € ¥ © ® ™ ° ± × ÷ ← → ↔ ∀ ∃ ∑ ≈ ≠",
    "http://www.example.com/a/b?c=d&e=f#g user.name+tag@example.co.uk",
    "don't can't won't it's I'm we'll they've rock'n'roll",
    "3.14159 1,000,000 1e-12 0xDEADBEEF 12:34:56 2024-02-29 +49 (0)30 123456",
    "[CLS] text [SEP] more [MASK] [PAD] [UNK] [cls] [SE [[SEP]] x[SEP]y",
    "[",
    "##ing ##s #hashtag ## # unaffable un##aff",
    "😀😃😄 👍🏽 ❤️ ❤ ☃ ☃️ 🏳️‍🌈 🫠 🦤",
    "x" * 99,
    "x" * 100,
    "x" * 101,
    "é" * 100,
    "é" * 101,
    "中" * 300,
    "a" * 5000,
    "!" * 400,
    "word " * 253,
    "word " * 254,
    "word " * 255,
    "unbelievabilities " * 80,
    "word " * 252 + "unbelievabilities",
    "word " * 253 + "[MASK] tail",
    "Zürich\u0308 a\u0327\u0301b q\u0323\u0307",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒮𝒸𝓇𝒾𝓅𝓉 𝟙𝟚𝟛",
    "ᏣᎳᎩ ꭰ Ქ ა 𐐀 𐐨",
    "The Project Gutenberg EBook of Pride and Prejudice, by Jane Austen. " * 30,
]


def exact(model):
    """The model with its weights in double precision and the error function to the last bit."""
    model.weights = {name: x.astype(numpy.float64) for name, x in model.weights.items()}
    embedding_model.erf = numpy.vectorize(math.erf, otypes=[numpy.float64])
    return model


def write(name, rows):
    with open(FOLDER / name, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row, ensure_ascii=True, separators=(",", ":")) + "\n")


def main():
    model = exact(embedding_model.EmbeddingModel())
    write("tokens.jsonl", ({"text": text, "ids": model.tokenizer.encode(text).ids} for text in SENTENCES + ODDITIES))
    write("vectors.jsonl", ({"text": text, "vector": [round(x, 7) for x in model.encode(text)[0].tolist()]}
                            for text in SENTENCES))


if __name__ == "__main__":
    main()
