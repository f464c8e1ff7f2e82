#!/usr/bin/env bash
# From a fresh Debian 12 to an answer on real data: installs what is needed, builds the command and
# the portfolio example, and solves and differentiates a mean-variance portfolio for every trading
# day of twenty US stocks. Run it again at any time: what is done already is not done twice.
#
#   scripts/quickstart.sh                      all days of data/sp500_prices.csv.gz
#   scripts/quickstart.sh --gamma 10 --days 2500   arguments go to the example (--help lists them)
set -euo pipefail
cd "$(dirname "$0")/.."

build=build/release
log=$build/quickstart.log
step() { printf '\n== %s (%d s since the start)\n' "$1" "$SECONDS"; }

step "1/3 what the build needs"
scripts/setup.sh

step "2/3 building the library, the command and the example in $build (a few minutes the first time)"
mkdir -p "$build"
{ cmake --preset release && cmake --build "$build" --target bpqp_cli portfolio; } > "$log" 2>&1 || {
  tail -n 40 "$log" >&2
  echo "quickstart.sh: the build failed; $log has all of it" >&2
  exit 1
}

step "3/3 a portfolio for every trading day"
"$build"/examples/portfolio "$@"

cat << END

Done in $SECONDS s. Next:
  $build/bpqp --help                 the command: your own problems, from files
  $build/examples/portfolio --help   this example with other settings
  README.md                          the library in C++
END
