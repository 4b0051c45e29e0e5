#!/usr/bin/env bash
# Trains the judge of the cache by meaning anew and writes actors/cache/judge/weights.inc; build
# afterwards. Needs the encoder's files (scripts/install_model.sh), python3 with venv, and a built
# sluice: build/release/sluice, or the path given. Takes some minutes on one core.
set -euo pipefail
cd "$(dirname "$0")/.."
sluice=${1:-build/release/sluice}
[ -x "$sluice" ] || { echo "train_judge: $sluice is not there; run make build first" >&2; exit 1; }
scripts/install_model.sh
venv=build/judge/venv
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
PIP_DISABLE_PIP_VERSION_CHECK=1 "$venv/bin/pip" install --quiet -r scripts/train_judge_requirements.txt
# One thread: sums come out the same every time.
OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 "$venv/bin/python" scripts/train_judge.py --sluice "$sluice"
