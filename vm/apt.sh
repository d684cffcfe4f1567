# SPDX-License-Identifier: GPL-2.0
# The packages that vm/kernels fetches; sourced after lib.sh. There are three apts to ask:
#   host    this machine's own
#   sid     that of the Debian which vm/newest unpacked
#   arm64   this machine's suites, as a machine of type arm64 sees them
# shellcheck shell=bash disable=SC2154

apt_root=/
apt_options=()

use_apt()
{
	apt_root=/
	apt_options=(-o APT::Sandbox::User=root)
	case $1 in
	host) return ;;
	sid) apt_root=$sid ;;
	arm64) apt_root=$cache/arm64 apt_options+=(-o APT::Architecture=arm64) ;;
	esac
	apt_options+=(-o Dir="$apt_root" -o Dir::Bin::methods=/usr/lib/apt/methods)
	[ -s "$apt_root/etc/apt/sources.list" ] || arm64_sources
}

# use_apt_for RELEASE: the first one that knows this release.
use_apt_for()
{
	if [[ $1 = *-arm64 ]]; then
		use_apt arm64
	elif [ ! -d "$sid" ] || apt-cache show "linux-image-$1" >/dev/null 2>&1; then
		use_apt host
	else
		use_apt sid
	fi
}

arm64_sources()
{
	local keys=/usr/share/keyrings/debian-archive-keyring.gpg
	mkdir -p "$apt_root"/etc/apt/{apt.conf.d,preferences.d,trusted.gpg.d} \
		"$apt_root"/var/{lib/apt/lists/partial,cache/apt/archives/partial}
	apt-get indextargets --format "deb [arch=arm64 signed-by=$keys] \$(REPO_URI) \$(RELEASE) main" \
		'Created-By: Packages' 'Origin: Debian' 'Component: main' >"$apt_root/sources"
	mv "$apt_root/sources" "$apt_root/etc/apt/sources.list"
}

apt_update()
{
	local as=as_root
	[ ! -w "$apt_root" ] || as=''
	[ -z "$as" ] || can_be_root || return 1
	say "updating apt's package lists"
	$as apt-get -qq "${apt_options[@]}" update >&2
}

# depends PACKAGE PATTERN: which of the packages that it depends on are named so.
depends()
{
	apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null |
		sed -n "s/^ *Depends: \($2\)$/\1/p"
}

# Package lists that are missing or out of date answer like a package that does not exist.
fetch()
{
	local package
	for package; do
		say "fetching $package"
		download "$package" || { apt_update && download "$package"; } ||
			die "cannot fetch $package"
	done
}

download()
{
	apt-get -q "${apt_options[@]}" download "$1" >&2
}
