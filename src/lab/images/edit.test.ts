import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { makeCatalogue } from './catalogue.ts'
import { addImage, type ImageWish, images, removeImage } from './edit.ts'

let root: string
let folder: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'fwt-images-'))
  folder = join(root, 'images')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

const wish = (part: Partial<ImageWish>): ImageWish => ({ name: 'team/web', command: 'sh', args: [], env: [], ...part })

test('what is added is an image at once, found under any registry and tag', async () => {
  const catalogue = makeCatalogue(folder)
  await expect(catalogue.resolve('team/web:2')).rejects.toThrow('fairway lab image add team/web')
  const added = await addImage(
    folder,
    wish({ name: 'registry.example/team/web:1', args: ['-c', 'exit 3'], env: ['A=b=c', 'E='] }),
  )
  expect(added).toEqual({ name: 'team/web', replaced: false })
  const image = await catalogue.resolve('team/web:2')
  expect(image).toMatchObject({ args: ['-c', 'exit 3'], env: { A: 'b=c', E: '' }, workingDir: '/' })
  expect(image.entrypoint[0]).toMatch(/^\/.*\/sh$/)
  expect(await addImage(folder, wish({ args: ['-x'] }))).toEqual({ name: 'team/web', replaced: true })
  expect((await catalogue.resolve('team/web')).args).toEqual(['-x'])
})

test('a folder is seen and started in, and so is a program where containers see nothing', async () => {
  const program = join(root, 'program')
  writeFileSync(program, '#!/bin/sh\n', { mode: 0o755 })
  mkdirSync(join(root, 'site'))
  await addImage(folder, wish({ command: program, dir: join(root, 'site') }))
  expect(await makeCatalogue(folder).resolve('team/web')).toMatchObject({
    entrypoint: [program],
    workingDir: join(root, 'site'),
    visible: [join(root, 'site'), program],
  })
})

test.each([
  ['Web', 'IMAGE'],
  ['../web', 'IMAGE'],
  ['a//b', 'IMAGE'],
  ['', 'IMAGE'],
  ['-x', 'IMAGE'],
])('%j is no name', async (name, field) => {
  await expect(addImage(folder, wish({ name }))).rejects.toMatchObject({ code: { name: 'LAB_IMAGE_INVALID' }, field })
})

test.each([
  [{ command: 'no-such-program-at-all' }, '--command', 'is on no folder of the PATH'],
  [{ command: '/etc/passwd' }, '--command', 'is no program'],
  [{ command: '/usr' }, '--command', 'is no program'],
  [{ command: '' }, '--command', 'is on no folder'],
  [{ env: ['PATH'] }, '--env', 'is no KEY=VALUE'],
  [{ env: ['1=2'] }, '--env', 'is no KEY=VALUE'],
  [{ dir: '/no/such' }, '--dir', 'is no folder'],
  [{ dir: '/etc/passwd' }, '--dir', 'is no folder'],
])('%j is refused, and nothing is written', async (part, field, problem) => {
  await expect(addImage(folder, wish(part))).rejects.toMatchObject({
    code: { name: 'LAB_IMAGE_INVALID' },
    field,
    message: expect.stringContaining(problem),
  })
  expect((await images(folder)).filter(({ builtIn }) => !builtIn)).toEqual([])
})

describe('a list', () => {
  test('shows both kinds, added ones in place of built-in ones, and files that cannot be used', async () => {
    await addImage(folder, wish({ name: 'nginx' }))
    writeFileSync(join(folder, 'broken.json'), '{')
    expect((await images(folder)).map(({ name, builtIn, error }) => [name, builtIn, error === undefined])).toEqual([
      ['broken.json', false, false],
      ['fairway/echo', true, true],
      ['fairway/gateway', true, true],
      ['nginx', false, true],
    ])
  })
})

describe('removing', () => {
  test('takes away what was added, and nothing else', async () => {
    await addImage(folder, wish({}))
    expect(await removeImage(folder, 'team/web:9')).toBe('team/web')
    await expect(removeImage(folder, 'team/web')).rejects.toMatchObject({ code: { name: 'LAB_IMAGE_UNKNOWN' } })
    await addImage(folder, wish({}))
    const unknown = { code: { name: 'LAB_IMAGE_UNKNOWN' }, fix: 'Use one of: team/web.' }
    await expect(removeImage(folder, 'nginx')).rejects.toMatchObject(unknown)
    await expect(removeImage(folder, '../../lab')).rejects.toMatchObject(unknown)
  })
})
