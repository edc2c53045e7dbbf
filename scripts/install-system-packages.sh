#!/usr/bin/env bash
# Installs the Debian packages that the demo or the tests need, and only those that are missing.
#
#   scripts/install-system-packages.sh demo   what `make demo` needs
#   scripts/install-system-packages.sh test   what `make test` needs (the default)
#
# Does nothing, fast, where nothing is missing; else it needs root or sudo. Where it can't install,
# it names what is missing: it then fails, except for the packages that the demo can do without.
set -euo pipefail

purpose=${1:-test}
case $purpose in
  demo | test) ;;
  *)
    echo "usage: ${0##*/} [demo|test]" >&2
    exit 2
    ;;
esac

say() { printf 'system packages: %s\n' "$*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian's chromium is a browser the tests can drive; its package has no Korean letters of its own.
test_packages=(
  chromium fonts-nanum iproute2 iptables iputils-ping nftables prometheus prometheus-alertmanager
  redis-server tcpdump tmux
)

required=()
wanted=()
# A Python that was not installed from Debian brings its own venv, so ask it rather than dpkg.
if ! have python3 || ! python3 -c 'import ensurepip, venv' >/dev/null 2>&1; then
  required+=(python3-venv)
fi
# kubectl comes in many ways, and any one serves: take Debian's only where there is none.
if ! have kubectl; then
  if [[ $purpose == demo ]]; then wanted+=(kubernetes-client); else required+=(kubernetes-client); fi
fi

if ! have dpkg-query; then
  # Not Debian: its package names mean nothing here, so look for the programs instead.
  [[ $purpose == demo ]] || for program in chromium ip iptables nft ping prometheus alertmanager redis-server tcpdump tmux; do
    have "$program" || required+=("$program")
  done
  if ((${#required[@]} + ${#wanted[@]})); then
    say "not a Debian system; please install yourself: ${required[*]} ${wanted[*]}"
  fi
  ((${#required[@]} == 0))
  exit
fi

if [[ $purpose == test ]]; then
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' "${test_packages[@]}" 2>/dev/null || true)
  for package in "${test_packages[@]}"; do
    grep -qx "installed $package" <<<"$installed" || required+=("$package")
  done
fi

missing=("${required[@]}" "${wanted[@]}")
((${#missing[@]})) || exit 0

give_up() {
  say "$1"
  say "please install as root:  apt-get install --no-install-recommends ${missing[*]}"
  if ((${#required[@]} == 0)); then
    say "going on without; the parts that use them will say so"
    exit 0
  fi
  exit 1
}

as_root=()
if ((EUID != 0)); then
  have sudo || give_up "missing ${missing[*]}, and neither root nor sudo is at hand"
  as_root=(sudo)
  # Nobody is there to type a password where there is no terminal, or in CI.
  if [[ -n ${CI:-} || ! -t 0 ]]; then as_root=(sudo -n); fi
  "${as_root[@]}" true || give_up "missing ${missing[*]}, and sudo was refused"
fi

# Debian starts a service as soon as its package is installed, on ports the tests want to choose
# themselves. A policy that forbids it is put in place for the time of the installation only.
policy=/usr/sbin/policy-rc.d
kept_policy=
restore_policy() {
  "${as_root[@]}" rm -f "$policy"
  [[ -z $kept_policy ]] || "${as_root[@]}" mv "$kept_policy" "$policy"
}
forbids_all() { [[ -x $policy ]] && ! "$policy" prometheus start >/dev/null 2>&1; }
if ! forbids_all; then
  if [[ -e $policy ]]; then
    kept_policy=$policy.before-bongsu
    "${as_root[@]}" mv "$policy" "$kept_policy"
  fi
  trap restore_policy EXIT
  printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
  "${as_root[@]}" chmod 755 "$policy"
fi

apt() {
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l \
    apt-get -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null >&2
}
install_missing() { apt install -y --no-install-recommends "${missing[@]}"; }

say "installing ${missing[*]}"
# The lists on disk often suffice; where they are absent or too old, the installation fails at once.
if ! install_missing; then
  say "refreshing the package lists"
  apt update || give_up "the package lists could not be refreshed"
  install_missing || give_up "installation failed"
fi
