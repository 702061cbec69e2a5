#!/usr/bin/env bash
# The official Python SDK of Bittensor against the sandbox's chain: interop/run-chain.sh PATH_OF_404_CLI
# In two versions that share no interface, each with a virtual environment in the cache folder.
# What is real here and what is not: docs/sandbox.md.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?path of the 404-cli binary}")
cache="${XDG_CACHE_HOME:-$HOME/.cache}/404-cli/interop"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Puts an SDK into an environment of its own, once.
install() {
  [ -e "$2/complete" ] ||
    { python3 -m venv --clear "$2" && "$2/bin/pip" install --quiet "$1" && touch "$2/complete"; }
}

# The SDK's codec reads metadata up to version 15. Tests build the examples, so mostly nothing is compiled here.
converter="$folder/../target/debug/examples/metadata_v15"
[ -x "$converter" ] || (cd "$folder/.." && cargo build --quiet --locked --package gen404-devchain --example metadata_v15)
gzip -dc "$folder/../testdata/finney-spec393-v16.scale.gz" >"$work/finney-v16.scale"
"$converter" "$work/finney-v16.scale" "$work/finney-v15.scale"
export FINNEY_METADATA_V15="$work/finney-v15.scale"
proved=0
for sdk in bittensor==10.4.0 bittensor==11.3.0; do
  environment="$cache/${sdk/==/-}"
  # Each version takes only some versions of Python.
  if ! install "$sdk" "$environment"; then
    "$folder/../scripts/skipped" "$sdk: it cannot be installed for $(python3 --version)"
    continue
  fi
  echo "interop: with $sdk" >&2
  for script in chain_reads chain_commitments chain_codec; do
    # The SDK keeps files in the home folder.
    HOME="$work" "$environment/bin/python" "$folder/$script.py" "$binary"
  done
  proved=1
done
[ "$proved" = 1 ] || { echo "interop: no version of the SDK could be installed" >&2; exit 1; }
