#!/usr/bin/env bash
# Builds the fuzz preset and runs every target for FUZZ_SECONDS. What a target learns stays in
# build/fuzz/corpus/TARGET; seeds that belong to the repository stand in tests/fuzz/corpus/TARGET.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${FUZZ_SECONDS:-30}
jobs=${JOBS:-$(scripts/build_jobs.sh)}

scripts/install_packages.sh build fuzz
make --no-print-directory build/fuzz/build.ninja
cmake --build build/fuzz --parallel "$jobs"

mapfile -t targets < <(find build/fuzz -maxdepth 3 -type f -executable -name 'fuzz_*' | sort)
if [ ${#targets[@]} -eq 0 ]; then
  echo "run_fuzz: no fuzz target was built" >&2
  exit 1
fi
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1:suppressions=$PWD/tests/support/ubsan.supp

failed=0
for target in "${targets[@]}"; do
  name=$(basename "$target")
  corpus=build/fuzz/corpus/$name
  findings=build/fuzz/findings/$name
  mkdir -p "$corpus" "$findings"
  seeds=()
  [ -d "tests/fuzz/corpus/$name" ] && seeds=("tests/fuzz/corpus/$name")
  echo "== $name, $seconds s"
  # 2 GiB and 10 s an input: far above what one input of a few kilobytes may cost.
  if ! "$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
    -verbosity=0 -artifact_prefix="$findings/" "$corpus" "${seeds[@]}"; then
    echo "== $name FAILED; the input is in $findings"
    failed=$((failed + 1))
  fi
done
echo "$((${#targets[@]} - failed)) passed, $failed failed"
[ "$failed" -eq 0 ]
