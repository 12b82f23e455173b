# Completion of semblance for fish. The program says what may come next; where it says nothing, files are offered.
function __semblance_offered
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete $words[2..-1] 2>/dev/null
end
complete -c semblance -a '(__semblance_offered)'
