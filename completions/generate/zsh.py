"""The script for zsh: a function for each command, which tells its flags and arguments to `_arguments`."""

from __future__ import annotations

from collections.abc import Iterator

from completions.generate.kinds import Values
from completions.generate.registry import Flag, Node

HEAD = """\
#compdef taskctl
# {mark} by completions/generate: do not edit.

"""

ENGINE = r"""
# _taskctl_ask TAG DESCRIPTION KIND: what taskctl knows of this project, in its own order.
_taskctl_ask() {
    local line tag=$1 description=$2 kind=$3 program=${_taskctl_line[1]/#\~/$HOME}
    local -a before=("${(@)_taskctl_line[2,_taskctl_at-1]}") values abouts shown options expl
    local -i width
    for line in "${(@f)$($program __complete "$kind" "$PREFIX" -- "${before[@]}" 2>/dev/null)}"; do
        [[ -n $line ]] || continue
        values+=("${line%%$'\t'*}")
        abouts+=("${line#*$'\t'}")
        (( width < $#values[-1] )) && width=$#values[-1]
    done
    (( $#values )) || return 1
    for line in {1..$#values}; do
        shown+=("${(r:width:)values[line]}${abouts[line]:+  -- $abouts[line]}")
    done
    [[ -z ${abouts[*]// } ]] || options=(-l)
    [[ $kind != param ]] || options+=(-S '')
    _wanted -V "$tag" expl "$description" compadd "${options[@]}" -d shown -a values
}

# The parameters of the task that is enqueued, and where nothing is typed yet the flags beside them.
_taskctl_params() {
    local -i ret=1
    _taskctl_ask params parameter param && ret=0
    [[ -n $PREFIX ]] || { _describe -o -t flags flag _taskctl_flags && ret=0 }
    return ret
}

_taskctl() {
    local curcontext=$curcontext state line
    local -a _taskctl_line _taskctl_flags _taskctl_globals
    local -i _taskctl_at=CURRENT
    typeset -A opt_args
    _taskctl_line=("${words[@]}")
    _taskctl_root
}

if [[ $funcstack[1] == _taskctl ]]; then
    _taskctl "$@"
elif (( $+functions[compdef] )); then
    compdef _taskctl taskctl
fi
"""
TAGS = {
    "id": ("ids", "task id"),
    "task": ("tasks", "task"),
    "queue": ("queues", "queue"),
    "worker": ("workers", "worker"),
    "schedule": ("schedules", "schedule"),
    "field": ("fields", "field"),
}


def script(root: Node, mark: str) -> str:
    return HEAD.format(mark=mark) + "\n".join(_function(node, root) for node in root.walk()) + ENGINE


def _function(node: Node, root: Node) -> str:
    lines = [f"{_name(node)}() {{"]
    if node is root:
        lines += [*_array("_taskctl_globals", [_spec(flag) for flag in root.flags])]
    if node.rest is not None and node.rest.kind == "param":
        pairs = [quoted(f"{colons(name)}:{flag.about}") for flag in node.flags for name in flag.names]
        lines += _array("_taskctl_flags", pairs)
    lines += _with_nodes(node) if node.nodes else _arguments(node)
    return "\n".join([*lines, "}", ""])


def _name(node: Node) -> str:
    return "_".join(("_taskctl", *(part.replace("-", "_") for part in node.path or ("root",))))


def _array(name: str, words: list[str]) -> list[str]:
    return [f"    {name}=(", *(f"        {word}" for word in words), "    )"]


def _with_nodes(node: Node) -> list[str]:
    """Flags, a verb, and then whatever belongs to that verb."""
    verbs = [quoted(f"{each.name}:{each.about}") for each in node.nodes if each.is_shown]
    specs = [_spec(flag) for flag in node.flags] if node.path else []
    return [
        "    local -a verbs",
        *_array("verbs", verbs),
        "    _arguments -C -A '-*' \\",
        *(f"        {spec} \\" for spec in ["$_taskctl_globals", *specs]),
        "        '1: : _describe -t commands command verbs' \\",
        "        '*:: :->rest' && return",
        "    [[ $state == rest ]] || return 1",
        "    case $words[1] in",
        *(f"        {each.name}) {_name(each)} ;;" for each in node.nodes),
        "    esac",
    ]


def _arguments(node: Node) -> list[str]:
    specs = ["$_taskctl_globals", *(_spec(flag) for flag in node.flags), *_positions(node)]
    return ["    _arguments \\", *(f"        {spec} \\" for spec in specs[:-1]), f"        {specs[-1]}"]


def _positions(node: Node) -> Iterator[str]:
    for number, values in enumerate(node.words, 1):
        yield quoted(f"{number}:{_action(values)}")
    if node.rest is not None:
        yield quoted(f"*:{_action(node.rest)}")


def _spec(flag: Flag) -> str:
    """`'(-o --output)'{-o+,--output=}'[form]:value:(table tsv)'`"""
    about = f"[{brackets(flag.about)}]" + ("" if flag.values is None else f":{_action(flag.values)}")
    names = [_spelled(name, flag) for name in flag.names]
    before = "*" if flag.repeats else f"({' '.join(flag.names)})" if len(names) > 1 else ""
    if len(names) == 1:
        return quoted(before + names[0] + about)
    return f"{quoted(before)}{{{','.join(names)}}}{quoted(about)}"


def _spelled(name: str, flag: Flag) -> str:
    if flag.values is None:
        return name
    return f"{name}=" if name.startswith("--") else f"{name}+"


def _action(values: Values) -> str:
    """The message and what completes: `queue: _taskctl_ask queues queue queue`."""
    if values.kind == "words":
        words = " ".join(value for value, _ in values.words)
        if values.is_list:
            return f"value: _values -s , value {words}"
        if not any(about for _, about in values.words):
            return f"value:({words})"
        pairs = " ".join(rf'{value}\:"{about}"' for value, about in values.words)
        return f"value:(({pairs}))"
    if values.kind == "file":
        return "file:_files"
    if values.kind == "folder":
        return "folder:_files -/"
    if values.kind == "param":
        return "parameter: _taskctl_params"
    if values.kind == "any":
        return "value: "
    tag, message = TAGS[values.kind]
    return f'{message}: _taskctl_ask {tag} "{message}" {values.asked}'


def quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"


def brackets(text: str) -> str:
    for letter in "\\[]:":
        text = text.replace(letter, f"\\{letter}")
    return text


def colons(text: str) -> str:
    return text.replace(":", "\\:")
