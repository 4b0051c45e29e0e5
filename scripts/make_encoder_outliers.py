"""Prints the rows of actors/cache/encoder/minilm_outliers.hpp: the inputs that become largest.

Run it where the packages of tests/e2e are: build/e2e-venv/bin/python scripts/make_encoder_outliers.py
The texts are those of make_encoder_fixtures.py.
"""

import numpy

from make_encoder_fixtures import ODDITIES, SENTENCES, embedding_model

COUNT = 8
PRODUCTS = ["attention.self.query", "intermediate.dense"]


class Watched(embedding_model.EmbeddingModel):
    """Remembers the greatest magnitude of every input of every product."""

    def __init__(self):
        super().__init__()
        self.greatest = {}

    def linear(self, x, name):
        seen = abs(x).max(axis=0)
        self.greatest[name] = numpy.maximum(self.greatest.get(name, 0.0), seen)
        return super().linear(x, name)


def main():
    model = Watched()
    for text in SENTENCES + ODDITIES:
        model.encode(text)
    for layer in range(embedding_model.LAYERS):
        rows = []
        for product in PRODUCTS:
            greatest = model.greatest[f"encoder.layer.{layer}.{product}"]
            inputs = numpy.argsort(-greatest, kind="stable")[:COUNT].tolist()
            rows.append("{" + ", ".join(map(str, inputs)) + "}")
        print("{" + ", ".join(rows) + "},")


if __name__ == "__main__":
    main()
