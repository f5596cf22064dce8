# What zsh would offer behind the words of this command line: complete.zsh COMPLETION WORD...
# Without a terminal there is no completion system: its functions that take the words print them.
_describe() {
  [[ $1 != -o ]] || shift
  local entry
  for entry in ${(P)2}; do print -r -- "${entry%%:*}"; done
}
compadd() { print -rl -- ${(P)2} }
_files() { print -r -- '(files)' }
_message() { print -r -- "($1)" }
completion=$1
shift
words=("$@") CURRENT=$#
source $completion "$@"
