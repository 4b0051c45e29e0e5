#!/usr/bin/env bash
# Checks the layout of every C++ file with clang-format and its meaning with clang-tidy.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh build tidy
folders=()
for folder in runtime actors storage api cluster tests; do
  [ -d "$folder" ] && folders+=("$folder")
done

echo "== clang-format"
find "${folders[@]}" -name '*.[ch]pp' -print0 | xargs -0 clang-format --dry-run --Werror

echo "== clang-tidy"
# GCC's precompiled headers and flags mean nothing to clang, so it reads a data base without them.
mkdir -p build/tidy
python3 - <<'PYTHON'
import json, re
commands = json.load(open("build/debug/compile_commands.json"))
for entry in commands:
    command = re.sub(r" -include \S*cmake_pch\S*", "", entry["command"])
    command = re.sub(r" -W\S+| -fpch-preprocess", "", command)
    entry["command"] = re.sub(r"^.*?(?=\S*\b[cg]\+\+)", "", command, count=1)
commands = [entry for entry in commands if "cmake_pch" not in entry["file"]]
json.dump(commands, open("build/tidy/compile_commands.json", "w"))
PYTHON
find "${folders[@]}" -name '*.cpp' -print0 |
  xargs -0 -n 1 -P "${JOBS:-2}" clang-tidy -p build/tidy --quiet --warnings-as-errors='*'
