/** The root of a container: the machine's, read-only, with room for the mount paths that the machine does not have. */
import { existsSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Mounted anew after the root. */
const OWN: ReadonlySet<string> = new Set(['/dev', '/proc'])

/**
 * Bubblewrap's arguments for the root. It cannot make a path below a read-only mount; so a directory that is to get a new entry is
 * made anew, with each of the machine's entries in its place. Paths below `emptyDirs` need nothing.
 */
export function rootArguments(binds: readonly { readonly inside: string }[], emptyDirs: readonly string[]): readonly string[] {
  const inEmpty = (path: string): boolean => isWithin(path, [...emptyDirs, ...OWN])
  const missing = binds.map(({ inside }) => inside).filter((path) => !inEmpty(path) && !existsSync(path))
  const opened = new Set(missing.map(existingAncestor).filter((dir) => !inEmpty(dir)))
  const root = opened.delete('/') ? entriesOf('/') : ['--ro-bind', '/', '/']
  return [...root, ...[...opened].toSorted().flatMap((dir) => ['--tmpfs', dir, ...entriesOf(dir)])]
}

const isWithin = (path: string, dirs: readonly string[]): boolean =>
  dirs.some((dir) => path === dir || path.startsWith(`${dir}/`))

/** Makes the folders that lead to `paths` in empty directories such that every user can go there: bubblewrap makes them for root alone. */
export function openParents(paths: readonly string[], emptyDirs: readonly string[]): readonly string[] {
  const parents = new Set<string>()
  for (const path of paths)
    for (let at = dirname(path); isWithin(at, emptyDirs) && !emptyDirs.includes(at); at = dirname(at)) parents.add(at)
  return [...parents].toSorted().flatMap((dir) => ['--perms', '0755', '--dir', dir])
}

/**
 * A mount path with the machine's symbolic links followed, as bubblewrap cannot follow them inside a root that it is still making
 * (`/var/run` leads to `/run`). What lies in an emptied directory is not the machine's any more.
 */
export function pathInside(path: string, emptyDirs: readonly string[]): string {
  const parts = path.split('/').filter((part) => part !== '')
  let at = '/'
  for (const [index, part] of parts.entries()) {
    const next = join(at, part)
    if (isWithin(next, emptyDirs) || !existsSync(next)) return join(next, ...parts.slice(index + 1))
    at = realpathSync(next)
  }
  return at
}

function existingAncestor(path: string): string {
  let at = dirname(path)
  while (!existsSync(at)) at = dirname(at)
  return realpathSync(at)
}

function entriesOf(dir: string): readonly string[] {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = join(dir, entry.name)
    if (OWN.has(path)) return []
    return entry.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
  })
}
