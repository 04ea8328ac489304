# Shared by the scripts of this folder: paths, messages, the private database server. Sourced, never run.
set -euo pipefail
NAME=$(basename "$0")
REPO=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
CACHE=$(realpath -m -- "${QUALIOPI_CACHE:-${HOME:?is not set, nor is QUALIOPI_CACHE}/.cache/qualiopi}")
PREFIX=$CACHE/odoo
VENV=$CACHE/venv
# Everything that belongs to one checkout: two clones on a machine do not disturb each other.
CHECKOUT=$(printf %s "$REPO" | sha256sum | cut -c1-8)
WORK=$CACHE/checkout-$CHECKOUT
DATA=$WORK/data
LOG=$CACHE/setup.log
PGUSER=qualiopi
PGPORT=5432
# Nothing of the caller's own Odoo, PostgreSQL or language may leak in.
unset PGSERVICE PGSERVICEFILE PGPASSWORD PGPASSFILE PGDATABASE PGOPTIONS PGHOSTADDR PGSSLMODE PYTHONHOME
export PGUSER PGPORT LC_ALL=C.UTF-8 ODOO_RC=/dev/null
export PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1

die() { printf '%s: %s\n' "dev/$NAME" "$*" >&2; exit 1; }
step() { printf '==> %s\n' "$*"; }

# Says WHAT failed in one line and stops; the end of the log FILE tells a full disk from the rest.
fail() {
    local what=$1 file=$2
    if tail -n 50 "$file" 2>/dev/null | grep -qi 'no space left' || [ "$(free_mib "$CACHE")" -lt 100 ]; then
        die "the disk is full ($CACHE); free some space and run this again"
    fi
    # The last exception's own line says more than the traceback above it.
    grep -E '^[A-Za-z_.]*(Error|Exception|Warning)\b' "$file" | tail -n 1 >&2 || true
    die "$what (details: $file)"
}

# Runs a command with its output in the log.
quietly() {
    local what=$1; shift
    "$@" >>"$LOG" 2>&1 || fail "$what" "$LOG"
}

free_mib() { df -Pm "$1" | awk 'NR == 2 {print $4}'; }

# One run at a time for what the lock NAME protects, on descriptor FD; it ends with the process.
take_lock() {
    local name=$1 fd=$2 message=$3
    eval "exec $fd>\"$CACHE/$name.lock\"" 2>/dev/null || die "cannot write to $CACHE"
    flock -n "$fd" && return 0
    [ -n "${QUALIOPI_WAIT:-}" ] || die "$message; wait for it, or set QUALIOPI_WAIT=1"
    step "Waiting: $message"
    flock "$fd"
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
# The system's limit for the name of a socket is 107 bytes.
[ ${#PGHOST} -le 85 ] || die "the path $CACHE is too long for PostgreSQL; set QUALIOPI_CACHE to a shorter one"
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
        QUALIOPI_WAIT=1 take_lock postgres 8 "another run is starting PostgreSQL"
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
    )
}

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
    odoo_command "$@"
    "${COMMAND[@]}"
}

# Sets COMMAND to what runs Odoo with our addon, or the script SCRIPT on it.
odoo_command() {
    local db=$1 program=(-m odoo); shift
    [ -z "${SCRIPT:-}" ] || program=("$SCRIPT")
    COMMAND=(env "PYTHONPATH=$ODOO_PATH" "PATH=$VENV/bin:$PATH" "$VENV/bin/python" "${program[@]}" "$@"
        -d "$db" "--db_host=$PGHOST" "--db_user=$PGUSER" "--data-dir=$DATA"
        "--addons-path=$ODOO_ADDONS,$WORK/addons")
}

# Makes everything ready; silent when nothing is left to do.
prepare() {
    "$REPO/dev/setup" || exit 1
    find_odoo || die "no Odoo 19 in ${ODOO_HOME:-$PREFIX}"
    link_addon
    [ "$(free_mib "$CACHE")" -ge 300 ] ||
        die "the disk is nearly full ($CACHE needs 300 MiB); free some space and run this again"
    start_postgres
}

# The addon's name is its folder's name, whatever the checkout is called.
link_addon() {
    mkdir -p "$WORK/addons" "$DATA" 2>/dev/null && ln -sfn "$REPO" "$WORK/addons/qualiopi" ||
        die "cannot write to $CACHE (disk full or no permission)"
}

db_exists() { [ "$(psql -d postgres -tAc "SELECT 1 FROM pg_database WHERE datname = '$1'")" = 1 ]; }

drop_db() {
    psql -q -d postgres -c "DROP DATABASE IF EXISTS \"$1\" WITH (FORCE)" 2>/dev/null || true
    rm -rf "$DATA/filestore/${1:?}"
}

# The database comes last: it exists when it is whole.
rename_db() {
    rm -rf "$DATA/filestore/${2:?}"
    [ ! -d "$DATA/filestore/$1" ] || mv "$DATA/filestore/$1" "$DATA/filestore/$2"
    psql -q -d postgres -c "ALTER DATABASE \"$1\" RENAME TO \"$2\""
}

# Runs Odoo once on DATABASE, with its log in $WORK/NAME.log and the modules' names on the screen.
odoo_once() {
    local what=$1 log=$WORK/$NAME.log line; shift
    odoo "$@" --stop-after-init </dev/null 2>&1 | tee -a "$log" | while IFS= read -r line; do
        [[ $line =~ Loading\ module\ ([a-z0-9_]+)\ \(([0-9]+)/([0-9]+)\) ]] || continue
        if [ -t 1 ]; then printf '\r\033[K    %s (%s of %s)' "${BASH_REMATCH[@]:1:3}"
        elif [ "${BASH_REMATCH[1]}" = qualiopi ] || [ $((BASH_REMATCH[2] % 10)) = 0 ]; then
            printf '    %s (%s of %s)\n' "${BASH_REMATCH[@]:1:3}"
        fi
    done || {
        [ ! -t 1 ] || echo
        fail "$what" "$log"
    }
    [ ! -t 1 ] || printf '\r\033[K'
}

# What a template depends on: the manifest's dependencies and where Odoo is.
depends() {
    "$VENV/bin/python" -c 'import ast, sys; print(",".join(ast.literal_eval(open(sys.argv[1]).read())["depends"]))' \
        "$REPO/__manifest__.py" || die "__manifest__.py cannot be read"
}

# Makes DATABASE, with all that the addon depends on, in French: KIND is plain or demo (Odoo's own
# demo data). The template behind it is made once and copied, which takes seconds.
new_db() {
    local db=$1 kind=$2 depends template options=()
    depends=$(depends)
    template=template_${kind}_$(printf '%s %s' "$depends" "$ODOO_PATH" | sha256sum | cut -c1-8)
    (
        DATA=$CACHE/templates
        QUALIOPI_WAIT=1 take_lock template 8 "another run makes a template database"
        db_exists "$template" && exit 0
        step "Making a template database: $depends, $kind (once)"
        [ "$kind" = plain ] || options=(--with-demo)
        trap 'drop_db "$template.new"' EXIT
        drop_db "$template.new"
        quietly "the database could not be made" createdb "$template.new"
        odoo_once "the template database could not be made" "$template.new" -i "$depends" --load-language=fr_FR \
            --no-http "${options[@]}" 8>&-
        rename_db "$template.new" "$template"
    ) || exit 1
    drop_db "$db"
    quietly "the database could not be copied" createdb -T "$template" "$db"
    mkdir -p "$DATA/filestore"
    # Files in Odoo's filestore never change, so links serve as copies.
    [ ! -d "$CACHE/templates/filestore/$template" ] ||
        quietly "the files could not be copied" \
            cp -al "$CACHE/templates/filestore/$template" "$DATA/filestore/$db"
}
