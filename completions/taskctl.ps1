# PowerShell completion for taskctl
# Generated from the commands of taskctl by completions/generate: do not edit.

$TaskctlCommands = @{
    '' = @{
        Verbs = @(
            , @('worker', 'run tasks from the database')
            , @('enqueue', 'add one task, or many from stdin')
            , @('wait', 'wait until tasks finish')
            , @('cancel', 'cancel pending tasks, ask running ones to stop')
            , @('top', 'live screen')
            , @('list', 'list tasks')
            , @('show', 'everything about one task')
            , @('events', 'follow what happens, one line each')
            , @('stats', 'counts, rates and latencies')
            , @('workers', 'list workers; drain; forget lost ones')
            , @('queues', 'list queues; pause; resume')
            , @('tasks', 'list the task functions this project offers')
            , @('why', 'why a task is not running, or why it failed, and what to do')
            , @('stack', 'live Python stack of a running task')
            , @('logs', 'what a task logged and printed; -f follows')
            , @('retry', 'run failed tasks again')
            , @('requeue', 'put back tasks whose worker died')
            , @('purge', 'delete finished tasks')
            , @('doctor', 'check settings, migrations, database, Redis, workers')
            , @('demo', 'try it in one minute, nothing to install')
            , @('completions', 'print or install shell completion')
            , @('help', 'help, also: help exit-codes | json | durations | env')
        )
        Flags = @(
            , @{ Names = @('--settings'); About = 'settings module to use'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--project'); About = 'folder put first on sys.path; default: found'; Value = @{ Kind = 'folder'; List = $false; Words = @() } }
            , @{ Names = @('--database'); About = 'database alias; default: what the router says'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--json'); About = 'one JSON object per line'; Value = $null }
            , @{ Names = @('-o', '--output'); About = 'table, tsv, json, or id (ids only, for xargs)'; Value = @{ Kind = 'words'; List = $false; Words = @(@('table', ''), @('tsv', ''), @('json', ''), @('id', '')) } }
            , @{ Names = @('--fields'); About = 'choose and order columns or JSON keys'; Value = @{ Kind = 'field'; List = $false; Words = @() } }
            , @{ Names = @('--header'); About = 'header line, also in tsv'; Value = $null }
            , @{ Names = @('--no-header'); About = 'no header line, also in tables'; Value = $null }
            , @{ Names = @('--color'); About = 'auto, always or never'; Value = @{ Kind = 'words'; List = $false; Words = @(@('auto', ''), @('always', ''), @('never', '')) } }
            , @{ Names = @('--ascii'); About = 'plain ASCII only'; Value = $null }
            , @{ Names = @('--utc'); About = 'times in UTC (tsv and JSON always are)'; Value = $null }
            , @{ Names = @('-v', '--verbose'); About = 'more detail on stderr; -vv for more'; Value = $null }
            , @{ Names = @('-q', '--quiet'); About = 'errors only'; Value = $null }
            , @{ Names = @('--no-input'); About = 'never ask'; Value = $null }
            , @{ Names = @('--debug'); About = 'full traceback on error'; Value = $null }
            , @{ Names = @('--version'); About = 'version; with -v also Django and Python'; Value = $null }
            , @{ Names = @('-h', '--help'); About = 'explain taskctl, or this command'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'worker' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('-c', '--concurrency'); About = 'tasks at a time; 4, auto = CPUs'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--retry'); About = 'tries after the first; TASK_WORKER["MAX_RETRIES"], 0'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--queue'); About = 'repeatable, in order of preference; default: all'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--exclude-queue'); About = 'repeatable: never these'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--name'); About = 'default host-pid'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--burst'); About = 'end when nothing is due'; Value = $null }
            , @{ Names = @('--max-tasks'); About = 'replace a child after N tasks'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-time'); About = 'replace a child after this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-memory'); About = 'replace a child above it: 300M'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--poll'); About = 'idle poll; 1s, with Redis 2s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--grace'); About = 'when stopped, let tasks finish this long; 30s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--heartbeat-file'); About = 'touched while alive; PATH.ready while fit'; Value = @{ Kind = 'file'; List = $false; Words = @() } }
            , @{ Names = @('--log-format'); About = 'auto, text, json, journald'; Value = @{ Kind = 'words'; List = $false; Words = @(@('auto', ''), @('text', ''), @('json', ''), @('journald', '')) } }
            , @{ Names = @('--log-level'); About = 'debug, info, warning, error'; Value = @{ Kind = 'words'; List = $false; Words = @(@('debug', ''), @('info', ''), @('warning', ''), @('error', '')) } }
            , @{ Names = @('--reload'); About = 'for development: start again when code has changed'; Value = $null }
            , @{ Names = @('--no-redis'); About = 'poll only'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would be claimed'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'enqueue' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--queue'); About = 'default: the task''s own'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--priority'); About = '-100 to 100, larger first'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--delay'); About = 'not before this has passed'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--at'); About = 'not before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--time-limit'); About = 'stopped by force after this'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--retries'); About = 'run again up to N times after a failure'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--unique'); About = 'not if an unfinished task has this key: prints its id'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--fail-if-exists'); About = 'with --unique: exit 1 if there was one'; Value = $null }
            , @{ Names = @('--args-json'); About = 'an array, @file or - for stdin'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--kwargs-json'); About = 'an object, @file or - for stdin'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--allow-unknown'); About = 'for a task of another code base: check nothing'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
            , @{ Names = @('--stdin'); About = 'a task per line of NDJSON'; Value = $null }
            , @{ Names = @('--batch'); About = 'lines per transaction; 500'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--keep-going'); About = 'report bad lines and go on; exit 1 at the end'; Value = $null }
            , @{ Names = @('--skip'); About = 'leave out the first N lines'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--wait'); About = 'wait and print the result as JSON'; Value = $null }
            , @{ Names = @('--timeout'); About = 'of the waiting; exit 124, the task goes on'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @(
            , @{ Kind = 'task'; List = $false; Words = @() }
        )
        Rest = @{ Kind = 'param'; List = $false; Words = @() }
    }
    'wait' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--timeout'); About = 'give up after this, exit 124; default: never'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--any'); About = 'until the first of them'; Value = $null }
            , @{ Names = @('--for'); About = 'final (default), running or completed'; Value = @{ Kind = 'words'; List = $false; Words = @(@('final', ''), @('running', ''), @('completed', '')) } }
            , @{ Names = @('--fail-fast'); About = 'end with the first one that failed'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id:pending,scheduled,retrying,running,cancelling,stale'; List = $false; Words = @() }
    }
    'cancel' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--status'); About = 'pending, running, completed, failed, cancelled; also scheduled, retrying, cancelling, stale'; Value = @{ Kind = 'words'; List = $true; Words = @(@('pending', ''), @('running', ''), @('completed', ''), @('failed', ''), @('cancelled', ''), @('scheduled', ''), @('retrying', ''), @('cancelling', ''), @('stale', '')) } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--worker'); About = 'ran, or runs, on this worker'; Value = @{ Kind = 'worker'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--until'); About = 'the same, before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--older-than'); About = 'the same, longer ago than this: 7d'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--all'); About = 'all of them'; Value = $null }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id:pending,scheduled,retrying,running'; List = $false; Words = @() }
    }
    'top' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--interval'); About = 'between looks at the database; 2s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--fps'); About = 'frames a second at most; 4'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--once'); About = 'one look as plain text (or JSON), then exit'; Value = $null }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--filter'); About = 'only what contains this: task, queue, worker, error'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--read-only'); About = 'no keys that change anything [TASKCTL_READ_ONLY=1]'; Value = $null }
            , @{ Names = @('--no-alt-screen'); About = 'draw on the ordinary screen; the last frame stays'; Value = $null }
            , @{ Names = @('--layout'); About = 'auto, compact (one column) or full (two)'; Value = @{ Kind = 'words'; List = $false; Words = @(@('auto', ''), @('compact', ''), @('full', '')) } }
            , @{ Names = @('--record'); About = 'keep all that is told; .gz compresses'; Value = @{ Kind = 'file'; List = $false; Words = @() } }
            , @{ Names = @('--replay'); About = 'show a recording'; Value = @{ Kind = 'file'; List = $false; Words = @() } }
            , @{ Names = @('--speed'); About = 'of a replay: 10 is ten times as fast; 1'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = $null
    }
    'monitor' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--interval'); About = 'between looks at the database; 2s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--fps'); About = 'frames a second at most; 4'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--once'); About = 'one look as plain text (or JSON), then exit'; Value = $null }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--filter'); About = 'only what contains this: task, queue, worker, error'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--read-only'); About = 'no keys that change anything [TASKCTL_READ_ONLY=1]'; Value = $null }
            , @{ Names = @('--no-alt-screen'); About = 'draw on the ordinary screen; the last frame stays'; Value = $null }
            , @{ Names = @('--layout'); About = 'auto, compact (one column) or full (two)'; Value = @{ Kind = 'words'; List = $false; Words = @(@('auto', ''), @('compact', ''), @('full', '')) } }
            , @{ Names = @('--record'); About = 'keep all that is told; .gz compresses'; Value = @{ Kind = 'file'; List = $false; Words = @() } }
            , @{ Names = @('--replay'); About = 'show a recording'; Value = @{ Kind = 'file'; List = $false; Words = @() } }
            , @{ Names = @('--speed'); About = 'of a replay: 10 is ten times as fast; 1'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = $null
    }
    'list' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--status'); About = 'pending, running, completed, failed, cancelled; also scheduled, retrying, cancelling, stale'; Value = @{ Kind = 'words'; List = $true; Words = @(@('pending', ''), @('running', ''), @('completed', ''), @('failed', ''), @('cancelled', ''), @('scheduled', ''), @('retrying', ''), @('cancelling', ''), @('stale', '')) } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--worker'); About = 'ran, or runs, on this worker'; Value = @{ Kind = 'worker'; List = $false; Words = @() } }
            , @{ Names = @('--error'); About = 'text in the error or its type; failed tasks of the last 24h, or of --since'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--until'); About = 'the same, before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--older-than'); About = 'the same, longer ago than this: 7d'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--all'); About = 'all of them'; Value = $null }
            , @{ Names = @('--limit'); About = 'at most this many; default 50, 0 = all'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--sort'); About = 'created, due, started, finished, run, wait; default created'; Value = @{ Kind = 'words'; List = $false; Words = @(@('created', ''), @('due', ''), @('started', ''), @('finished', ''), @('run', ''), @('wait', '')) } }
            , @{ Names = @('--reverse'); About = 'the other way round'; Value = $null }
            , @{ Names = @('--after'); About = 'go on behind this task: the next page'; Value = @{ Kind = 'id'; List = $false; Words = @() } }
            , @{ Names = @('--count'); About = 'the number only: exact up to 10000'; Value = $null }
            , @{ Names = @('--exact'); About = 'with --count: exact, however long it takes'; Value = $null }
            , @{ Names = @('-w', '--watch'); About = 'then tasks as they change, a line each'; Value = $null }
            , @{ Names = @('--fail-if-any'); About = 'exit 1 if the list is not empty'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id'; List = $false; Words = @() }
    }
    'ls' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--status'); About = 'pending, running, completed, failed, cancelled; also scheduled, retrying, cancelling, stale'; Value = @{ Kind = 'words'; List = $true; Words = @(@('pending', ''), @('running', ''), @('completed', ''), @('failed', ''), @('cancelled', ''), @('scheduled', ''), @('retrying', ''), @('cancelling', ''), @('stale', '')) } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--worker'); About = 'ran, or runs, on this worker'; Value = @{ Kind = 'worker'; List = $false; Words = @() } }
            , @{ Names = @('--error'); About = 'text in the error or its type; failed tasks of the last 24h, or of --since'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--until'); About = 'the same, before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--older-than'); About = 'the same, longer ago than this: 7d'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--all'); About = 'all of them'; Value = $null }
            , @{ Names = @('--limit'); About = 'at most this many; default 50, 0 = all'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--sort'); About = 'created, due, started, finished, run, wait; default created'; Value = @{ Kind = 'words'; List = $false; Words = @(@('created', ''), @('due', ''), @('started', ''), @('finished', ''), @('run', ''), @('wait', '')) } }
            , @{ Names = @('--reverse'); About = 'the other way round'; Value = $null }
            , @{ Names = @('--after'); About = 'go on behind this task: the next page'; Value = @{ Kind = 'id'; List = $false; Words = @() } }
            , @{ Names = @('--count'); About = 'the number only: exact up to 10000'; Value = $null }
            , @{ Names = @('--exact'); About = 'with --count: exact, however long it takes'; Value = $null }
            , @{ Names = @('-w', '--watch'); About = 'then tasks as they change, a line each'; Value = $null }
            , @{ Names = @('--fail-if-any'); About = 'exit 1 if the list is not empty'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id'; List = $false; Words = @() }
    }
    'show' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--traceback'); About = 'the traceback only'; Value = $null }
            , @{ Names = @('--attempts'); About = 'the earlier attempts, with tracebacks'; Value = $null }
            , @{ Names = @('--result'); About = 'the result only, as JSON'; Value = $null }
            , @{ Names = @('--reveal'); About = 'show masked arguments; needs a terminal or --yes'; Value = $null }
            , @{ Names = @('-w', '--watch'); About = 'again at each change, until it is final'; Value = $null }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
        )
        Words = @(
            , @{ Kind = 'id'; List = $false; Words = @() }
        )
        Rest = $null
    }
    'events' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--type'); About = 'enqueued, started, completed, failed, retrying, cancelled, requeued, paused, resumed, worker_up, worker_down, gap'; Value = @{ Kind = 'words'; List = $true; Words = @(@('enqueued', ''), @('started', ''), @('completed', ''), @('failed', ''), @('retrying', ''), @('cancelled', ''), @('requeued', ''), @('paused', ''), @('resumed', ''), @('worker_up', ''), @('worker_down', ''), @('gap', '')) } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--id'); About = 'of this task'; Value = @{ Kind = 'id'; List = $false; Words = @() } }
            , @{ Names = @('--count'); About = 'end after N of them'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--timeout'); About = 'end after this; 124 unless what was wanted came'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'first what the database tells since then: -10m, today'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--require-redis'); About = 'exit 69 instead of reading the database when Redis is away'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'stats' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--by'); About = 'queue (default), task, worker, none (default with --interval)'; Value = @{ Kind = 'words'; List = $false; Words = @(@('queue', ''), @('task', ''), @('worker', ''), @('none', '')) } }
            , @{ Names = @('--window'); About = 'how far back; 1h, with --interval 1m'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-i', '--interval'); About = 'a line each time until Ctrl-C'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--count'); About = 'end after N times'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--prometheus'); About = 'text format of Prometheus, for the text-file collector'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'workers' = @{
        Verbs = @(
            , @('list', 'List the workers that have not signed off: slots, busy, when last seen, what they have done')
            , @('drain', 'Let workers finish what they run, take no more, and exit')
            , @('forget', 'Remove lost workers from the list')
        )
        Flags = @(
            , @{ Names = @('--min'); About = 'exit 1 if fewer are up; draining ones do not count'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = $null
    }
    'workers list' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--min'); About = 'exit 1 if fewer are up; draining ones do not count'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = $null
    }
    'workers drain' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--all'); About = 'all that are up'; Value = $null }
            , @{ Names = @('--wait'); About = 'until they have ended'; Value = $null }
            , @{ Names = @('--timeout'); About = 'wait, but no longer; exit 124'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = @{ Kind = 'worker'; List = $false; Words = @() }
    }
    'workers forget' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--lost'); About = 'not seen for ten heartbeats (100 s)'; Value = $null }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'queues' = @{
        Verbs = @(
            , @('list', 'List the queues: what waits, runs and is paused, how fast it goes, how many workers listen')
            , @('pause', 'Let nobody take tasks from queues, until they are resumed')
            , @('resume', 'Let workers take tasks from queues again')
        )
        Flags = @(
            , @{ Names = @('--max-pending'); About = 'exit 1 if more are due in one'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-age'); About = 'exit 1 if a task has been due for longer'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = $null
    }
    'queues list' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--max-pending'); About = 'exit 1 if more are due in one'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-age'); About = 'exit 1 if a task has been due for longer'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = @{ Kind = 'queue'; List = $false; Words = @() }
    }
    'queues pause' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--for'); About = 'goes on by itself after this'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--create'); About = 'also one that nobody has used yet'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'queue'; List = $false; Words = @() }
    }
    'queues resume' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--all'); About = 'all that are paused'; Value = $null }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @()
        Rest = @{ Kind = 'queue'; List = $false; Words = @() }
    }
    'tasks' = @{
        Verbs = @()
        Flags = @()
        Words = @(
            , @{ Kind = 'task'; List = $false; Words = @() }
        )
        Rest = $null
    }
    'why' = @{
        Verbs = @()
        Flags = @()
        Words = @(
            , @{ Kind = 'id'; List = $false; Words = @() }
        )
        Rest = $null
    }
    'stack' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--timeout'); About = 'give up after this, exit 124; 15s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @(
            , @{ Kind = 'id:running,cancelling'; List = $false; Words = @() }
        )
        Rest = $null
    }
    'logs' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('-f', '--follow'); About = 'and what it goes on to write, until it ends'; Value = $null }
            , @{ Names = @('--attempt'); About = 'of this attempt only; 1 is the first'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
        )
        Words = @(
            , @{ Kind = 'id'; List = $false; Words = @() }
        )
        Rest = $null
    }
    'retry' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--failed'); About = 'those that failed for good'; Value = $null }
            , @{ Names = @('--status'); About = 'pending, running, completed, failed, cancelled; also scheduled, retrying, cancelling, stale'; Value = @{ Kind = 'words'; List = $true; Words = @(@('pending', ''), @('running', ''), @('completed', ''), @('failed', ''), @('cancelled', ''), @('scheduled', ''), @('retrying', ''), @('cancelling', ''), @('stale', '')) } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--worker'); About = 'ran, or runs, on this worker'; Value = @{ Kind = 'worker'; List = $false; Words = @() } }
            , @{ Names = @('--error'); About = 'text in the error or its type; failed tasks of the last 24h, or of --since'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--until'); About = 'the same, before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--older-than'); About = 'the same, longer ago than this: 7d'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--all'); About = 'all of them'; Value = $null }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--queue-to'); About = 'move them to this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--delay'); About = 'not before this has passed'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--spread'); About = 'spread their starts over this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--force'); About = 'completed ones too'; Value = $null }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id:failed'; List = $false; Words = @() }
    }
    'retry-failed' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--worker'); About = 'ran, or runs, on this worker'; Value = @{ Kind = 'worker'; List = $false; Words = @() } }
            , @{ Names = @('--error'); About = 'text in the error or its type; failed tasks of the last 24h, or of --since'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--since'); About = 'finished (or, if unfinished, created) at or after this: -2h, today, 2026-11-30T18:00'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--until'); About = 'the same, before this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--older-than'); About = 'the same, longer ago than this: 7d'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--queue-to'); About = 'move them to this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--delay'); About = 'not before this has passed'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--spread'); About = 'spread their starts over this time'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'requeue' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--stale'); About = 'running tasks whose worker is gone'; Value = $null }
            , @{ Names = @('--older-than'); About = 'only if the lease ended longer ago; default 0s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-tries'); About = 'with no tries left: fail (default) or requeue'; Value = @{ Kind = 'words'; List = $false; Words = @(@('fail', ''), @('requeue', '')) } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
            , @{ Names = @('--fail-if-any'); About = 'exit 1 if there were any'; Value = $null }
        )
        Words = @()
        Rest = @{ Kind = 'id:stale'; List = $false; Words = @() }
    }
    'requeue-stale' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--older-than'); About = 'only if the lease ended longer ago; default 0s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-tries'); About = 'with no tries left: fail (default) or requeue'; Value = @{ Kind = 'words'; List = $false; Words = @(@('fail', ''), @('requeue', '')) } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
            , @{ Names = @('--fail-if-any'); About = 'exit 1 if there were any'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'purge' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--older-than'); About = 'finished longer ago than this'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--status'); About = 'completed, failed, cancelled; default completed,cancelled'; Value = @{ Kind = 'words'; List = $true; Words = @(@('completed', ''), @('failed', ''), @('cancelled', '')) } }
            , @{ Names = @('--queue'); About = 'only this queue'; Value = @{ Kind = 'queue'; List = $false; Words = @() } }
            , @{ Names = @('--task'); About = 'task name, such as ''mail.*'''; Value = @{ Kind = 'task'; List = $false; Words = @() } }
            , @{ Names = @('--all'); About = 'all of them'; Value = $null }
            , @{ Names = @('--keep'); About = 'spare the newest N of each task name'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--limit'); About = 'at most this many'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--batch'); About = 'tasks per transaction; 5000'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--pause'); About = 'between batches; 50ms'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--max-time'); About = 'stop after this, exit 0'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--reason'); About = 'why, for the log of operations and for show'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
            , @{ Names = @('--dry-run'); About = 'only show what would change'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'doctor' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--only'); About = 'repeatable: versions, settings, app, database, migrations, clock, redis, workers, stale, oldest, table, time-zone, debug, pooling, completion'; Value = @{ Kind = 'words'; List = $false; Words = @(@('versions', ''), @('settings', ''), @('app', ''), @('database', ''), @('migrations', ''), @('clock', ''), @('redis', ''), @('workers', ''), @('stale', ''), @('oldest', ''), @('table', ''), @('time-zone', ''), @('debug', ''), @('pooling', ''), @('completion', '')) } }
            , @{ Names = @('--quick'); About = 'settings, database and migrations only'; Value = $null }
            , @{ Names = @('--fix'); About = 'offer to apply missing migrations, and to forget lost workers'; Value = $null }
            , @{ Names = @('--strict'); About = 'exit 1 on warnings too'; Value = $null }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'demo' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--no-top'); About = 'plain lines, no live screen'; Value = $null }
            , @{ Names = @('--duration'); About = 'of the steady load; 5s'; Value = @{ Kind = 'any'; List = $false; Words = @() } }
            , @{ Names = @('--keep'); About = 'keep the folder, and say how to look at it'; Value = $null }
        )
        Words = @()
        Rest = $null
    }
    'completions' = @{
        Verbs = @()
        Flags = @(
            , @{ Names = @('--install'); About = 'put it where the shell looks for it; prints the path'; Value = $null }
            , @{ Names = @('--refresh'); About = 'read anew which tasks, queues, workers and ids there are'; Value = $null }
            , @{ Names = @('-y', '--yes'); About = 'do not ask'; Value = $null }
        )
        Words = @(
            , @{ Kind = 'words'; List = $false; Words = @(@('bash', ''), @('zsh', ''), @('fish', ''), @('powershell', '')) }
        )
        Rest = $null
    }
    'help' = @{
        Verbs = @()
        Flags = @()
        Words = @(
            , @{ Kind = 'words'; List = $false; Words = @(@('worker', 'run tasks from the database'), @('enqueue', 'add one task, or many from stdin'), @('wait', 'wait until tasks finish'), @('cancel', 'cancel pending tasks, ask running ones to stop'), @('top', 'live screen'), @('list', 'list tasks'), @('show', 'everything about one task'), @('events', 'follow what happens, one line each'), @('stats', 'counts, rates and latencies'), @('workers', 'list workers; drain; forget lost ones'), @('queues', 'list queues; pause; resume'), @('tasks', 'list the task functions this project offers'), @('why', 'why a task is not running, or why it failed, and what to do'), @('stack', 'live Python stack of a running task'), @('logs', 'what a task logged and printed; -f follows'), @('retry', 'run failed tasks again'), @('requeue', 'put back tasks whose worker died'), @('purge', 'delete finished tasks'), @('doctor', 'check settings, migrations, database, Redis, workers'), @('demo', 'try it in one minute, nothing to install'), @('completions', 'print or install shell completion'), @('help', 'help, also: help exit-codes | json | durations | env'), @('exit-codes', 'topic'), @('json', 'topic'), @('durations', 'topic'), @('env', 'topic')) }
        )
        Rest = $null
    }
}

Register-ArgumentCompleter -Native -CommandName 'taskctl' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commands = $TaskctlCommands
    $line = @($commandAst.CommandElements |
        Where-Object { $_.Extent.StartOffset -lt $cursorPosition } |
        ForEach-Object { $_.ToString() })
    $program = $line[0]
    $words = @($line | Select-Object -Skip 1)
    if ($wordToComplete -and $words.Count) {
        $words = @($words | Select-Object -SkipLast 1)
    }

    function Find-Value($path, $flag) {
        foreach ($known in @($path, '')) {
            foreach ($row in $commands[$known].Flags) {
                if ($row.Names -ccontains $flag) { return $row.Value }
            }
        }
    }

    $path = ''
    $flag = ''
    $at = 0
    $literal = $false
    foreach ($word in $words) {
        if ($flag) { $flag = '' }
        elseif ($literal) { $at++ }
        elseif ($word -eq '--') { $literal = $true }
        elseif ($word -like '-*') {
            if ($word -notlike '*=*' -and (Find-Value $path $word)) { $flag = $word }
        }
        elseif ($at -eq 0 -and $commands.ContainsKey("$path $word".Trim())) { $path = "$path $word".Trim() }
        else { $at++ }
    }

    $before = ''
    $current = $wordToComplete
    $node = $commands[$path]
    $value = $null
    $rows = @()
    if ($flag) { $value = Find-Value $path $flag }
    elseif (-not $literal -and $current -like '--*=*') {
        $name, $current = $current -split '=', 2
        $before = "$name="
        $value = Find-Value $path $name
    }
    elseif (-not $literal -and $current -like '-*') {
        $flags = @($node.Flags)
        if ($path) { $flags += @($commands[''].Flags) }
        $rows = @($flags | ForEach-Object {
            $about = $_.About
            $_.Names | ForEach-Object { , @($_, $about) }
        })
    }
    else {
        if ($at -eq 0) { $rows = @($node.Verbs) }
        if ($at -lt $node.Words.Count) { $value = $node.Words[$at] }
        else { $value = $node.Rest }
    }

    if ($value) {
        $kind = $value.Kind
        if ($kind -eq 'words') {
            if ($value.List -and $current -like '*,*') {
                $before += $current.Substring(0, $current.LastIndexOf(',') + 1)
                $current = $current.Substring($current.LastIndexOf(',') + 1)
            }
            $rows += @($value.Words)
        }
        elseif ($kind -eq 'file' -or $kind -eq 'folder') { return }
        elseif ($kind -ne 'any') {
            $rows += @(& $program __complete $kind $current '--' @words 2>$null |
                ForEach-Object { , @($_ -split "`t", 2) })
        }
    }

    foreach ($row in $rows) {
        if ($row[0] -and $row[0].StartsWith($current, [StringComparison]::Ordinal)) {
            $about = if ($row[1]) { $row[1] } else { $row[0] }
            [System.Management.Automation.CompletionResult]::new(
                $before + $row[0], $row[0], 'ParameterValue', $about)
        }
    }
}
