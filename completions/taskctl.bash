# bash completion for taskctl                                       -*- shell-script -*-
# Generated from the commands of taskctl by completions/generate: do not edit.

# _taskctl_verbs PATH: the verbs that may follow it.
_taskctl_verbs() {
    case "$1" in
        '') REPLY='worker enqueue wait cancel top list show events stats workers queues tasks why stack logs retry requeue purge doctor demo completions help' ;;
        'workers') REPLY='list drain forget' ;;
        'queues') REPLY='list pause resume' ;;
        *) return 1 ;;
    esac
}

# _taskctl_verb PATH WORD: is the word a verb there?
_taskctl_verb() {
    case "$1 $2" in
        ' worker' | ' enqueue' | ' wait' | ' cancel' | ' top' | ' monitor' | ' list' | ' ls' | ' show' | ' events' | ' stats' | ' workers' | ' queues' | ' tasks' | ' why' | ' stack' | ' logs' | ' retry' | ' retry-failed' | ' requeue' | ' requeue-stale' | ' purge' | ' doctor' | ' demo' | ' completions' | ' help') return 0 ;;
        'workers list' | 'workers drain' | 'workers forget') return 0 ;;
        'queues list' | 'queues pause' | 'queues resume') return 0 ;;
        *) return 1 ;;
    esac
}

# _taskctl_flags PATH: the flags there.
_taskctl_flags() {
    case "$1" in
        'worker') REPLY='-c --concurrency --retry --queue --exclude-queue --name --burst --max-tasks --max-time --max-memory --poll --grace --heartbeat-file --log-format --log-level --reload --no-redis --dry-run' ;;
        'enqueue') REPLY='--queue --priority --delay --at --time-limit --retries --unique --fail-if-exists --args-json --kwargs-json --allow-unknown --dry-run --stdin --batch --keep-going --skip --wait --timeout' ;;
        'wait') REPLY='--timeout --any --for --fail-fast' ;;
        'cancel') REPLY='--status --queue --task --worker --since --until --older-than --all --limit --reason -y --yes --dry-run' ;;
        'top') REPLY='--interval --fps --once --queue --filter --read-only --no-alt-screen --layout --record --replay --speed' ;;
        'monitor') REPLY='--interval --fps --once --queue --filter --read-only --no-alt-screen --layout --record --replay --speed' ;;
        'list') REPLY='--status --queue --task --worker --error --since --until --older-than --all --limit --sort --reverse --after --count --exact -w --watch --fail-if-any' ;;
        'ls') REPLY='--status --queue --task --worker --error --since --until --older-than --all --limit --sort --reverse --after --count --exact -w --watch --fail-if-any' ;;
        'show') REPLY='--traceback --attempts --result --reveal -w --watch -y --yes' ;;
        'events') REPLY='--type --task --queue --id --count --timeout --since --require-redis' ;;
        'stats') REPLY='--by --window -i --interval --count --prometheus' ;;
        'workers') REPLY='--min' ;;
        'workers list') REPLY='--min' ;;
        'workers drain') REPLY='--all --wait --timeout --reason' ;;
        'workers forget') REPLY='--lost --reason -y --yes' ;;
        'queues') REPLY='--max-pending --max-age' ;;
        'queues list') REPLY='--max-pending --max-age' ;;
        'queues pause') REPLY='--for --reason --create' ;;
        'queues resume') REPLY='--all --reason' ;;
        'stack') REPLY='--timeout' ;;
        'logs') REPLY='-f --follow --attempt' ;;
        'retry') REPLY='--failed --status --queue --task --worker --error --since --until --older-than --all --limit --queue-to --delay --spread --force --reason -y --yes --dry-run' ;;
        'retry-failed') REPLY='--queue --task --worker --error --since --until --older-than --limit --queue-to --delay --spread --reason -y --yes --dry-run' ;;
        'requeue') REPLY='--stale --older-than --queue --limit --max-tries --reason --dry-run --fail-if-any' ;;
        'requeue-stale') REPLY='--older-than --queue --limit --max-tries --reason --dry-run --fail-if-any' ;;
        'purge') REPLY='--older-than --status --queue --task --all --keep --limit --batch --pause --max-time --reason -y --yes --dry-run' ;;
        'doctor') REPLY='--only --quick --fix --strict -y --yes' ;;
        'demo') REPLY='--no-top --duration --keep' ;;
        'completions') REPLY='--install --refresh -y --yes' ;;
        *) REPLY= ;;
    esac
    REPLY+=' --settings --project --database --json -o --output --fields --header --no-header --color --ascii --utc -v --verbose -q --quiet --no-input --debug --version -h --help'
}

# _taskctl_value PATH FLAG: what the flag takes, if anything.
_taskctl_value() {
    case "$1 $2" in
        'worker -c' | 'worker --concurrency') REPLY='any' ;;
        'worker --retry') REPLY='any' ;;
        'worker --queue') REPLY='queue' ;;
        'worker --exclude-queue') REPLY='queue' ;;
        'worker --name') REPLY='any' ;;
        'worker --max-tasks') REPLY='any' ;;
        'worker --max-time') REPLY='any' ;;
        'worker --max-memory') REPLY='any' ;;
        'worker --poll') REPLY='any' ;;
        'worker --grace') REPLY='any' ;;
        'worker --heartbeat-file') REPLY='file' ;;
        'worker --log-format') REPLY='words auto text json journald' ;;
        'worker --log-level') REPLY='words debug info warning error' ;;
        'enqueue --queue') REPLY='queue' ;;
        'enqueue --priority') REPLY='any' ;;
        'enqueue --delay') REPLY='any' ;;
        'enqueue --at') REPLY='any' ;;
        'enqueue --time-limit') REPLY='any' ;;
        'enqueue --retries') REPLY='any' ;;
        'enqueue --unique') REPLY='any' ;;
        'enqueue --args-json') REPLY='any' ;;
        'enqueue --kwargs-json') REPLY='any' ;;
        'enqueue --batch') REPLY='any' ;;
        'enqueue --skip') REPLY='any' ;;
        'enqueue --timeout') REPLY='any' ;;
        'wait --timeout') REPLY='any' ;;
        'wait --for') REPLY='words final running completed' ;;
        'cancel --status') REPLY='list pending running completed failed cancelled scheduled retrying cancelling stale' ;;
        'cancel --queue') REPLY='queue' ;;
        'cancel --task') REPLY='task' ;;
        'cancel --worker') REPLY='worker' ;;
        'cancel --since') REPLY='any' ;;
        'cancel --until') REPLY='any' ;;
        'cancel --older-than') REPLY='any' ;;
        'cancel --limit') REPLY='any' ;;
        'cancel --reason') REPLY='any' ;;
        'top --interval') REPLY='any' ;;
        'top --fps') REPLY='any' ;;
        'top --queue') REPLY='queue' ;;
        'top --filter') REPLY='any' ;;
        'top --layout') REPLY='words auto compact full' ;;
        'top --record') REPLY='file' ;;
        'top --replay') REPLY='file' ;;
        'top --speed') REPLY='any' ;;
        'monitor --interval') REPLY='any' ;;
        'monitor --fps') REPLY='any' ;;
        'monitor --queue') REPLY='queue' ;;
        'monitor --filter') REPLY='any' ;;
        'monitor --layout') REPLY='words auto compact full' ;;
        'monitor --record') REPLY='file' ;;
        'monitor --replay') REPLY='file' ;;
        'monitor --speed') REPLY='any' ;;
        'list --status') REPLY='list pending running completed failed cancelled scheduled retrying cancelling stale' ;;
        'list --queue') REPLY='queue' ;;
        'list --task') REPLY='task' ;;
        'list --worker') REPLY='worker' ;;
        'list --error') REPLY='any' ;;
        'list --since') REPLY='any' ;;
        'list --until') REPLY='any' ;;
        'list --older-than') REPLY='any' ;;
        'list --limit') REPLY='any' ;;
        'list --sort') REPLY='words created due started finished run wait' ;;
        'list --after') REPLY='id' ;;
        'ls --status') REPLY='list pending running completed failed cancelled scheduled retrying cancelling stale' ;;
        'ls --queue') REPLY='queue' ;;
        'ls --task') REPLY='task' ;;
        'ls --worker') REPLY='worker' ;;
        'ls --error') REPLY='any' ;;
        'ls --since') REPLY='any' ;;
        'ls --until') REPLY='any' ;;
        'ls --older-than') REPLY='any' ;;
        'ls --limit') REPLY='any' ;;
        'ls --sort') REPLY='words created due started finished run wait' ;;
        'ls --after') REPLY='id' ;;
        'events --type') REPLY='list enqueued started completed failed retrying cancelled requeued paused resumed worker_up worker_down gap' ;;
        'events --task') REPLY='task' ;;
        'events --queue') REPLY='queue' ;;
        'events --id') REPLY='id' ;;
        'events --count') REPLY='any' ;;
        'events --timeout') REPLY='any' ;;
        'events --since') REPLY='any' ;;
        'stats --by') REPLY='words queue task worker none' ;;
        'stats --window') REPLY='any' ;;
        'stats -i' | 'stats --interval') REPLY='any' ;;
        'stats --count') REPLY='any' ;;
        'workers --min') REPLY='any' ;;
        'workers list --min') REPLY='any' ;;
        'workers drain --timeout') REPLY='any' ;;
        'workers drain --reason') REPLY='any' ;;
        'workers forget --reason') REPLY='any' ;;
        'queues --max-pending') REPLY='any' ;;
        'queues --max-age') REPLY='any' ;;
        'queues list --max-pending') REPLY='any' ;;
        'queues list --max-age') REPLY='any' ;;
        'queues pause --for') REPLY='any' ;;
        'queues pause --reason') REPLY='any' ;;
        'queues resume --reason') REPLY='any' ;;
        'stack --timeout') REPLY='any' ;;
        'logs --attempt') REPLY='any' ;;
        'retry --status') REPLY='list pending running completed failed cancelled scheduled retrying cancelling stale' ;;
        'retry --queue') REPLY='queue' ;;
        'retry --task') REPLY='task' ;;
        'retry --worker') REPLY='worker' ;;
        'retry --error') REPLY='any' ;;
        'retry --since') REPLY='any' ;;
        'retry --until') REPLY='any' ;;
        'retry --older-than') REPLY='any' ;;
        'retry --limit') REPLY='any' ;;
        'retry --queue-to') REPLY='queue' ;;
        'retry --delay') REPLY='any' ;;
        'retry --spread') REPLY='any' ;;
        'retry --reason') REPLY='any' ;;
        'retry-failed --queue') REPLY='queue' ;;
        'retry-failed --task') REPLY='task' ;;
        'retry-failed --worker') REPLY='worker' ;;
        'retry-failed --error') REPLY='any' ;;
        'retry-failed --since') REPLY='any' ;;
        'retry-failed --until') REPLY='any' ;;
        'retry-failed --older-than') REPLY='any' ;;
        'retry-failed --limit') REPLY='any' ;;
        'retry-failed --queue-to') REPLY='queue' ;;
        'retry-failed --delay') REPLY='any' ;;
        'retry-failed --spread') REPLY='any' ;;
        'retry-failed --reason') REPLY='any' ;;
        'requeue --older-than') REPLY='any' ;;
        'requeue --queue') REPLY='queue' ;;
        'requeue --limit') REPLY='any' ;;
        'requeue --max-tries') REPLY='words fail requeue' ;;
        'requeue --reason') REPLY='any' ;;
        'requeue-stale --older-than') REPLY='any' ;;
        'requeue-stale --queue') REPLY='queue' ;;
        'requeue-stale --limit') REPLY='any' ;;
        'requeue-stale --max-tries') REPLY='words fail requeue' ;;
        'requeue-stale --reason') REPLY='any' ;;
        'purge --older-than') REPLY='any' ;;
        'purge --status') REPLY='list completed failed cancelled' ;;
        'purge --queue') REPLY='queue' ;;
        'purge --task') REPLY='task' ;;
        'purge --keep') REPLY='any' ;;
        'purge --limit') REPLY='any' ;;
        'purge --batch') REPLY='any' ;;
        'purge --pause') REPLY='any' ;;
        'purge --max-time') REPLY='any' ;;
        'purge --reason') REPLY='any' ;;
        'doctor --only') REPLY='words versions settings app database migrations clock redis workers stale oldest table time-zone debug pooling completion' ;;
        'demo --duration') REPLY='any' ;;
        *' --settings') REPLY='any' ;;
        *' --project') REPLY='folder' ;;
        *' --database') REPLY='any' ;;
        *' -o' | *' --output') REPLY='words table tsv json id' ;;
        *' --fields') REPLY='field' ;;
        *' --color') REPLY='words auto always never' ;;
        *) return 1 ;;
    esac
}

# _taskctl_word PATH NUMBER: what that argument is, if any.
_taskctl_word() {
    case "$1 $2" in
        'enqueue 0') REPLY='task' ;;
        'enqueue '*) REPLY='param' ;;
        'wait '*) REPLY='id:pending,scheduled,retrying,running,cancelling,stale' ;;
        'cancel '*) REPLY='id:pending,scheduled,retrying,running' ;;
        'list '*) REPLY='id' ;;
        'ls '*) REPLY='id' ;;
        'show 0') REPLY='id' ;;
        'workers drain '*) REPLY='worker' ;;
        'queues list '*) REPLY='queue' ;;
        'queues pause '*) REPLY='queue' ;;
        'queues resume '*) REPLY='queue' ;;
        'tasks 0') REPLY='task' ;;
        'why 0') REPLY='id' ;;
        'stack 0') REPLY='id:running,cancelling' ;;
        'logs 0') REPLY='id' ;;
        'retry '*) REPLY='id:failed' ;;
        'requeue '*) REPLY='id:stale' ;;
        'completions 0') REPLY='words bash zsh fish powershell' ;;
        'help 0') REPLY='words worker enqueue wait cancel top list show events stats workers queues tasks why stack logs retry requeue purge doctor demo completions help exit-codes json durations env' ;;
        *) return 1 ;;
    esac
}

# The words up to the cursor, put together where bash has split them at = and :.
_taskctl_split() {
    local i word is_open=
    words=("${COMP_WORDS[0]}") cword=0
    for ((i = 1; i <= COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $is_open || $word == [=:]* ]]; then
            words[cword]+=$word
        else
            words[++cword]=$word
        fi
        is_open=
        [[ $word != *[=:] ]] || is_open=1
    done
    cur=${words[cword]}
}

# _taskctl_fill SPEC CURRENT: suggest what SPEC says and begins like CURRENT.
_taskctl_fill() {
    case $1 in
        'words '*) COMPREPLY+=($(compgen -W "${1#words }" -- "$2")) ;;
        'list '*)
            local before=
            [[ $2 != *,* ]] || before=${2%,*},
            COMPREPLY+=($(compgen -P "$before" -W "${1#list }" -- "${2##*,}"))
            compopt -o nospace 2>/dev/null
            ;;
        file) _taskctl_paths -f "$2" ;;
        folder) _taskctl_paths -d "$2" ;;
        any) ;;
        *) _taskctl_ask "$1" "$2" ;;
    esac
}

_taskctl_paths() {
    local value
    compopt -o filenames 2>/dev/null
    while IFS= read -r value; do
        COMPREPLY+=("$value")
    done < <(compgen "$1" -- "$2")
}

# _taskctl_ask KIND CURRENT: suggest what taskctl knows of this project.
_taskctl_ask() {
    local value about
    [[ $1 != param ]] || compopt -o nospace 2>/dev/null
    compopt -o nosort 2>/dev/null
    while IFS=$'\t' read -r value about; do
        COMPREPLY+=("$value")
        _taskctl_about+=("$about")
    done < <("${words[0]/#\~/$HOME}" __complete "$1" "$2" -- "${words[@]:1:cword-1}" 2>/dev/null)
}

# Beside several suggestions that are only listed there is room for what they are about.
_taskctl_describe() {
    local i about
    ((${#COMPREPLY[@]} > 1 && ${#COMPREPLY[@]} == ${#_taskctl_about[@]})) || return 0
    [[ ${COMP_TYPE:-9} == 63 || ${COMP_TYPE:-9} == 33 || ${COMP_TYPE:-9} == 64 ]] || return 0
    for i in "${!COMPREPLY[@]}"; do
        about=${_taskctl_about[i]}
        [[ ! $about || $about == \(* ]] || about="($about)"  # a signature has brackets of its own
        [[ ! $about ]] || COMPREPLY[i]+="  $about"
        COMPREPLY[i]=${COMPREPLY[i]:0:${COLUMNS:-80}-2}
    done
}

_taskctl() {
    local cur words cword REPLY i word path= flag= at=0 is_literal=
    local -a _taskctl_about=()
    COMPREPLY=()
    if declare -F _get_comp_words_by_ref >/dev/null; then
        _get_comp_words_by_ref -n =: cur words cword
    else
        _taskctl_split
    fi
    for ((i = 1; i < cword; i++)); do
        word=${words[i]}
        if [[ $flag ]]; then
            flag=
        elif [[ $is_literal ]]; then
            ((at++))
        elif [[ $word == -- ]]; then
            is_literal=1
        elif [[ $word == -* ]]; then
            [[ $word == *=* ]] || ! _taskctl_value "$path" "$word" || flag=$word
        elif ((at == 0)) && _taskctl_verb "$path" "$word"; then
            path=${path:+$path }$word
        else
            ((at++))
        fi
    done
    if [[ $flag ]]; then
        _taskctl_value "$path" "$flag" && _taskctl_fill "$REPLY" "$cur"
    elif [[ ! $is_literal && $cur == --*=* ]]; then
        ! _taskctl_value "$path" "${cur%%=*}" || _taskctl_fill "$REPLY" "${cur#*=}"
    elif [[ ! $is_literal && $cur == -* ]]; then
        _taskctl_flags "$path"
        COMPREPLY+=($(compgen -W "$REPLY" -- "$cur"))
    else
        ((at > 0)) || ! _taskctl_verbs "$path" || COMPREPLY+=($(compgen -W "$REPLY" -- "$cur"))
        if _taskctl_word "$path" "$at"; then
            word=$REPLY
            _taskctl_fill "$word" "$cur"
            if [[ $word == param && ! $cur && ! $is_literal ]]; then
                _taskctl_flags "$path"
                COMPREPLY+=($(compgen -W "$REPLY"))
                _taskctl_about=()
            fi
        fi
    fi
    _taskctl_describe
    ! declare -F __ltrim_colon_completions >/dev/null || __ltrim_colon_completions "$cur"
}

complete -F _taskctl taskctl
