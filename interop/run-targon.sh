#!/usr/bin/env bash
# The official Python SDK of Targon against the sandbox's API: interop/run-targon.sh PATH_OF_404_CLI
# Keeps its virtual environment in the cache folder. What is real here and what is not: docs/targon-api.md.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?path of the 404-cli binary}")
sdk=targon-sdk==1.0.0
environment="${XDG_CACHE_HOME:-$HOME/.cache}/404-cli/interop/${sdk/==/-}"
if [ ! -e "$environment/complete" ]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet "$sdk"
  touch "$environment/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work"
"$environment/bin/python" "$folder/targon_sdk.py" "$binary"
