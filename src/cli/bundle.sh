#!/usr/bin/env bash
# Builds what needs nothing but Linux on x86-64: the distribution trimmed to that platform, with a Java runtime of its own.
#
#   src/cli/bundle.sh [--small] [OUT]      default OUT: src/cli/target/bundle
#
# Leaves OUT/NAME (a folder that runs where it lies), OUT/NAME.tar.xz (the download; .tar.gz where there is no xz) and prints
# the bytes of each part. --small is for carrying to a machine with a GPU: the built-in model with 4-bit weights (a GPTQ
# folder), no OpenBLAS and no oneDNN, everything else the same; it fails where the folder is over its budget. The JVM and the built-in model
# in fp32 alone are 48 MB.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
small=
[ "${1:-}" != --small ] || { small=-small; shift; }
mkdir -p "${1:-$here/target/bundle}"
out=$(cd "${1:-$here/target/bundle}" && pwd)

# Bytes of the small folder at most.
BUDGET=60000000

# What our jars use of the JDK ("jdeps" below checks it), and java.logging for JCuda and JNA. Not java.desktop (12 MB): only
# PNG charts need it, and "report" leaves them out with a note where it is missing.
MODULES=java.base,java.logging,java.management,java.net.http,jdk.incubator.vector,jdk.management,jdk.unsupported
# Jars that no class of ours reaches: DJL's downloads, annotations, nd4j's own API beside OpenBLAS.
UNREACHED='commons-|gson-|error_prone_|nd4j-'

. "$here/src/main/launcher/find-jdk.sh"
find_jdk
for tool in jlink jdeps jimage jar; do
  [ -x "$BITSCARP_JDK/bin/$tool" ] || { echo "bundle: $BITSCARP_JDK has no $tool; a whole JDK is needed" >&2; exit 1; }
done
[ "$(uname -sm)" = "Linux x86_64" ] || { echo "bundle: runs on Linux on x86-64 only, this is $(uname -sm)" >&2; exit 1; }

"$root/bitscarp" --version >/dev/null 2>&1 || { echo "bundle: ./bitscarp --version fails; run it to see why" >&2; exit 1; }
distribution=$(echo "$here"/target/distribution/bitscarp-*/bitscarp-*)
name=$(basename "$distribution")-linux-x86_64$small
work=$(mktemp -d "$out/.bundle-XXXXXX")
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
image=$work/$name
mkdir -p "$image/lib"
cp -r "$distribution"/{bin,share,LICENSE,NOTICE,README.md,CHANGELOG.md} "$image"
chmod -R u+w "$image"

# --- The runtime ------------------------------------------------------------------------------------------------------
used=$("$BITSCARP_JDK/bin/jdeps" --multi-release base -s "$distribution"/lib/bitscarp-*.jar 2>/dev/null |
  sed -n 's/^bitscarp-.* -> \(\(java\|jdk\)\.[a-z.]*\)$/\1/p' | sort -u)
for module in $used; do
  [[ ,$MODULES,java.desktop, == *,$module,* ]] || {
    echo "bundle: our classes use $module, which is not in MODULES of $0" >&2
    exit 1
  }
done
"$BITSCARP_JDK/bin/jlink" --add-modules "$MODULES" --strip-debug --compress zip-9 --no-header-files --no-man-pages \
  --output "$image/runtime" 2>"$work/jlink.log" || { cat "$work/jlink.log" >&2; exit 1; }
if command -v strip >/dev/null; then
  find "$image/runtime/lib" -name '*.so' -exec strip --strip-unneeded {} +
else
  echo "bundle: no strip (binutils): the JVM keeps 5 MB of symbols" >&2
fi
# Vector mathematics of Intel's, which our own in VectorMath stands in for; sorting by vectors, without which the JVM sorts in
# Java; a tool; what only builds and archives need.
rm -f "$image"/runtime/lib/{libjsvml.so,libsimdsort.so,jrt-fs.jar,classlist} "$image/runtime/bin/keytool"

# Jackson names two interfaces of java.xml and calls none. The interfaces alone spare the module, 4 MB.
"$BITSCARP_JDK/bin/jimage" extract --dir "$work/xml" --include 'regex:/java\.xml/org/w3c/dom/[^/]*\.class' \
  "$BITSCARP_JDK/lib/modules"
"$BITSCARP_JDK/bin/jar" --create --date 2026-11-01T00:00:00Z --file "$image/lib/w3c-dom.jar" -C "$work/xml/java.xml" org

# --- The jars ---------------------------------------------------------------------------------------------------------
# trim JAR DROP [KEEP]: copies a jar without the entries whose paths match DROP, unless they match KEEP, and without the symbols
# of its libraries, 0.6 MB altogether.
trim() {
  local jar=$1 unpacked=$work/jar file
  rm -rf "$unpacked"
  mkdir "$unpacked"
  (cd "$unpacked" && "$BITSCARP_JDK/bin/jar" --extract --file "$jar")
  find "$unpacked" -type f -printf '%P\n' | { grep -E "$2" || true; } | { grep -vE "${3:-^$}" || true; } |
    while read -r file; do rm "$unpacked/$file"; done
  find "$unpacked" -type d -empty -delete
  ! command -v strip >/dev/null || find "$unpacked" -name '*.so' -exec strip --strip-unneeded {} +
  mv "$unpacked/META-INF/MANIFEST.MF" "$work/manifest"
  "$BITSCARP_JDK/bin/jar" --create --date 2026-11-01T00:00:00Z --manifest "$work/manifest" \
    --file "$image/lib/$(basename "$jar")" -C "$unpacked" .
}
for jar in "$distribution"/lib/*.jar; do
  file=$(basename "$jar")
  case $file in
    tokenizers-*) trim "$jar" '^native/lib/(linux-aarch64|osx|win)|^nlp/|^cv/|^ai/djl/(engine/rust|huggingface/(translator|zoo))/' ;;
    api-*) trim "$jar" '^ai/djl/(inference|metric|modality|ndarray|nn|repository|training|translate)/' ;;
    jna-*) trim "$jar" 'jnidispatch\.' '/linux-x86-64/' ;;
    aircompressor-*) trim "$jar" '\.(so|dylib|dll)$' ;;
    jcuda-natives-*) trim "$jar" 'libJ(NvPTXCompiler|Nvrtc|CudaRuntime)' ;;
    jcublas-natives-*) trim "$jar" 'libJCublas-' ;;
    dnnl-*) [ -n "$small" ] || trim "$jar" '/include/|/lib/|libjnidnnl\.so|native-image' ;;
    openblas-* | javacpp-*) [ -n "$small" ] || trim "$jar" '/include/|libjniopenblas\.so|native-image|\.(pc|cmake)$' ;;
    *) [[ $file =~ ^($UNREACHED) ]] || cp "$jar" "$image/lib" ;;
  esac
done

# --- The model --------------------------------------------------------------------------------------------------------
if [ -n "$small" ]; then
  "$distribution/bin/bitscarp" quantize --to int4 --device cpu --out "$work/model" -q >/dev/null 2>"$work/quantize.log" ||
    { cat "$work/quantize.log" >&2; exit 1; }
  rm -r "$image/share/models/prose-6m"
  mv "$work/model" "$image/share/models/prose-6m"
fi

# --- Does it run? -----------------------------------------------------------------------------------------------------
# Nothing set, another folder, no right to write into its own: the scores of every token must be the distribution's, bit by
# bit, and the kernels must be in it.
sweep=(--device cpu --levels fp32,int4 --max-tokens 256 --context 128 --continuations 0 --no-noise-floor -q)
[ -z "$small" ] || sweep+=(--matmul java)
touch "$work/before"
chmod -R a-w "$image"
cd "$work"
{
  env -i "$image/bin/bitscarp" sweep "${sweep[@]}" --out "$work/own"
  "$distribution/bin/bitscarp" sweep "$image/share/models/prose-6m" "${sweep[@]}" --out "$work/theirs"
  env -i "$image/bin/bitscarp" gpu-check --device emulated --only bench -q
} >"$work/run.log" 2>&1 || { cat "$work/run.log" >&2; exit 1; }
chmod -R u+w "$image"
diff -r "$work/own/scores" "$work/theirs/scores" >&2 || { echo "bundle: other scores than the distribution's" >&2; exit 1; }
[ -z "$(find "$image" -type f -newer "$work/before")" ] || { echo "bundle: writes into its own folder" >&2; exit 1; }
echo "Runs in an empty environment, with the distribution's scores"

# --- Into place, and what it weighs -----------------------------------------------------------------------------------
bytes() { find "$@" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }'; }
line() { printf '%-34s %11d bytes\n' "$1" "$2"; }
total=$(bytes "$name")
rest=$total
part() { # NAME FILE…: one part of the folder; files that are not there weigh nothing
  local title=$1 sum
  shift
  sum=$(bytes $(ls -d "$@" 2>/dev/null) /dev/null)
  rest=$((rest - sum))
  line "$title" "$sum"
}
part "Java virtual machine" "$name"/runtime/lib/server
part "Java modules" "$name"/runtime/lib/modules
part "tokenizer library" "$name"/lib/{tokenizers,api,jna}-*
part "OpenBLAS" "$name"/lib/{openblas,javacpp}-*
part "oneDNN" "$name"/lib/dnnl-*
part "JCuda" "$name"/lib/jcu{da,blas}-*
part "kernels (PTX)" "$name"/lib/bitscarp-kernels-*
part "our other classes" "$name"/lib/bitscarp-[!k]*
part "Jackson, picocli" "$name"/lib/{jackson,picocli}-*
part "built-in model" "$name"/share/models
line "everything else" "$rest"
line "$name" "$total"
if command -v xz >/dev/null; then
  archive=$name.tar.xz pack="xz -9 -T1"
else
  archive=$name.tar.gz pack="gzip -9n"
fi
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime='2026-11-01 00:00Z' "$name" | $pack >"$archive"
line "$archive" "$(bytes "$archive")"
rm -rf "${out:?}/$name" "${out:?}/$archive"
mv "$name" "$archive" "$out"
echo "In $out"
if [ -n "$small" ] && [ "$total" -gt "$BUDGET" ]; then
  echo "bundle: $name has $total bytes, $BUDGET are allowed" >&2
  exit 1
fi
