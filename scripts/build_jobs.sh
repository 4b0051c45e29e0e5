#!/usr/bin/env bash
# Prints how many compiler jobs this machine carries.
set -eu
cores=$(nproc)
memory_gb=$(awk '/MemAvailable/ {print int($2 / 1024 / 1024)}' /proc/meminfo)
jobs=$((memory_gb * 2 / 3))
[ "$jobs" -lt "$cores" ] || jobs=$cores
[ "$jobs" -ge 1 ] || jobs=1
echo "$jobs"
