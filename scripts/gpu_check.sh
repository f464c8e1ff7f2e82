#!/usr/bin/env bash
# Checks bpqp on a machine with a GPU, which may have no network and none of our libraries.
#
#   scripts/gpu_check.sh build        here: builds what the check needs into build/gpu_check
#   scripts/gpu_check.sh run [OUT]    there, with build/gpu_check carried along: tests, compute-sanitizer,
#                                     benchmarks; a report as OUT/report.md and OUT/report.json
#                                     (default: build/gpu_report)
#
# The report belongs to docs/gpu/, named by date and device.
set -euo pipefail
cd "$(dirname "$0")/.."
carried=build/gpu_check
# n, equalities, inequalities, batch: what the classes of the size table are judged by.
sizes=(10,5,5,128 10,5,5,4096 32,6,6,128 32,6,6,4096 50,10,10,128 50,10,10,4096 100,20,20,128
  128,25,25,4096 300,50,50,256 1000,100,100,132)
programs=("$carried"/{bpqp,test_gpu_device,test_gpu_device_capture,test_gpu_calls,gpu_bench,potrf_bench})

usage() {
  sed -n 's/^# \{0,1\}//; 4,7p' "$0" >&2
  exit 1
}

build() {
  cmake -S . -B build/gpu -G Ninja -DCMAKE_BUILD_TYPE=Release -DBPQP_CUDA=ON -DBPQP_CPU_LEVELS=v3 \
    -DBPQP_EXAMPLES=OFF -DBUILD_SHARED_LIBS=ON -DCMAKE_CUDA_FLAGS=-lineinfo > /dev/null
  cmake --build build/gpu -j "$(nproc)" --target bpqp_cli test_gpu_device test_gpu_device_capture test_gpu_calls gpu_bench potrf_bench
  mkdir -p $carried/lib
  cp build/gpu/bpqp build/gpu/tests/test_gpu_{device,device_capture,calls} build/gpu/bench/{gpu_bench,potrf_bench} $carried
  strip "${programs[@]}"
  # All but the C library and the driver's and toolkit's own.
  ldd "${programs[@]}" |
    awk '$3 ~ /^\// && $1 !~ /^(libc|libm|libdl|librt|libpthread|ld-linux.*|libcu.*|libnv.*)\.so/ {print $3}' |
    sort -u | xargs -r cp -t $carried/lib
  git rev-parse HEAD > $carried/commit
  du -sh $carried
}

# section <title> <command...>: its output into the report; goes on after a failure.
section() {
  local title=$1 code=0
  shift
  printf '\n## %s\n\n    %s\n\n```\n' "$title" "$*" >> "$out/report.md"
  "$@" > "$out/section.log" 2>&1 || code=$?
  tail -n 40 "$out/section.log" >> "$out/report.md"
  printf '```\n\nexit %d, %d s since the start\n' "$code" "$SECONDS" >> "$out/report.md"
  echo "gpu_check: $title: exit $code ($SECONDS s)"
  results+=("{\"what\": \"$title\", \"exit\": $code}")
  ((code == 0)) || failed=1
}

run() {
  out=${1:-build/gpu_report}
  results=()
  failed=0
  [[ -x $carried/test_gpu_device ]] || {
    echo "gpu_check: $carried is not here: run 'scripts/gpu_check.sh build' first" >&2
    exit 1
  }
  nvidia-smi > /dev/null 2>&1 || {
    echo "gpu_check: no GPU: nvidia-smi does not run here" >&2
    exit 1
  }
  mkdir -p "$out"
  export LD_LIBRARY_PATH=$PWD/$carried/lib:${LD_LIBRARY_PATH:-}:/usr/local/cuda/lib64
  printf '# GPU check\n\n%s, commit %s\n' "$(date -u +%F)" "$(cat $carried/commit)" > "$out/report.md"
  section "device" nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.sm --format=csv
  section "build" $carried/bpqp info
  section "tests" $carried/test_gpu_device
  section "CUDA graphs and allocators" $carried/test_gpu_device_capture
  section "bpqp.jax's calls" $carried/test_gpu_calls
  for name in a b c d; do
    section "benchmark $name" timeout 90 $carried/gpu_bench --case "$name" --samples 20
    grep '^{' "$out/section.log" >> "$out/benchmarks.jsonl" || true
  done
  local options=()
  for size in "${sizes[@]}"; do options+=(--size "$size"); done
  section "benchmarks of other sizes" timeout 90 $carried/gpu_bench --samples 10 "${options[@]}"
  grep '^{' "$out/section.log" >> "$out/benchmarks.jsonl" || true
  section "cuSOLVER: potrfBatched, potrsBatched" timeout 90 $carried/potrf_bench --samples 20
  grep '^{' "$out/section.log" >> "$out/benchmarks.jsonl" || true
  for tool in memcheck racecheck synccheck initcheck; do
    section "$tool" timeout 60 compute-sanitizer --tool "$tool" --error-exitcode 1 \
      $carried/test_gpu_device '--gtest_filter=*AFew*'
  done
  rm -f "$out/section.log"
  local benchmarks
  benchmarks=$(paste -sd, "$out/benchmarks.jsonl" 2> /dev/null || true)
  printf '{"commit": "%s", "sections": [%s], "benchmarks": [%s]}\n' \
    "$(cat $carried/commit)" "$(IFS=,; echo "${results[*]}")" "$benchmarks" > "$out/report.json"
  echo "gpu_check: $out/report.md"
  return $failed
}

case "${1:-}" in
  build) build ;;
  run) run "${2:-}" ;;
  *) usage ;;
esac
