# Shared by the scripts of this folder: paths, messages, the private database server. Sourced, never run.
set -euo pipefail
NAME=$(basename "$0")
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=${QUALIOPI_CACHE:-${HOME:?HOME is not set}/.cache/qualiopi}
PREFIX=$CACHE/odoo
VENV=$CACHE/venv
# Everything that belongs to one checkout: two clones on a machine do not disturb each other.
CHECKOUT=$(printf %s "$REPO" | sha256sum | cut -c1-8)
WORK=$CACHE/checkout-$CHECKOUT
LOG=$CACHE/setup.log
PGUSER=qualiopi
PGPORT=5432
export PGUSER PGPORT
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

die() { printf '%s: %s\n' "dev/$NAME" "$*" >&2; exit 1; }
step() { printf '==> %s\n' "$*"; }

# Runs a command with its output in the log; on failure says WHAT in one line and stops.
quietly() {
    local what=$1; shift
    if ! "$@" >>"$LOG" 2>&1; then
        if tail -n 30 "$LOG" | grep -qi 'no space left'; then
            die "the disk is full ($CACHE); free some space and run this again"
        fi
        die "$what (details: $LOG)"
    fi
}

# One run at a time for what NAME protects; the lock ends with the process.
take_lock() {
    local name=$1 message=$2 fd=$3
    eval "exec $fd>\"$CACHE/$name.lock\""
    if [ -n "${QUALIOPI_WAIT:-}" ]; then flock "$fd"; else flock -n "$fd" || die "$message"; fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo -n "$@"
    else return 126; fi
}

can_be_root() { [ "$(id -u)" = 0 ] || { command -v sudo >/dev/null && sudo -n true 2>/dev/null; }; }

# The PostgreSQL cluster is our own, on a Unix socket of its own. PostgreSQL refuses to run as root:
# then the postgres account runs it, which cannot look into a root-only home, hence /var/cache.
if [ "$(id -u)" = 0 ]; then
    PGROOT=/var/cache/qualiopi-postgres-$(printf %s "$CACHE" | sha256sum | cut -c1-8)
    as_postgres() { (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@"); }
else
    PGROOT=$CACHE/postgres
    as_postgres() { "$@"; }
fi
export PGHOST=$PGROOT/socket
find_pgbin() {
    PGBIN=$(for d in /usr/lib/postgresql/*/bin; do [ -x "$d/initdb" ] && echo "$d"; done 2>/dev/null | sort -V | tail -n 1)
    [ -z "$PGBIN" ] || export PATH=$PGBIN:$PATH
}

start_postgres() {
    find_pgbin
    [ -n "$PGBIN" ] || die "PostgreSQL is not installed; run dev/setup"
    local version=${PGBIN%/bin}; version=${version##*/}
    PGDATA=$PGROOT/data-$version
    (
        exec 8>"$CACHE/postgres.lock"; flock 8
        if [ ! -e "$PGDATA/PG_VERSION" ]; then
            step "Creating a private PostgreSQL $version cluster"
            mkdir -p "$PGROOT/socket"
            rm -rf "$PGDATA.new"; mkdir "$PGDATA.new"
            chmod 700 "$PGROOT/socket"
            [ "$(id -u)" != 0 ] || chown -R postgres: "$PGROOT"
            quietly "the database cluster could not be created" \
                as_postgres "$PGBIN/initdb" -D "$PGDATA.new" -U "$PGUSER" -A trust -E UTF8 --locale=C.UTF-8
            mv "$PGDATA.new" "$PGDATA"
        fi
        if ! as_postgres "$PGBIN/pg_ctl" -D "$PGDATA" status >/dev/null 2>&1; then
            step "Starting PostgreSQL"
            # A scratch server: no fsync, so that databases are made and copied quickly.
            # The server outlives this script and must not inherit its locks (6 to 9).
            quietly "PostgreSQL did not start" as_postgres "$PGBIN/pg_ctl" -D "$PGDATA" -w -t 60 \
                -l "$PGROOT/postgres.log" -o "-k $PGHOST -p $PGPORT -c listen_addresses='' \
                -c unix_socket_permissions=0700 -c fsync=off -c synchronous_commit=off \
                -c full_page_writes=off -c max_connections=100 -c shared_buffers=256MB" start \
                6>&- 7>&- 8>&- 9>&- </dev/null
        fi
    ) 8>&-
}

db_exists() { [ "$(psql -d postgres -tAc "SELECT 1 FROM pg_database WHERE datname = '$1'")" = 1 ]; }

# Where Odoo 19 is: ODOO_HOME (a source tree or an unpacked package) or our own prefix.
find_odoo() {
    local home=${ODOO_HOME:-$PREFIX} base
    ODOO_PATH=
    for base in "$home" "$home/usr/lib/python3/dist-packages"; do
        if [ -f "$base/odoo/release.py" ] && grep -q "version_info = (19, 0" "$base/odoo/release.py"; then
            ODOO_PATH=$base
        fi
    done
    [ -n "$ODOO_PATH" ] || return 1
    # A source tree keeps the applications in addons/; Debian's package has them whole in odoo/addons/.
    ODOO_ADDONS=$ODOO_PATH/odoo/addons
    [ -d "$ODOO_ADDONS/event/views" ] || ODOO_ADDONS=$ODOO_PATH/addons
}

# Odoo with our addon: odoo DATABASE ARGUMENTS...
odoo() {
    local db=$1; shift
    PYTHONPATH=$ODOO_PATH PATH=$VENV/bin:$PATH "$VENV/bin/python" -m odoo "$@" \
        -d "$db" --db_host="$PGHOST" --db_user="$PGUSER" --data-dir="$WORK/data" \
        --addons-path="$ODOO_ADDONS,$WORK/addons"
}

# Makes everything ready; silent when nothing is left to do.
prepare() {
    "$REPO/dev/setup" || exit 1
    find_odoo || die "no Odoo 19 in ${ODOO_HOME:-$PREFIX}"
    mkdir -p "$WORK/addons" "$WORK/data"
    # The addon's name is its folder's name, whatever the checkout is called.
    ln -sfn "$REPO" "$WORK/addons/qualiopi"
    start_postgres
}
