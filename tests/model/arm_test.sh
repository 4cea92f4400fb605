#!/usr/bin/env bash
# The kernels of ARM (integer products with dot products, attention), compiled for it and run under emulation.
# Needs Debian's g++-aarch64-linux-gnu (or g++-12-aarch64-linux-gnu), qemu-user and libgtest-dev; ends
# with 77, "skipped", where one is missing.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
gtest=/usr/src/googletest/googletest
compiler=$(command -v aarch64-linux-gnu-g++ || command -v aarch64-linux-gnu-g++-12 || true)
emulator=$(command -v qemu-aarch64 || command -v qemu-aarch64-static || true)
if [[ -z $compiler || -z $emulator || ! -d $gtest ]]; then
  echo "skipped: no compiler for ARM, no qemu-aarch64 or no sources of GoogleTest"
  exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$compiler" -std=c++20 -O2 -fno-trapping-math -fno-math-errno -static -o "$work/test" -I "$root" -I "$gtest" -I "$gtest/include" \
  "$root"/model/{elementwise,half,kv_cache,huge_pages,quants,thread_pool}.cpp \
  "$root"/model/integer/{matmul,kernel_reference,kernel_neon}.cpp \
  "$root"/model/attention/{attention,kernel_reference,kernel_neon}.cpp \
  "$root"/tests/model/{attention,integer}_test.cpp "$gtest"/src/gtest-all.cc "$gtest"/src/gtest_main.cc -lpthread 2> "$work/log" ||
  { cat "$work/log"; exit 1; }
"$emulator" -cpu max "$work/test" --gtest_filter=-All/AttentionKernels.*/reference
