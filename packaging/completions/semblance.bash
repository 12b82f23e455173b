# Completion of semblance for bash: the program itself tells what may come next; where it tells nothing, files.
_semblance() {
  local line
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do COMPREPLY+=("$line"); done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _semblance semblance
