/** Which kind a path means. */
import { storageOf } from './conversion.ts'
import type { KindRecord } from './kind.ts'

/** What a path of the API names. `name` is absent for collections; `subresource` is '' for the object itself. */
export interface Target {
  readonly record: KindRecord
  readonly namespace: string | undefined
  readonly name: string | undefined
  readonly subresource: string
  /** A path of the older form `/api/v1/watch/...`. */
  readonly watch: boolean
}

/** The kinds that are served now: those that the server was made with, and custom ones that come and go. */
export class Registry {
  readonly #own: readonly KindRecord[]
  #kinds: readonly KindRecord[] = []
  #stored: readonly KindRecord[] = []
  #byPlural: ReadonlyMap<string, KindRecord> = new Map()
  /** Where something is served; true where nothing but custom resources is. */
  #groupVersions: ReadonlyMap<string, boolean> = new Map()

  constructor(kinds: readonly KindRecord[]) {
    this.#own = kinds
    this.serveBeside([])
  }

  /** To be asked anew by whoever works on all kinds: it changes. */
  get kinds(): readonly KindRecord[] {
    return this.#kinds
  }

  /** The records in whose form objects are stored, each once; the version of one need not be served. It changes as `kinds` does. */
  get stored(): readonly KindRecord[] {
    return this.#stored
  }

  /** Serves these beside the server's own kinds, in place of those given before. Of two with one name the first is found. */
  serveBeside(custom: readonly KindRecord[]): void {
    const kinds = [...this.#own, ...custom]
    const names = kinds.map((record) => [`${record.group}/${record.version}`, record] as const)
    this.#kinds = kinds
    this.#stored = [...new Set(kinds.map(storageOf))]
    this.#byPlural = new Map(names.map(([name, record]) => [`${name}/${record.plural}`, record] as const).toReversed())
    this.#groupVersions = new Map(names.map(([name, record]) => [name, record.form !== undefined] as const).toReversed())
  }

  find(group: string, version: string, plural: string): KindRecord | undefined {
    return this.#byPlural.get(`${group}/${version}/${plural}`)
  }

  /** What a path names: `page` when no API is there, `resource` when the API has no such resource. */
  resolve(path: string): Target | 'page' | 'resource' {
    const segments = path.split('/').slice(1).map(decodeURIComponent)
    const [root = '', ...rest] = segments
    const [group, version = '', ...inner] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : []
    const custom = this.#groupVersions.get(`${group}/${version}`)
    if (group === undefined || custom === undefined || inner.length === 0) return 'page'
    const watch = inner[0] === 'watch'
    const target = this.#inGroup(group, version, watch ? inner.slice(1) : inner)
    if (target === undefined) return custom ? 'page' : 'resource'
    return { ...target, watch: watch }
  }

  #inGroup(group: string, version: string, inner: readonly string[]): Omit<Target, 'watch'> | undefined {
    const [first = '', second, third, fourth, ...more] = inner
    const own = this.find(group, version, first)
    const inNamespace = first === 'namespaces' && third !== undefined && !own?.subresources.includes(third)
    if (!inNamespace) {
      if (own === undefined || (own.namespaced && second !== undefined)) return undefined
      return { record: own, namespace: undefined, name: second, subresource: [third, fourth, ...more].filter(Boolean).join('/') }
    }
    const record = this.find(group, version, third)
    if (record === undefined || !record.namespaced) return undefined
    return { record, namespace: second, name: fourth, subresource: more.join('/') }
  }
}
