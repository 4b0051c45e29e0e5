"""Trains the judge of the cache by meaning and writes actors/cache/judge/weights.inc.

Features come from `sluice bench cache --features`, so that training sees what serving sees. Two
logistic models: of a pair, a fixed base with learnt terms that can only speak against a pair; of a
pair among its neighbours. Called by train_judge.sh. Deterministic for one build of sluice and one
processor; another processor rounds the encoder's numbers otherwise, which moves weights in the third
digit.
"""

import argparse
import csv
import json
import math
import random
import subprocess
from pathlib import Path

import numpy as np
from scipy.optimize import minimize
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import roc_auc_score

# A file's rows weigh as much as another file's, however many they are.
PAIR_FILES = ["fow_pairs", "langcache_pairs", "mock", "banking77", "clinc150"]
TRAPS = ["fow_pairs", "langcache_pairs"]  # small: figures by cross-fitting
# The base keeps the cosine's order. Slope: cosine and overlap alone have 12 to 18 in rewordings.
# Overlap: at 0.12 of the cosine's weight the order is better in four of the five files.
BASE = {"cosine": 14.0, "overlap": -0.12 * 14.0}
# Half of the training rows are right; of what a cache finds fewer are. As if one in six were: with one
# in four more than 1 % of what is served of langcache is wrong.
CAUTION = math.log(5)
VETO_CAP = 0.5  # probability_forbidden of judge.cpp
NEIGHBOURS_SUPPORT = {"cosine", "next", "agree"}  # others speak against
# Ridge, on features of unit variance. What traps teach costs free rewordings, whose words stand
# against each other, too; of these findings they have few.
PAIR_PENALTY = 0.2
RARE = {"opposites", "number", "kind", "swapped"}
RARE_PENALTY = 1e-2
NEIGHBOUR_PENALTY = 3e-2
SAMPLED = 1500  # questions of each file of intents
HARD_RANKS = 3000  # wrong partners up to this rank of similarity, the near ones more often
FOLDS = 5
SEED = 3


def read(path):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def similarity(texts):
    """Rows of TF-IDF over words and pairs of words; their products rank partners."""
    return TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(texts)


def intent_pairs(rows, rng):
    """Questions with one of their label (right) and one of another (wrong), near and far."""
    matrix = similarity([row["text"] for row in rows])
    labels = np.array([row["label"] for row in rows])
    result = []
    for i in rng.sample(range(len(rows)), SAMPLED):
        scores = (matrix[i] @ matrix.T).toarray()[0]
        order = np.argsort(-scores, kind="stable")
        # Any of the label: one chosen for its words or its vector would teach what it was chosen by.
        same = [j for j in range(len(rows)) if labels[j] == labels[i] and j != i]
        other = [j for j in order if labels[j] != labels[i]]
        rank = int(math.exp(rng.uniform(0, math.log(HARD_RANKS))))
        for j, duplicate in ((other[rank], 0), (rng.choice(same), 1)):
            result.append({"a": rows[i]["text"], "b": rows[j]["text"], "duplicate": duplicate})
    return result


def mock_pairs(rows, rng):
    """Rewordings with a wrong partner each: any, or of every other one a similar one."""
    matrix = similarity([row["origin"] for row in rows])
    result = []
    for i, row in enumerate(rows):
        result.append({"a": row["origin"], "b": row["similar"], "duplicate": 1})
        scores = (matrix[i] @ matrix.T).toarray()[0]
        # More similar ones may say the same.
        scores[(scores > 0.6) | (np.arange(len(rows)) == i)] = -1
        j = int(scores.argmax()) if i % 2 else rng.choice(np.flatnonzero(scores >= 0).tolist())
        result.append({"a": row["origin"], "b": rows[j]["similar"], "duplicate": 0})
    return result


class features:
    def __init__(self, path):
        with path.open(encoding="utf-8") as file:
            reader = csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            head = next(reader)
            rows = list(reader)
        self.right = np.array([int(row[1]) for row in rows])
        self.veto = np.array([row[2] != "none" for row in rows])
        self.same_text = np.array([row[3] == "1" for row in rows])
        values = np.array([[float(x) for x in row[4:]] for row in rows])
        self.names, self.values = {}, {}
        for model in ("pair", "neighbours"):
            places = [i for i, name in enumerate(head[4:]) if name.startswith(model + " ")]
            self.names[model] = [head[4 + i].split(" ")[1] for i in places]
            self.values[model] = values[:, places]


def fit(values, right, weight, penalty, supports, offset=0.0):
    """Logistic regression upon `offset`; weights are at least 0 where `supports`, else at most."""
    spread = values.std(0) + 1e-9
    scaled = (values - values.mean(0)) / spread
    weight = weight / weight.sum()
    sign = np.where(right == 1, 1.0, -1.0)

    def loss(x):
        margin = sign * (scaled @ x[:-1] + x[-1] + offset)
        slope = -weight * sign / (1 + np.exp(np.clip(margin, -50, 50)))
        total = (weight * np.logaddexp(0, -margin)).sum() + (penalty * x[:-1] ** 2).sum()
        return total, np.r_[scaled.T @ slope + 2 * penalty * x[:-1], slope.sum()]

    bounds = [(0, None) if x else (None, 0) for x in supports] + [(None, None)]
    x = minimize(loss, np.zeros(len(supports) + 1), jac=True, bounds=bounds, method="L-BFGS-B",
                 options={"maxiter": 2000}).x
    weights = x[:-1] / spread
    return weights, x[-1] - (weights * values.mean(0)).sum()


def weighted(files):
    """Values, truths and weights of several files, each file weighing 1."""
    return (np.vstack([v for v, _ in files]), np.concatenate([r for _, r in files]),
            np.concatenate([np.full(len(r), 1 / n) for (_, r), n in
                            zip(files, [max(1, len(r)) for _, r in files])]))


def fit_pairs(names, files):
    values, right, weight = weighted(files)
    base = np.array([name in BASE for name in names])
    result = np.array([BASE.get(name, 0.0) for name in names])
    learnt = [name for name in names if name not in BASE]
    penalty = np.array([RARE_PENALTY if name in RARE else PAIR_PENALTY for name in learnt])
    result[~base], bias = fit(values[:, ~base], right, weight, penalty, [False] * len(learnt),
                              values @ result)
    return result, bias - CAUTION


def fit_neighbours(names, files):
    values, right, weight = weighted(files)
    return fit(values, right, weight, NEIGHBOUR_PENALTY, [name in NEIGHBOURS_SUPPORT for name in names])


def groups_of(rows):
    """A number for each row; rows that share a text have one."""
    parent = {}

    def find(x):
        parent.setdefault(x, x)
        while parent[x] != x:
            x = parent[x]
        return x

    for row in rows:
        parent[find(row["a"])] = find(row["b"])
    numbers = {}
    return np.array([numbers.setdefault(find(row["a"]), len(numbers)) for row in rows])


def judged(table, score):
    """Probabilities as judge.cpp makes them of a pair's score."""
    result = 1 / (1 + np.exp(-score))
    result[table.veto] = np.minimum(result[table.veto], VETO_CAP)
    result[table.same_text] = 0.999
    return result


def report(name, rows, table, probability, threshold):
    served = probability >= threshold
    wrong = served & (table.right == 0)
    print(f"{name}: AUC {roc_auc_score(table.right, probability):.4f}, at {threshold} served "
          f"{served.mean():.3f}, wrong of these {wrong.sum() / max(1, served.sum()):.4f}")
    categories = np.array([row.get("category", "") for row in rows])
    for category in sorted(set(categories[table.right == 0]) - {""}):
        of = (categories == category) & (table.right == 0)
        print(f"  {category}: {(served & of).sum()} of {of.sum()} wrongly served")


def hit_share(right, score, error):
    """Share served by the best threshold with so much of it wrong."""
    wrong = np.cumsum(right[np.argsort(-score, kind="stable")] == 0) / np.arange(1, len(right) + 1)
    return (np.flatnonzero(wrong <= error)[-1:] + 1).sum() / len(right)


def cross_fit_neighbours(labels, tables):
    """Figures of neighbours on intents that were not trained on."""
    for name, table in tables.items():
        values, score = table.values["neighbours"], np.zeros(len(table.right))
        others = [(x.values["neighbours"], x.right) for key, x in tables.items() if key != name]
        intents = sorted(set(labels[name]))
        fold = dict(zip(intents, np.random.RandomState(SEED).permutation(len(intents)) % FOLDS))
        fold = np.array([fold[x] for x in labels[name]])
        for k in range(FOLDS):
            weights, _ = fit_neighbours(table.names["neighbours"],
                                        others + [(values[fold != k], table.right[fold != k])])
            score[fold == k] = values[fold == k] @ weights
        cosine = values[:, table.names["neighbours"].index("cosine")]
        print(f"{name}, neighbours, {FOLDS} folds of intents: " + ", ".join(
            f"at {error:.0%} wrong {hit_share(table.right, score, error):.3f} (cosine "
            f"{hit_share(table.right, cosine, error):.3f})" for error in (0.02, 0.05)))


def cross_fit(data, tables, threshold):
    """Figures on rows that were not trained on: in folds of groups, and with the file left out."""
    names = next(iter(tables.values())).names["pair"]
    for name in TRAPS:
        rows, table = data[name], tables[name]
        values = table.values["pair"]
        others = [(tables[x].values["pair"], tables[x].right) for x in PAIR_FILES if x != name]
        group = groups_of(rows)
        fold = np.random.RandomState(SEED).permutation(group.max() + 1)[group] % FOLDS
        score = np.zeros(len(rows))
        for k in range(FOLDS):
            weights, bias = fit_pairs(names, others + [(values[fold != k], table.right[fold != k])])
            score[fold == k] = values[fold == k] @ weights + bias
        report(f"{name}, {FOLDS} folds", rows, table, judged(table, score), threshold)
        weights, bias = fit_pairs(names, others)
        report(f"{name}, left out", rows, table, judged(table, values @ weights + bias), threshold)


def write(path, models):
    lines = ['R"weights(', "# Written by scripts/train_judge.sh. See docs/judge.md."]
    for model, (names, weights, bias) in models.items():
        lines += [f"{model} {name} {weight:.5g}" for name, weight in zip(names, weights)]
        lines.append(f"{model} bias {bias:.5g}")
    path.write_text("\n".join(lines) + '\n)weights"\n', encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sluice", required=True)
    parser.add_argument("--model", default="build/models/all-minilm-l6-v2")
    parser.add_argument("--data", type=Path, default=Path("actors/cache/judge/training_rows"))
    parser.add_argument("--out", type=Path, default=Path("actors/cache/judge/weights.inc"))
    parser.add_argument("--work", type=Path, default=Path("build/judge"))
    parser.add_argument("--threshold", type=float, default=0.94)  # judge::threshold_default
    args = parser.parse_args()
    args.work.mkdir(parents=True, exist_ok=True)
    rng = random.Random(SEED)

    data = {name: read(args.data / f"{name}.jsonl") for name in TRAPS}
    data["mock"] = mock_pairs(read(args.data / "gptcache_mock.jsonl"), rng)
    for name in ("banking77", "clinc150"):
        data[name] = intent_pairs(read(args.data / f"{name}.jsonl"), rng)

    def run(out, *options):
        target = args.work / f"{out}.tsv"
        subprocess.run([args.sluice, "bench", "cache", "--json", "--model", args.model, "--features",
                        str(target), *map(str, options)], check=True, stdout=subprocess.DEVNULL)
        return features(target)

    tables = {}
    for name in PAIR_FILES:
        rows = args.work / f"{name}.jsonl"
        rows.write_text("".join(json.dumps(x) + "\n" for x in data[name]), encoding="utf-8")
        tables[name] = run(name, "--pairs", rows)
    cross_fit(data, tables, args.threshold)
    names = tables["mock"].names
    pair = fit_pairs(names["pair"], [(tables[x].values["pair"], tables[x].right)
                                     for x in PAIR_FILES])
    models = {"pair": (names["pair"], *pair)}

    near, labels = {}, {}
    for name in ("banking77", "clinc150"):
        rows = args.data / f"{name}.jsonl"
        near[name] = run(f"{name}_near", "--fill", rows, "--nearest", rows)
        labels[name] = [row["label"] for row in read(rows)]
    cross_fit_neighbours(labels, near)
    models["neighbours"] = (names["neighbours"],
                            *fit_neighbours(names["neighbours"], [(x.values["neighbours"], x.right)
                                                                  for x in near.values()]))
    write(args.out, models)
    print(f"{args.out} written")


if __name__ == "__main__":
    main()
