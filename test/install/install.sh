#!/bin/sh
# install.sh TOOL…: installs missing tools of the tests on this machine.
#
# TOOL is cc, node (20 or later), openssl (libcrypto, to link with), python, java,
# maven, postgres, softhsm, haproxy, nginx, systemd, dovecot, apache (with
# mod_auth_openidc) or chromium. It keeps tools that are there already, and installs
# the others with the system's package manager (apt-get, dnf, apk or brew), as root or
# through `sudo -n`. If that is impossible, it says what to install by hand, and fails.
set -eu

say() { echo "install: $*" >&2; }
have() { command -v "$1" >/dev/null 2>&1; }

# there TOOL: is it usable on this machine?
there() {
  case $1 in
    cc) echo '#include <stdlib.h>' | ${CC:-$(go env CC)} -E - >/dev/null 2>&1 ;;
    node) have npm && node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null ;;
    openssl) have openssl && echo '#include <openssl/evp.h>' | ${CC:-$(go env CC)} -E - >/dev/null 2>&1 ;;
    python) have python3 && python3 -c 'import venv, ensurepip' 2>/dev/null ;;
    java) have javac && javac -version >/dev/null 2>&1 ;;
    maven) have mvn ;;
    postgres)
      have postgres && return
      for program in /usr/lib/postgresql/*/bin/postgres /usr/libexec/postgresql*/postgres /usr/pgsql-*/bin/postgres \
        /opt/homebrew/opt/postgresql*/bin/postgres /usr/local/opt/postgresql*/bin/postgres; do
        [ -x "$program" ] && return
      done
      return 1 ;;
    softhsm) have softhsm2-util ;;
    haproxy) have haproxy ;;
    nginx) have nginx ;;
    systemd) have systemd-analyze ;;
    dovecot) have dovecot || [ -x /usr/sbin/dovecot ] ;;
    apache) ls /usr/lib/apache2/modules/mod_auth_openidc.so /usr/lib64/httpd/modules/mod_auth_openidc.so 2>/dev/null | grep -q . ;;
    chromium) have chromium || have chromium-browser || have google-chrome || have chrome ;;
    *) say "unknown tool $1; known are: cc node openssl python java maven postgres softhsm haproxy nginx systemd dovecot apache chromium"; exit 2 ;;
  esac
}

# package MANAGER TOOL: prints the packages that contain the tool.
package() {
  case $1/$2 in
    apt-get/cc) echo gcc libc6-dev ;;
    dnf/cc) echo gcc glibc-devel ;;
    apk/cc) echo gcc musl-dev ;;
    brew/cc) echo gcc ;;
    brew/node) echo node ;;
    */node) echo nodejs npm ;;
    apt-get/openssl) echo libssl-dev openssl ;;
    dnf/openssl) echo openssl-devel openssl ;;
    apk/openssl) echo openssl openssl-dev openssl-libs-static ;;
    brew/openssl) echo openssl@3 ;;
    apt-get/python) echo python3 python3-venv ;;
    brew/python) echo python ;;
    */python) echo python3 ;;
    apt-get/java) echo default-jdk-headless ;;
    dnf/java) echo java-latest-openjdk-devel ;;
    apk/java) echo openjdk21-jdk ;;
    brew/java) echo openjdk ;;
    */maven) echo maven ;;
    apt-get/postgres) echo postgresql ;;
    dnf/postgres) echo postgresql-server ;;
    apk/postgres) echo postgresql ;;
    brew/postgres) echo postgresql@17 ;;
    apt-get/softhsm) echo softhsm2 ;;
    */softhsm) echo softhsm ;;
    */haproxy) echo haproxy ;;
    */nginx) echo nginx ;;
    */systemd) echo systemd ;;
    apt-get/dovecot) echo dovecot-core ;;
    */dovecot) echo dovecot ;;
    apt-get/apache) echo apache2 libapache2-mod-auth-openidc ;;
    dnf/apache) echo httpd mod_auth_openidc ;;
    apk/apache) echo apache2 apache-mod-auth-openidc ;;
    brew/apache) echo httpd ;;
    */chromium) echo chromium ;;
  esac
}

manager() {
  for m in apt-get dnf apk brew; do
    if have $m; then echo $m; return; fi
  done
}

# without_cluster COMMAND…: runs the command as root while Debian's postgresql package
# is configured to make and start no cluster: a test server is not a system service.
without_cluster() {
  # shellcheck disable=SC2016 # the inner shell expands
  $as_root sh -c '
    conf=/etc/postgresql-common/createcluster.d/authserver-tests.conf
    mkdir -p "${conf%/*}"
    trap "rm -f $conf" EXIT
    echo "create_main_cluster = false" >$conf
    "$@"' sh "$@"
}

# without_services COMMAND…: runs the command as root while Debian's packages are
# configured to start no service: a test runs a proxy of its own.
without_services() {
  # shellcheck disable=SC2016 # the inner shell expands
  $as_root sh -c '
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
      trap "rm -f $policy" EXIT
      printf "#!/bin/sh\nexit 101\n" >"$policy"
      chmod 755 "$policy"
    fi
    "$@"' sh "$@"
}

missing=
for tool in "$@"; do
  there "$tool" || missing="$missing $tool"
done
[ -n "$missing" ] || exit 0

with=$(manager)
if [ -z "$with" ]; then
  say "missing:$missing, and there is no apt-get, dnf, apk or brew to install it with: install it by hand"
  exit 1
fi
packages=
for tool in $missing; do packages="$packages $(package "$with" "$tool")"; done

as_root=
if [ "$with" != brew ] && [ "$(id -u)" != 0 ]; then
  if ! have sudo || ! sudo -n true 2>/dev/null; then
    say "missing:$missing, and only root may install it. Run: sudo $with install$packages"
    exit 1
  fi
  as_root="sudo -n"
fi

say "missing:$missing; installing with $with:$packages"
# shellcheck disable=SC2086 # a list of package names
case $with in
  apt-get)
    apt="env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300"
    $as_root $apt update >&2
    case $missing in
      *postgres*) without_cluster $apt install -y --no-install-recommends $packages >&2 ;;
      *haproxy*|*nginx*|*dovecot*|*apache*) without_services $apt install -y --no-install-recommends $packages >&2 ;;
      *) $as_root $apt install -y --no-install-recommends $packages >&2 ;;
    esac ;;
  dnf) $as_root dnf install -y $packages >&2 ;;
  apk) $as_root apk add --no-cache $packages >&2 ;;
  brew) brew install $packages >&2 ;;
esac

# The Node.js of a stable distribution is often too old; npm has newer ones.
case $missing in
  *node*) there node || { $as_root npm install --global --prefix /usr/local node@22 >&2; hash -r; } ;;
esac

for tool in $missing; do
  if ! there "$tool"; then
    say "$tool is still missing after installing$packages: install it by hand"
    exit 1
  fi
done
