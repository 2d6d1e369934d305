/** Where the machine lets the lab make control groups: a pure function of what the kernel says of this process. */

export type Controller = 'cpu' | 'memory'

export const CONTROLLERS: readonly Controller[] = ['cpu', 'memory']

/** A mounted tree of control groups. */
export interface Hierarchy {
  readonly version: 1 | 2
  /** Where it is mounted. */
  readonly dir: string
  /** This process's own group in it. */
  readonly own: string
  /** Those that it may have; a unified tree says in `cgroup.subtree_control` which it has. */
  readonly controllers: readonly Controller[]
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
    return [{ version: type === 'cgroup2' ? 2 : 1, dir, controllers, own: ownGroup(dir, root, path) } as const]
  })
}

/** A group that the mount does not show counts as its top: `root` is what of the tree is mounted at `dir`. */
function ownGroup(dir: string, root: string, path = '/'): string {
  const prefix = root === '/' ? '' : root
  return path === root || !path.startsWith(`${prefix}/`) || path.startsWith('/..') ? dir : `${dir}${path.slice(prefix.length)}`
}

/** Controllers that are mounted together are listed together: `cpu,cpuacct`. */
function pathOf(paths: ReadonlyMap<string, string>, controller: Controller | undefined): string | undefined {
  return [...paths].find(([names]) => names.split(',').includes(controller ?? ''))?.[1]
}
