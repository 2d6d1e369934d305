import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { makeCatalogue, parseImage } from './catalogue.ts'
import { echoPorts } from './echo.ts'
import { byteWish, downloadChecksum, downloadChunk, echoWish, peerOf } from './echo-answer.ts'
import { shortImageName, taggedReference } from './image.ts'

describe('image names', () => {
  it.each([
    ['nginx', 'nginx'],
    ['nginx:1.27', 'nginx'],
    ['library/nginx', 'nginx'],
    ['docker.io/library/nginx:latest', 'nginx'],
    ['docker.io/nginx@sha256:abc', 'nginx'],
    ['localhost:5000/nginx:1', 'nginx'],
    ['localhost/fairway/echo', 'fairway/echo'],
    ['ghcr.io/fairway/echo:1.2@sha256:abc', 'fairway/echo'],
    ['bitnami/nginx', 'bitnami/nginx'],
  ])('%s is %s', (reference, name) => expect(shortImageName(reference)).toBe(name))

  it('shows the tag that is meant', () => {
    expect(taggedReference('localhost:5000/nginx')).toBe('localhost:5000/nginx:latest')
    expect(taggedReference('nginx:1')).toBe('nginx:1')
    expect(taggedReference('nginx@sha256:1')).toBe('nginx@sha256:1')
  })
})

describe('the catalogue', () => {
  const folders: string[] = []
  afterEach(() => {
    for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
  })
  const folderWith = (files: Record<string, string>): string => {
    const folder = mkdtempSync(join(tmpdir(), 'fwt-kl-images-'))
    folders.push(folder)
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
    return folder
  }

  it('names the image, what there is and how to add one', async () => {
    const folder = folderWith({ 'web.json': '{"name": "web", "command": ["/bin/true"]}' })
    await expect(makeCatalogue(folder).resolve('acme/redis:7')).rejects.toThrow(
      `The lab has no image "acme/redis:7"; it has fairway/echo, fairway/gateway, nginx, web. To add it, run \`fairway lab image add acme/redis --command PROGRAM\`, or put acme_redis.json with {"name":"acme/redis","command":["/usr/bin/PROGRAM"]} into ${folder}.`,
    )
  })

  it('takes files of the folder, also in place of a built-in image', async () => {
    const catalogue = makeCatalogue(folderWith({ 'nginx.json': '{"name": "nginx", "command": ["/bin/sleep"], "args": ["1"]}' }))
    expect(await catalogue.resolve('nginx:9')).toMatchObject({ entrypoint: ['/bin/sleep'], args: ['1'] })
  })

  it('lets a broken file hurt its own image only', async () => {
    const catalogue = makeCatalogue(folderWith({ 'web.json': '{"name": "web"}' }))
    expect((await catalogue.resolve('nginx')).name).toBe('nginx')
    await expect(catalogue.resolve('web')).rejects.toThrow('web.json, field command cannot be used: it must list a program')
  })

  it.each([
    ['[]', 'one JSON object'],
    ['{', 'cannot be used'],
    ['{"name": 1}', 'field name'],
    ['{"name": "a", "command": "x"}', 'field command'],
    ['{"name": "a", "command": ["x"], "env": {"A": 1}}', 'field env'],
    ['{"name": "a", "command": ["x"], "workingDir": "x"}', 'field workingDir'],
    ['{"name": "a", "command": ["x"], "cmd": []}', 'field cmd'],
  ])('refuses %s', (text, words) => expect(() => parseImage(text, 'f.json')).toThrow(words))
})

describe('echo', () => {
  it('reads ports from flags or PORT', () => {
    expect(echoPorts([], {})).toEqual({ http: [8080], udp: [8080], tcp: [8081] })
    expect(echoPorts([], { PORT: '80' })).toEqual({ http: [80], udp: [80], tcp: [81] })
    expect(echoPorts(['--http', '80,81', '--udp', '53'], {})).toEqual({ http: [80, 81], udp: [53], tcp: [] })
    expect(() => echoPorts(['--htp', '80'], {})).toThrow('--htp is not known')
    expect(() => echoPorts(['--http', '0'], {})).toThrow('"0" is not a port')
  })

  it('reads wishes and ignores what is out of range', () => {
    expect(echoWish(new URLSearchParams('delay=20&status=503'))).toEqual({ delayInMs: 20, status: 503 })
    expect(echoWish(new URLSearchParams('delay=-1&status=99'))).toEqual({ delayInMs: 0, status: 200 })
    expect(byteWish(new URLSearchParams('count=10&rate=5'))).toEqual({ count: 10, bytesPerSecond: 5 })
    expect(peerOf('::ffff:10.0.0.1', 5)).toEqual({ address: '10.0.0.1', port: 5 })
  })

  it('downloads the same bytes however they are cut', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 1, max: 70_000 }), (count, cut) => {
        const hash = createHash('sha256')
        for (let offset = 0; offset < count; ) {
          const chunk = downloadChunk(offset, Math.min(cut, count - offset))
          expect(chunk[0]).toBe(offset % 251)
          hash.update(chunk)
          offset += chunk.length
        }
        expect(hash.digest('hex')).toBe(downloadChecksum(count))
      }),
      { numRuns: 30 },
    )
  })

  it('is reached as a role of the main program', () => {
    const main = new URL('../../main.ts', import.meta.url).pathname
    const script = `process.argv.splice(1, 9, ${JSON.stringify(main)}, 'lab-echo', '--htp', '1'); import(${JSON.stringify(main)}).catch((e) => console.log(e.message))`
    expect(execFileSync(process.execPath, ['-e', script], { encoding: 'utf8' })).toContain('--htp is not known')
  })
})
