/** Which kind a path means. */
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

export class Registry {
  readonly kinds: readonly KindRecord[]
  readonly #byPlural: ReadonlyMap<string, KindRecord>
  readonly #groupVersions: ReadonlySet<string>

  constructor(kinds: readonly KindRecord[]) {
    this.kinds = kinds
    this.#byPlural = new Map(kinds.map((record) => [`${record.group}/${record.version}/${record.plural}`, record]))
    this.#groupVersions = new Set(kinds.map((record) => `${record.group}/${record.version}`))
  }

  find(group: string, version: string, plural: string): KindRecord | undefined {
    return this.#byPlural.get(`${group}/${version}/${plural}`)
  }

  /** What a path names: `page` when no API is there, `resource` when the API has no such resource. */
  resolve(path: string): Target | 'page' | 'resource' {
    const segments = path.split('/').slice(1).map(decodeURIComponent)
    const [root = '', ...rest] = segments
    const [group, version = '', ...inner] = root === 'api' ? ['', ...rest] : root === 'apis' ? rest : []
    if (group === undefined || !this.#groupVersions.has(`${group}/${version}`) || inner.length === 0) return 'page'
    const watch = inner[0] === 'watch'
    const target = this.#inGroup(group, version, watch ? inner.slice(1) : inner)
    return target === undefined ? 'resource' : { ...target, watch: watch }
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
