#!/usr/bin/env bash
# Sets up, builds and tests everything on a fresh machine; this is what CI runs.
#
#   scripts/test.sh           release: all tests; the Python package, the layer for LibTorch, and their tests; then under
#                             AddressSanitizer with UndefinedBehaviorSanitizer, and under ThreadSanitizer,
#                             the tests that are of use there (tests/CMakeLists.txt)
#   scripts/test.sh --full    also the debug preset (warnings are errors), the shared library, the kernels
#                             for other architectures, and gpu's long tests under AddressSanitizer
#   scripts/test.sh --quick   release and Python only
#
# BPQP_TEST_DATA names the folder of shared test problems; tests that need it skip without.
set -euo pipefail
cd "$(dirname "$0")/.."

full=false
quick=false
for argument in "$@"; do
  case "$argument" in
    --full) full=true ;;
    --quick) quick=true ;;
    *) echo "usage: scripts/test.sh [--full | --quick]" >&2; exit 1 ;;
  esac
done

if [[ -z ${BPQP_TEST_DATA:-} && -d ../shared/data ]]; then
  BPQP_TEST_DATA=$(cd ../shared/data && pwd)
fi
export BPQP_TEST_DATA=${BPQP_TEST_DATA:-}
jobs=$(nproc)
results=()
failed=0

step() { printf '\n== %s (%d s since the start)\n' "$1" "$SECONDS"; }

# check <what> <command...>: runs it, keeps its closing lines for the end, goes on after a failure.
check() {
  local what=$1 log
  shift
  log=build/$(tr -c 'a-z0-9\n' '-' <<< "$what").log
  step "$what"
  if "$@" 2>&1 | tee "$log"; then
    results+=("passed  $what: $(grep -hE 'tests passed|[0-9]+ passed' "$log" || true)")
  else
    results+=("FAILED  $what: $(grep -hE 'tests passed|[0-9]+ passed' "$log" || true)")
    failed=1
  fi
}

# build <preset> <target...>
build() {
  local preset=$1
  shift
  cmake --preset "$preset" > build/configure-"$preset".log 2>&1 || {
    cat build/configure-"$preset".log
    return 1
  }
  grep 'bpqp:' build/configure-"$preset".log || true
  cmake --build --preset "$preset" -j "$jobs" --target "$@"
}

release() { build release all all_verify_interface_header_sets && ctest --preset release -j "$jobs"; }
# The layer for LibTorch, with the one of the Python tests.
libtorch() {
  local torch
  torch=$(build/venv/bin/python -c 'import os, torch; print(os.path.dirname(torch.__file__))') &&
    cmake --preset release -DBPQP_TORCH="$torch" > /dev/null &&
    cmake --build --preset release -j "$jobs" --target test_api_torch train_torch &&
    ctest --preset release -R '^(api/torch|example/train_torch)$'
}
sanitized() { build "$1" all && ctest --preset "$1" -j "$jobs"; }
sanitized_long() {
  cmake --preset "$1" "-DBPQP_TEST_LABELS=core;api;asan;gpu" > /dev/null &&
    cmake --build --preset "$1" -j "$jobs" && ctest --test-dir "build/$1" --output-on-failure -L '^slow$'
}
debug() { build debug all && ctest --preset debug -j "$jobs" -LE '^slow$'; }
shared_library() {
  cmake --preset release -B build/shared -DBUILD_SHARED_LIBS=ON -DBPQP_TESTS=OFF > /dev/null &&
    cmake --build build/shared -j "$jobs" && build/shared/bpqp info
}
# The kernels for GPUs that they are never run on, judged as house/ptxas judges the others.
architectures() {
  local log=build/configure-architectures.log
  cmake --preset release -B build/architectures "-DBPQP_CUDA_ARCHITECTURES=80;100;120" -DBPQP_TESTS=OFF \
    -DBPQP_BENCH=OFF -DBPQP_CLI=OFF -DBPQP_EXAMPLES=OFF > $log 2>&1 || {
    cat $log
    return 1
  }
  if grep 'no nvcc found' $log; then return 0; fi
  cmake --build build/architectures -j "$jobs" --target bpqp_kernels &&
    cmake -DLOGS="$PWD/build/architectures/kernels/CMakeFiles/bpqp_kernels.dir" -P tests/house/ptxas.cmake
}

scripts/setup.sh
mkdir -p build
check "release" release
check "python" scripts/python.sh
check "libtorch" libtorch
if ! $quick; then
  check "asan and ubsan" sanitized asan
  check "tsan" sanitized tsan
fi
if $full; then
  check "debug" debug
  check "shared library" shared_library
  check "kernels for other architectures" architectures
  check "asan and ubsan, long" sanitized_long asan
fi

step "summary"
printf '%s\n' "${results[@]}"
[[ -n $BPQP_TEST_DATA ]] || echo "BPQP_TEST_DATA is not set: tests on the shared problems were skipped"
exit "$failed"
