#!/usr/bin/env bash
# Compiles cu/*.cu to ptx/sm_*/*.ptx and writes ptx/MANIFEST. Needs nvcc and ptxas; users and CI do not, the PTX is checked in.
#   build.sh                 compiles what changed
#   build.sh --all           compiles everything
#   build.sh --check DIR     compiles everything into DIR and fails where it differs from what is checked in
# A first line "// arch: 80" in a .cu restricts it to those architectures (default: 75 80).
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nvcc=${NVCC:-nvcc}
command -v "$nvcc" >/dev/null || { echo "build.sh: nvcc is not on the PATH; set NVCC, or use the PTX as it is" >&2; exit 1; }
ptxas=$(command -v ptxas || echo "$(dirname "$(readlink -f "$(command -v "$nvcc")")")/ptxas")
version=$("$nvcc" --version | sed -n 's/.*, V\(.*\)/\1/p')
flags=(-O3 -std=c++17 -Werror all-warnings)

mode=${1:-changed}
out=$here/ptx
[ "$mode" = --check ] && out=$2

# The hash of a kernel: flags, then its file and each header that it includes with quotes, each once, depth first.
sources() {
  case " $seen " in *" $1 "*) return 0 ;; esac
  seen="$seen $1"
  cat "$here/cu/$1"
  local header
  for header in $(sed -n 's/^#include "\(.*\)".*/\1/p' "$here/cu/$1"); do sources "$header"; done
}
source_hash() {
  { printf '%s\n' "${flags[*]}"; seen=""; sources "$1"; } | sha256sum | cut -d' ' -f1
}

# The oldest PTX version that assembles, so that older drivers load it: a toolkit writes its own version whatever is used.
lower_version() { # file architecture
  local v
  for v in 6.3 6.4 6.5 7.0 7.1 7.2 7.3 7.4 7.5 7.6 7.7 7.8 8.0; do
    sed -i "s/^\.version .*/.version $v/" "$1"
    if "$ptxas" -arch="sm_$2" "$1" -o /dev/null >/dev/null 2>&1; then return 0; fi
  done
  echo "build.sh: $1 does not assemble for sm_$2 with any PTX version up to 8.0:" >&2
  "$ptxas" -arch="sm_$2" "$1" -o /dev/null >&2 || true
  return 1
}

manifest=$(mktemp)
trap 'rm -f "$manifest"' EXIT
for cu in $(find "$here/cu" -maxdepth 1 -name '*.cu' | LC_ALL=C sort); do
  name=$(basename "$cu" .cu)
  hash=$(source_hash "$name.cu")
  architectures=$(sed -n '1s|^// arch: ||p' "$cu")
  stale=yes
  if [ "$mode" = changed ] && grep -qs "^source $name $hash nvcc $version\$" "$here/ptx/MANIFEST"; then stale=no; fi
  echo "source $name $hash nvcc $version" >>"$manifest"
  for architecture in ${architectures:-75 80}; do
    ptx=$out/sm_$architecture/$name.ptx
    if [ $stale = yes ] || [ ! -f "$ptx" ]; then
      mkdir -p "$(dirname "$ptx")"
      "$nvcc" "${flags[@]}" -I"$here/cu" -arch="compute_$architecture" -ptx "$cu" -o "$ptx.new"
      # Comments name the compiler's build, which is no part of the kernel.
      sed -i -e '/^\/\//d' -e 's/[ \t]*$//' "$ptx.new"
      lower_version "$ptx.new" "$architecture"
      mv "$ptx.new" "$ptx"
      echo "sm_$architecture/$name.ptx"
    fi
    echo "ptx sm_$architecture/$name.ptx $(sha256sum "$ptx" | cut -d' ' -f1)" >>"$manifest"
  done
done
mkdir -p "$out"
cat "$manifest" >"$out/MANIFEST"
# PTX of kernels that are gone.
if [ "$mode" != --check ]; then
  find "$out" -name '*.ptx' | while read -r ptx; do
    grep -q "^ptx ${ptx#"$out"/} " "$manifest" || rm "$ptx"
  done
else
  # Lines of the manifest may lie in any order: branches are merged line by line.
  diff -r -x MANIFEST "$here/ptx" "$out" && diff <(sort "$here/ptx/MANIFEST") <(sort "$out/MANIFEST") || {
    echo "build.sh: what nvcc $version makes differs from what is checked in; run kernels-cu/build.sh --all" >&2
    exit 1
  }
fi
