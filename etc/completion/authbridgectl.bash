# SPDX-License-Identifier: MIT
# Completion of authbridgectl for bash.

_authbridgectl()
{
	local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
	local options="-c --config --json --version --help" commands="migrate check"
	local command= index=1

	while [ "$index" -lt "$COMP_CWORD" ]; do
		case ${COMP_WORDS[index]} in
		-c | --config) index=$((index + 1)) ;;
		-*) ;;
		*)
			command=${COMP_WORDS[index]}
			break
			;;
		esac
		index=$((index + 1))
	done

	COMPREPLY=()
	case $previous in
	-c | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$current")
		return
		;;
	--service-role) return ;;
	esac
	case $command in
	'') mapfile -t COMPREPLY < <(compgen -W "$options $commands" -- "$current") ;;
	migrate) mapfile -t COMPREPLY < <(compgen -W "--service-role" -- "$current") ;;
	esac
} && complete -F _authbridgectl authbridgectl
