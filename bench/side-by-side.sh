#!/usr/bin/env bash
# Scoring speed side by side with llama.cpp: both programs in turn on a Llama of the same shape with random
# weights, two threads, windows of 512 tokens. Prints tokens/s of each run and the median of the ratios run by run.
#
#   bench/side-by-side.sh MODEL_FOLDER MODEL.gguf LLAMA_BENCH [RUNS]
#
# MODEL_FOLDER comes from WriteRandomLlama (bench/README.md), MODEL.gguf holds a model of the same shape, LLAMA_BENCH is the
# peer's llama-bench program. LEVEL=int4 measures a level other than fp32.
set -euo pipefail
[ $# -ge 3 ] || { sed -n '2,9p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
runs=${4:-3}
ours=() theirs=()
for run in $(seq "$runs"); do
  speed=$("$root/bitscarp" perplexity "$1" --protocol gptq --context 512 --max-tokens 16384 --level "${LEVEL:-fp32}" --threads 2 -q 2>/dev/null |
    sed -n 's/.* \([0-9]*\) tokens\/s$/\1/p')
  ours+=("$speed")
  peer=$("$3" -m "$2" -p 512 -n 0 -t 2 -b 512 -ub 512 -r 5 -o csv 2>/dev/null | tail -n 1 | tr -d '"' |
    awk -F, '{ print $(NF - 1) }')
  theirs+=("$peer")
  echo "run $run: bitscarp ${LEVEL:-fp32} $speed tokens/s, llama-bench $(basename "$2") $peer tokens/s"
done
for run in $(seq 0 $((runs - 1))); do
  awk -v a="${ours[$run]}" -v b="${theirs[$run]}" 'BEGIN { print a / b }'
done | sort -g | awk '{ r[NR] = $1 } END { printf "ratio run by run: median %.2f, %.2f to %.2f\n", r[int((NR + 1) / 2)], r[1], r[NR] }'
