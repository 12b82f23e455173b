# Completion of semblance for fish: the program itself tells what may come next; where it tells nothing, files.
function __semblance_offered
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete $words[2..-1] 2>/dev/null
end
complete -c semblance -a '(__semblance_offered)'
