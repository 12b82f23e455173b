# Completion of semblance for bash. The program says what may come next; where it says nothing, files are offered.
_semblance() {
  local line
  COMPREPLY=()
  while IFS=$'\t' read -r line _; do COMPREPLY+=("$line"); done < <("${COMP_WORDS[0]}" complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o bashdefault -o default -F _semblance semblance
