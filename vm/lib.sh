# SPDX-License-Identifier: GPL-2.0
# What the scripts of this folder share; sourced, with $me set to the script's name.
# shellcheck shell=sh disable=SC2034,SC2154

top=$(cd "$(dirname "$0")/.." && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/cancelio
# The Debian that vm/newest unpacks.
sid=$cache/sid

say()
{
	echo "$me: $*" >&2
}

die()
{
	say "$@"
	exit "${die_status:-1}"
}

# Runs a command as root, or fails where there is no way to become root.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null 2>&1; then
		sudo "$@"
	else
		return 1
	fi
}

can_be_root()
{
	[ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1
}
