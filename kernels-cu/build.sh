#!/usr/bin/env bash
# Compiles cu/*.cu to ptx/sm_*/*.ptx and writes ptx/MANIFEST. Needs nvcc and ptxas; users and CI do not, the PTX is checked in.
#   build.sh                 compiles what changed
#   build.sh --all           compiles everything
#   build.sh --check DIR [NAME...]
#                            compiles everything, or what is named, into DIR and fails where it differs from what is
#                            checked in
# A first line "// arch: 80" in a .cu restricts it to those architectures (default: 75 80). Where the code for both is the same,
# the newer one is left out.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
nvcc=${NVCC:-nvcc}
command -v "$nvcc" >/dev/null || { echo "build.sh: nvcc is not on the PATH; set NVCC, or use the PTX as it is" >&2; exit 1; }
ptxas=$(command -v ptxas || echo "$(dirname "$(readlink -f "$(command -v "$nvcc")")")/ptxas")
version=$("$nvcc" --version | sed -n 's/.*, V\(.*\)/\1/p')
flags=(-O3 -std=c++17 -Werror all-warnings)

mode=${1:-changed}
out=$here/ptx
if [ "$mode" = --check ]; then
  out=$2
  shift 2
else
  set --
fi
names=$(find "$here/cu" -maxdepth 1 -name '*.cu' -printf '%f\n' | sed 's/\.cu$//' | LC_ALL=C sort)

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

compile() { # name architecture
  local ptx=$out/sm_$2/$1.ptx
  mkdir -p "$(dirname "$ptx")"
  # The seed keeps paths and chance out of the names of internal symbols.
  (cd "$here/cu" && "$nvcc" "${flags[@]}" -frandom-seed=bitscarp -I. -arch="compute_$2" -ptx "$1.cu" -o "$ptx.new")
  # Comments name the compiler's build, which is no part of the kernel.
  sed -i -e '/^\/\//d' -e 's/[ \t]*$//' "$ptx.new"
  lower_version "$ptx.new" "$2"
  mv "$ptx.new" "$ptx"
  echo "sm_$2/$1.ptx"
}

# PTX without what names version and architecture.
code() { grep -vE '^\.(version|target) ' "$1"; }

entries=$(mktemp -d)
trap 'rm -rf "$entries"' EXIT
build() { # name
  local hash architectures architecture ptx before= stale=yes
  hash=$(source_hash "$1.cu")
  architectures=$(sed -n '1s|^// arch: ||p' "$here/cu/$1.cu")
  if [ "$mode" = changed ] && grep -qs "^source $1 $hash nvcc $version\$" "$here/ptx/MANIFEST"; then stale=no; fi
  echo "source $1 $hash nvcc $version" >"$entries/$1"
  for architecture in ${architectures:-75 80}; do
    ptx=sm_$architecture/$1.ptx
    if [ $stale = no ] && ! grep -qs "^ptx $ptx " "$here/ptx/MANIFEST"; then continue; fi
    if [ $stale = yes ] || [ ! -f "$out/$ptx" ]; then compile "$1" "$architecture"; fi
    # A newer device runs the older one as well.
    if [ -n "$before" ] && cmp -s <(code "$out/$before") <(code "$out/$ptx"); then
      rm "$out/$ptx"
      continue
    fi
    echo "ptx $ptx $(sha256sum "$out/$ptx" | cut -d' ' -f1)" >>"$entries/$1"
    before=$ptx
  done
}

# Two at a time.
for name in ${*:-$names}; do
  while [ "$(jobs -rp | wc -l)" -ge 2 ]; do wait -n; done
  build "$name" &
done
while [ -n "$(jobs -p)" ]; do wait -n; done
cat "$entries"/* >"$entries/all" 2>/dev/null || true

if [ "$mode" != --check ]; then
  mkdir -p "$out"
  cat "$entries/all" >"$out/MANIFEST"
  # PTX of kernels that are gone.
  find "$out" -name '*.ptx' | while read -r ptx; do
    grep -q "^ptx ${ptx#"$out"/} " "$out/MANIFEST" || rm "$ptx"
  done
elif ! comm -23 <(sort "$entries/all") <(sort "$here/ptx/MANIFEST") | diff - /dev/null; then
  echo "build.sh: what nvcc $version makes differs from what is checked in; run kernels-cu/build.sh --all" >&2
  exit 1
fi
