#!/usr/bin/env bash
# Runs tests/e2e against build/release/sluice. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/prepare_e2e.sh
# Every connection of these tests stays on this machine; a proxy from the environment would break that.
unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY
exec build/e2e-venv/bin/python -m pytest tests/e2e -p no:cacheprovider "$@"
