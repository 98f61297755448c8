# SPDX-License-Identifier: MIT
# Completion of authbridgectl for bash.

_authbridgectl()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options="-c --config --json --version --help" commands="migrate check user session key"
	local command= verb= index=1

	while [ "$index" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[index]} in
		-c | --config) index=$((index + 1)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[index]}
			[ "$((index + 1))" -ge "$COMP_CWORD" ] || verb=${COMP_WORDS[index + 1]}
			break
			;;
		esac
		index=$((index + 1))
	done

	COMPREPLY=()
	case $previous in
	-c | --config | --apache | --lighttpd | --nginx)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--service-role | --user) return ;;
	esac
	local words=
	case "$command $verb" in
	' ') words="$options $commands" ;;
	'migrate '*) words="--service-role" ;;
	'check ') words="--apache --lighttpd --nginx" ;;
	'user ') words="list disable enable delete revoke" ;;
	'session ') words="list revoke" ;;
	'session revoke') words="--user --all" ;;
	'key ') words="list new retire remove" ;;
	'key new') words="EdDSA ES256 RS256" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
} && complete -F _authbridgectl authbridgectl
