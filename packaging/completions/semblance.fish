# Completion for fish. `semblance complete` prints the possible next words; if there are none, file names complete.
function __semblance_offered
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete $words[2..-1] 2>/dev/null
end
complete -c semblance -a '(__semblance_offered)'
