/** Where the machine lets the lab make control groups: a pure function of what the kernel says of this process. */

export type Controller = 'cpu' | 'memory'

export const CONTROLLERS: readonly Controller[] = ['cpu', 'memory']

/** A mounted tree of control groups. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Where it is mounted, and so where the lab's groups go. */
  readonly dir: string
  /** Those that it may have; a unified tree says in `cgroup.subtree_control` which it has. */
  readonly controllers: readonly Controller[]
  /** Whether this process is at its top. Below it, the group is someone else's: its limits and its accounts are not to be left. */
  readonly top: boolean
}

/**
 * Finds the trees that have CPU or memory.
 *
 * Shape:  `mountInfo` is /proc/self/mountinfo, `own` is /proc/self/cgroup.
 * Source: cgroups(7), proc_pid_mountinfo(5).
 */
export function findHierarchies(mountInfo: string, own: string): readonly Hierarchy[] {
  const lines = own.split('\n').filter((line) => line !== '')
  const paths = new Map(lines.map((line) => [line.split(':')[1] ?? '', line.split(':').slice(2).join(':')]))
  return mountInfo.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ')
    const [, , , root = '', dir = ''] = before.split(' ')
    const [type, , options = ''] = after.split(' ')
    if (type !== 'cgroup' && type !== 'cgroup2') return []
    const words = options.split(',')
    const controllers = type === 'cgroup2' ? CONTROLLERS : CONTROLLERS.filter((each) => words.includes(each))
    if (controllers.length === 0) return []
    const path = type === 'cgroup2' ? paths.get('') : pathOf(paths, controllers[0])
    return [{ version: type === 'cgroup2' ? 2 : 1, dir, controllers, top: path === root } as const]
  })
}

/** Controllers that are mounted together are listed together: `cpu,cpuacct`. */
function pathOf(paths: ReadonlyMap<string, string>, controller: Controller | undefined): string | undefined {
  return [...paths].find(([names]) => names.split(',').includes(controller ?? ''))?.[1]
}
