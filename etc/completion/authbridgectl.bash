# SPDX-License-Identifier: MIT
# Completion of authbridgectl for bash.

_authbridgectl()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options="-c --config --json --version --help" commands="migrate check status user session key throttle audit"
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
	--socket | --password-file | --report)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--service-role | --user | --name | -n) return ;;
	esac
	local words=
	case "$command $verb" in
	' ') words="$options $commands" ;;
	'migrate '*) words="--service-role" ;;
	'check ') words="--apache --lighttpd --nginx" ;;
	'status '*) words="--socket" ;;
	'user ') words="list show create set-password disable enable delete revoke import" ;;
	'user create') words="--name --verified --no-password --password-file" ;;
	'user set-password') words="--password-file --keep-sessions" ;;
	'user import')
		mapfile -t COMPREPLY < <(compgen -f -W "--continue --report" -- "$current")
		return
		;;
	'session ') words="list revoke" ;;
	'session revoke') words="--user --all" ;;
	'key ') words="list new retire remove" ;;
	'throttle ') words="list clear" ;;
	'throttle clear') words="--all" ;;
	'audit ') words="tail keep" ;;
	'audit tail') words="-f -n" ;;
	'key new') words="EdDSA ES256 RS256" ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
} && complete -F _authbridgectl authbridgectl
