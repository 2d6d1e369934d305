/** bench/RESULTS.md: one section a benchmark, between markers, so that each rewrites its own only. */
import { existsSync, readFileSync } from 'node:fs'
import { cpus, loadavg, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { writeAtomically } from '../src/linux/atomic-file.ts'
import { tryRun } from '../src/linux/run.ts'

const FILE = join(import.meta.dirname, 'RESULTS.md')
const HEAD =
  '# Results\n\nWritten by the programs of this folder. Ratios first: they travel between machines; the times beside them do not.\n'

/** Puts a section in the place of the one of the same name, or at the end. Pure. */
export function withSection(page: string, name: string, text: string): string {
  const [begin, end] = [`<!-- begin ${name} -->`, `<!-- end ${name} -->`]
  const section = `${begin}\n${text.trim()}\n${end}`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from) return `${page.trimEnd()}\n\n${section}\n`
  return page.slice(0, from) + section + page.slice(to + end.length)
}

export async function writeSection(name: string, text: string): Promise<void> {
  const page = existsSync(FILE) ? readFileSync(FILE, 'utf8') : HEAD
  await writeAtomically(FILE, withSection(page, name, text), 0o644)
}

/** What it ran on, as one Markdown paragraph. `programs` are asked for their versions. */
export async function machine(programs: readonly (readonly string[])[]): Promise<string> {
  const versions = await Promise.all(programs.map(versionOf))
  const memoryInGiB = Math.round(totalmem() / 2 ** 30)
  const [load = 0] = loadavg()
  return [
    `${new Date().toISOString().slice(0, 10)}, Linux ${release()}, ${cpus().length} cores of ${cpus()[0]?.model ?? 'an unknown processor'},`,
    `${[`${memoryInGiB} GiB`, `Node ${process.version}`, ...versions].join(', ')}; load average ${load.toFixed(1)} when it ended.`,
  ].join(' ')
}

/** The first line that a program says of its version; nginx says it on standard error. */
async function versionOf(command: readonly string[]): Promise<string> {
  const { stdout, stderr } = await tryRun(command)
  return `${stdout}${stderr}`.trim().split('\n')[0] ?? ''
}
