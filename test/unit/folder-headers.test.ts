import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'

const root = `${import.meta.dirname}/../..`

/** Folders that hold source files themselves, and not only folders. */
function sourceFolders(folder: string): readonly string[] {
  const entries = readdirSync(join(root, folder), { withFileTypes: true })
  const below = entries.filter((entry) => entry.isDirectory()).flatMap((entry) => sourceFolders(`${folder}/${entry.name}`))
  const here = folder !== 'src' && entries.some((entry) => /\.tsx?$/.test(entry.name))
  return here ? [folder, ...below] : below
}

it('every source folder says what it is for', () => {
  const folders = sourceFolders('src').filter((folder) => !/\/generated$/.test(folder))
  expect(folders).toContain('src/model')
  const silent = folders.filter((folder) => {
    const header = join(root, folder, 'README.md')
    return (
      !existsSync(header) ||
      readFileSync(header, 'utf8')
        .split('\n')
        .filter((line) => line.trim() !== '').length < 3
    )
  })
  expect(silent, 'folders without a README.md of three lines or more').toEqual([])
})
