#!/usr/bin/env bash
# The official Python SDK of Bittensor against the sandbox's chain: interop/run-chain.sh PATH_OF_404_CLI
# Keeps its virtual environment in the cache folder. What is real here and what is not: docs/sandbox.md.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?path of the 404-cli binary}")
sdk=bittensor==10.4.0
environment="${XDG_CACHE_HOME:-$HOME/.cache}/404-cli/interop/${sdk/==/-}"
if [ ! -e "$environment/complete" ]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet "$sdk"
  touch "$environment/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

finney="${FINNEY_METADATA:-$folder/../../shared/data/finney-metadata-spec393-v16.scale}"
if [ -e "$finney" ]; then
  # The SDK's codec reads metadata up to version 15. Tests build the examples, so mostly nothing is compiled here.
  converter="$folder/../target/debug/examples/metadata_v15"
  [ -x "$converter" ] || (cd "$folder/.." && cargo build --quiet --locked --package gen404-sandbox --example metadata_v15)
  "$converter" "$finney" "$work/finney-v15.scale"
  export FINNEY_METADATA_V15="$work/finney-v15.scale"
fi
# The SDK keeps files in the home folder.
export HOME="$work"
for script in chain_reads chain_commitments chain_codec; do
  "$environment/bin/python" "$folder/$script.py" "$binary"
done
