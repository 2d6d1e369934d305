/** The command that isolates one container: bubblewrap's arguments. */
import { inNetns } from '../../linux/netns.ts'
import { openParents, pathInside, rootArguments } from './sandbox-root.ts'

/** Something of the machine that a container sees at a path. */
export interface Bind {
  readonly outside: string
  readonly inside: string
  readonly readOnly: boolean
}

export interface Sandbox {
  /** Name of the pod's network namespace; '' for the node's own, in which this process runs. */
  readonly netns: string
  readonly hostname: string
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** What of it tells of Services: thousands, maybe. It is inherited, as bubblewrap takes no more than 9,000 arguments. */
  readonly serviceEnv: Readonly<Record<string, string>>
  readonly workingDir: string
  readonly emptyDirs: readonly string[]
  /** Files of the machine laid over the root read-only: path inside, path outside. */
  readonly files: ReadonlyMap<string, string>
  /** Volumes. A path that the machine does not have is made. */
  readonly binds: readonly Bind[]
  /** Names without `CAP_`. */
  readonly capabilities: readonly string[]
  /** Files of control groups that the container's first process writes itself to. */
  readonly groupFiles: readonly string[]
  /** Its streams are a terminal. */
  readonly tty: boolean
  /** Nothing but volumes can be written to. */
  readonly readOnlyRoot: boolean
  readonly user: User
  /** Paths of the machine that stay visible. */
  readonly visible: readonly string[]
}

/** As whom a container's programs run. */
export interface User {
  readonly uid: number
  readonly gid: number
  /** Supplementary groups. */
  readonly groups: readonly number[]
}

/** A running container, as programs that are run beside its process see it. */
export interface RunningPlace extends Pick<Sandbox, 'capabilities' | 'groupFiles' | 'user'> {
  readonly pid: number
}

/** Emptied in every container: what is the machine's business, and where programs write. */
const EMPTY_DIRS: readonly string[] = ['/run', '/tmp', '/var/tmp', '/var/log', '/root', '/home', '/mnt']

/** Descriptor on which bubblewrap says the process id of the container, as JSON. */
export const STATUS_FD = 3

/** The environment that the command of a container is started with. */
export function sandboxEnvironment({ serviceEnv }: Pick<Sandbox, 'serviceEnv'>): Readonly<Record<string, string>> {
  return { ...serviceEnv, PATH: process.env.PATH ?? '/usr/sbin:/usr/bin:/sbin:/bin' }
}

/**
 * The whole command of a container, to be started with `sandboxEnvironment`.
 *
 * The root is the machine's, read-only; process, IPC and host name namespaces are its own; its process is number 1 in there, as under a container engine
 * (a program that does not handle SIGTERM lives until SIGKILL); it ends with the runner, however that ends.
 */
export function sandboxCommand(sandbox: Sandbox): readonly string[] {
  const emptyDirs = [...EMPTY_DIRS, ...sandbox.emptyDirs]
  const binds = sandbox.binds.map((bind) => ({ ...bind, inside: pathInside(bind.inside, emptyDirs) }))
  const bwrap = [
    'bwrap',
    ...[
      '--die-with-parent',
      ...(sandbox.tty ? [] : ['--new-session']),
      '--as-pid-1',
      '--unshare-pid',
      '--unshare-ipc',
      '--unshare-uts',
      '--unshare-cgroup-try',
    ],
    ...[
      '--hostname',
      sandbox.hostname,
      '--cap-drop',
      'ALL',
      ...[...new Set([...sandbox.capabilities, 'SETPCAP', 'SETUID', 'SETGID'])].flatMap((each) => ['--cap-add', `CAP_${each}`]),
    ],
    ...rootArguments(binds, emptyDirs),
    ...['--dev', '/dev', '--proc', '/proc'],
    ...emptyDirs.flatMap((dir) => ['--tmpfs', dir]),
    ...['--chmod', '1777', '/tmp'],
    ...openParents([...sandbox.visible, ...sandbox.files.keys(), ...binds.map(({ inside }) => inside)], emptyDirs),
    ...sandbox.visible.flatMap((path) => ['--ro-bind', path, path]),
    ...[...sandbox.files].flatMap(([inside, outside]) => ['--ro-bind', outside, inside]),
    ...binds.flatMap(({ outside, inside, readOnly }) => [readOnly ? '--ro-bind' : '--bind', outside, inside]),
    ...(sandbox.readOnlyRoot ? emptyDirs.flatMap((dir) => ['--remount-ro', dir]) : []),
    ...Object.entries(sandbox.env).flatMap(([name, value]) =>
      sandbox.serviceEnv[name] === value ? [] : ['--setenv', name, value],
    ),
    ...[
      '--chdir',
      sandbox.workingDir,
      '--json-status-fd',
      String(STATUS_FD),
      '--',
      ...(sandbox.tty ? ['/usr/bin/setsid', '--ctty'] : []),
      ...bounded('/usr/bin/setpriv', sandbox),
      ...sandbox.command,
    ],
  ]
  const guarded = ['setpriv', '--pdeathsig', 'KILL', '--', ...inGroups(sandbox.groupFiles, bwrap)]
  return sandbox.netns === '' ? guarded : inNetns(sandbox.netns, guarded)
}

/** A shell that joins the groups and then becomes the program, so that nothing of the container is ever outside of them. */
const JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1" || exit 128; shift; done; shift; exec "$@"'

function inGroups(files: readonly string[], command: readonly string[]): readonly string[] {
  return files.length === 0 ? command : ['sh', '-c', JOIN, 'sh', ...files, '--', ...command]
}

/**
 * The command that runs another program beside a container's process, in all its namespaces and control groups, as its user and
 * with its capabilities (exec, hooks, probes). It ends with the process that runs it.
 */
export function execCommand(place: RunningPlace, command: readonly string[]): readonly string[] {
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd']
  const limits = bounded('setpriv', place)
  return inGroups(place.groupFiles, ['nsenter', '--target', String(place.pid), ...namespaces, '--', ...limits, ...command])
}

/**
 * What bounds a program for good, and all that it starts: bubblewrap bounds only what it starts with. It takes SETPCAP, and leaves it.
 * A change of user forgets that the program ends with its parent: so that is said again.
 */
function bounded(setpriv: string, { capabilities, user }: Pick<Sandbox, 'capabilities' | 'user'>): readonly string[] {
  const bounds = ['-all', ...capabilities.map((each) => `+${each.toLowerCase()}`)].join(',')
  const { uid, gid, groups } = user
  const more = groups.length === 0 ? '--clear-groups' : `--groups=${groups.join(',')}`
  const identity = uid === 0 && gid === 0 && groups.length === 0 ? [] : [`--reuid=${uid}`, `--regid=${gid}`, more]
  return [setpriv, '--pdeathsig', 'KILL', ...identity, '--inh-caps=-all', `--bounding-set=${bounds}`, '--']
}
