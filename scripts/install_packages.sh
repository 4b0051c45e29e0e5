#!/usr/bin/env bash
# Installs the Debian or Ubuntu packages that are missing for the parts named: build, model, test,
# bench, fuzz, tidy. Asks dpkg first, so a second run costs milliseconds and needs neither root nor network.
set -euo pipefail

# A line a package; where releases differ in a name, the alternatives stand in order of preference.
# `command:NAME` is content with the program, wherever it came from.
packages() {
  case $1 in
    build) cat <<'LIST'
ca-certificates
ccache
cmake
g++
libboost-dev|libboost1.83-dev|libboost1.74-dev
libcaf-dev
libcli11-dev
libcurl4-openssl-dev|libcurl4-gnutls-dev
libdnnl-dev
libgmock-dev
libgtest-dev
libhnswlib-dev
libhowardhinnant-date-dev
libmsgpack-cxx-dev|libmsgpack-dev
libpcre2-dev
librocksdb-dev
libsimdjson-dev
libspdlog-dev
libssl-dev
libutf8proc-dev
libxxhash-dev
libyaml-cpp-dev
libzstd-dev
make
ninja-build
nlohmann-json3-dev
prometheus-cpp-dev
tzdata
zlib1g-dev
LIST
      ;;
    test) cat <<'LIST'
command:node|nodejs
command:npm|npm
command:python3|python3
command:curl|curl
python3-venv
LIST
      ;;
    model) printf 'ca-certificates\ncommand:python3|python3\npython3-venv\n' ;;
    bench) echo 'command:nginx|nginx-light|nginx' ;;
    fuzz) printf 'clang\nlibclang-rt-dev|libclang-rt-14-dev|libclang-rt-18-dev|libclang-rt-19-dev\n' ;;
    tidy) printf 'clang-format\nclang-tidy\n' ;;
    *) echo "install_packages: unknown part '$1'; parts are build, model, test, bench, fuzz, tidy" >&2; exit 2 ;;
  esac
}

if ! command -v dpkg-query >/dev/null; then
  echo "install_packages: this is neither Debian nor Ubuntu; install the packages listed in $0 yourself" >&2
  exit 1
fi

wanted=$(for part in "$@"; do packages "$part"; done)
installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | awk '$1 == "installed" {print $2}')

missing=()
while IFS= read -r line; do
  found=
  IFS='|' read -ra choices <<<"$line"
  for choice in "${choices[@]}"; do
    if [[ $choice == command:* ]]; then
      command -v "${choice#command:}" >/dev/null && found=1
    elif grep -qxF "$choice" <<<"$installed"; then
      found=1
    fi
    [ -z "$found" ] || break
  done
  [ -n "$found" ] || missing+=("$line")
done <<<"$wanted"
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo >/dev/null; then
    echo "install_packages: these are missing, and there is no sudo to install them: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o Acquire::Retries=3 "$@"
}

echo "Installing packages; looking for ${#missing[@]} that are missing"
apt -qq update

known() {
  local policy
  policy=$(apt-cache policy "$1" 2>/dev/null)
  grep -qE '^  Candidate: [^(]' <<<"$policy"
}
names=()
for line in "${missing[@]}"; do
  name=
  IFS='|' read -ra choices <<<"$line"
  for choice in "${choices[@]}"; do
    [[ $choice == command:* ]] && continue
    if known "$choice"; then
      name=$choice
      break
    fi
  done
  if [ -z "$name" ]; then
    echo "install_packages: no package source of this system has ${line//|/ or }" >&2
    exit 1
  fi
  names+=("$name")
done
echo "Installing ${names[*]}"
apt -qq install -y --no-install-recommends -o Dpkg::Use-Pty=0 "${names[@]}"
