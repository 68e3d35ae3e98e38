# Sets BITSCARP_JDK to the home of a JDK 25 or later; sourced by the launchers. Reads the "release" files, starts no JVM.

jdk_major() { # home -> major version, nothing when it is not a JVM
  [ -x "$1/bin/java" ] || return 0
  if [ -r "$1/release" ]; then
    sed -n 's/^JAVA_VERSION="\{0,1\}\([0-9]*\).*/\1/p' "$1/release"
  else
    "$1/bin/java" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p'
  fi
}

find_jdk() {
  local home major on_path
  on_path=$(command -v java 2>/dev/null) && on_path=$(readlink -f "$on_path" 2>/dev/null) && on_path=${on_path%/bin/java}
  for home in "${BITSCARP_JAVA_HOME:-}" "${JAVA_HOME:-}" "${JAVA_HOME_25_X64:-}" "${JDK_25:-}" "$on_path" \
    /usr/lib/jvm/* /usr/java/* /opt/jdk* /opt/java/* /opt/temurin* \
    "${HOME:-}"/.sdkman/candidates/java/* "${HOME:-}"/.jdks/* "${HOME:-}"/.local/share/mise/installs/java/* \
    /Library/Java/JavaVirtualMachines/*/Contents/Home /opt/homebrew/opt/openjdk*/libexec/openjdk.jdk/Contents/Home; do
    [ -n "$home" ] || continue
    major=$(jdk_major "$home")
    if [ -n "$major" ] && [ "$major" -ge 25 ]; then
      BITSCARP_JDK=$home
      return 0
    fi
  done
  cat >&2 <<'MESSAGE'
bitscarp: needs a JDK 25 or later, and none was found.
Looked at BITSCARP_JAVA_HOME, JAVA_HOME, java on the PATH, and the usual folders (/usr/lib/jvm, ~/.sdkman, ~/.jdks, ...).
Install one, e.g. Eclipse Temurin 25 (package temurin-25-jdk) or "sdk install java 25-tem", or set JAVA_HOME to it.
MESSAGE
  return 1
}
