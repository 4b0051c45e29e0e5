#!/usr/bin/env bash
# Builds debug and release, runs every test of both and the tests with real clients, and closes with
# one line that counts them all. A part that fails does not keep the others from running.
set -uo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(scripts/build_jobs.sh)}
results=$PWD/build/test-results
rm -rf "$results" && mkdir -p "$results"

broken=()
part() {
  local name=$1
  shift
  echo "== $name"
  local start=$SECONDS
  "$@" || broken+=("$name")
  echo "== $name: $((SECONDS - start)) s"
}

build() { make --no-print-directory "build/$1/build.ninja" && cmake --build "build/$1" --parallel "$jobs"; }
unit() { ctest --test-dir "build/$1" --parallel "$jobs" --output-on-failure --output-junit "$results/$1.xml"; }

part "build debug" build debug
part "tests debug" unit debug
part "build release" build release
part "tests release" unit release
part "tests with real clients" scripts/run_e2e.sh --junitxml "$results/e2e.xml"

python3 scripts/summarise_tests.py "$results" "${broken[@]}"
