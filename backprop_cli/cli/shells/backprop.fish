function __backprop_complete
    set -l words (commandline -opc) (commandline -ct)
    COMP_WORDS=(string join \x1f -- $words) _BACKPROP_COMPLETE=fish $words[1] 2>/dev/null | while read -l row
        set -l cells (string split \t -- $row)
        if test $cells[1] = files
            __fish_complete_path (commandline -ct)
        else
            printf '%s\t%s\n' $cells[2] $cells[3]
        end
    end
end
complete --no-files --keep-order --command backprop --arguments '(__backprop_complete)'
