#!/usr/bin/env bash
# The official Python SDK of S3 against the sandbox's storage, and upload against an independent S3: interop/run-storage.sh
# PATH_OF_404_CLI. Keeps its virtual environment in the cache folder. What is real here and what is not: docs/sandbox.md.
set -eu
folder=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?path of the 404-cli binary}")
environment="${XDG_CACHE_HOME:-$HOME/.cache}/404-cli/interop/boto3-1.44.8-moto-5.2.5"
if [ ! -e "$environment/complete" ]; then
  python3 -m venv --clear "$environment"
  "$environment/bin/pip" install --quiet boto3==1.44.8 'moto[server,s3]==5.2.5'
  touch "$environment/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Nothing of the developer's keys and profiles gets in.
unset "${!AWS_@}"
export HOME="$work" AWS_EC2_METADATA_DISABLED=true
"$environment/bin/python" "$folder/storage.py" "$binary"
