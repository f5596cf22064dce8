# What bash offers behind the words of this command line: complete.bash COMPLETION WORD...
source "$1"
shift
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
_tandem
printf '%s\n' "${COMPREPLY[@]}"
