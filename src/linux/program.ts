/** Program files of our own that are started by path: a TypeScript file in the source tree, one of the bundle's few JavaScript files when shipped. */
import { basename } from 'node:path'

/**
 * Where a program of ours lies. `source` is its path relative to the module at `base` (that module's import.meta.url).
 *
 * `make dist` puts all programs side by side into one folder, under their own names.
 */
export function programUrl(source: `${string}.ts`, base: string): URL {
  return base.endsWith('.ts') ? new URL(source, base) : new URL(`./${basename(source, '.ts')}.js`, base)
}
