#!/usr/bin/env bash
# Fetches data/sp500_prices.csv.gz again from where it comes from (data/README.md) and checks that it
# is still the same file. Nothing needs this at build or run time.
set -euo pipefail
cd "$(dirname "$0")"

version=1.12.2
expected=ee21cac28befb1d0a739a9ceb22184f995394726aa0cfde9a21941d1ac04ac0d
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

python3 -m pip download --quiet --no-deps --dest "$scratch" "skfolio==$version"
python3 -m zipfile -e "$scratch"/skfolio-"$version"-*.whl "$scratch"
fetched=$scratch/skfolio/datasets/data/sp500_dataset.csv.gz
echo "$expected  $fetched" | sha256sum --check --quiet || {
  echo "fetch_sp500.sh: skfolio $version holds another file than the one kept here" >&2
  exit 1
}
cp "$fetched" sp500_prices.csv.gz
cp "$scratch/skfolio-$version.dist-info/licenses/LICENSE" LICENSE.skfolio
tail -c1 LICENSE.skfolio | grep -q '^$' || echo >> LICENSE.skfolio
echo "data/sp500_prices.csv.gz is the file of skfolio $version"
