import type { Family, Protocol } from '../../model/world.ts'
import { readClassid } from './element.ts'
import type { Expression, RuleObject, Statement } from './json.ts'
import { blockList, type ListedTable } from './listed-table.ts'
import { readMapStatement, statementText } from './text.ts'
import { Memory } from './trace-memory.ts'

/** The first packet of a flow. `interface` is where it came in; '' when the node itself sends it. */
export interface TracedPacket {
  readonly family: Family
  readonly protocol: Protocol | 'icmp'
  readonly from: string
  readonly fromPort: number
  readonly to: string
  readonly port: number
  readonly interface: string
  readonly mark?: number
  /** What it was sent to, when somebody else's rules before ours translated it. */
  readonly was?: { readonly to: string; readonly port: number }
}

/** What the rules ask of the node beside the packet. */
export interface TracedNode {
  isLocal(address: string): boolean
  /** Which of `count` is drawn, from 0. */
  draw(count: number): number
  /** What rules remember from packet to packet (session affinity); nothing is remembered without it. */
  readonly memory?: Memory
}

export interface Trace {
  /** `local` is delivered on the node, `forward` leaves it; `refused` is answered with an error at once. */
  readonly outcome: 'local' | 'forward' | 'refused' | 'dropped'
  /** Where it goes in the end. */
  readonly to: string
  readonly port: number
  readonly translated: boolean
  /** Whether its source becomes the node's. */
  readonly masqueraded: boolean
  /** Whether nobody behind these rules may replace its source. */
  readonly sourceKept: boolean
  readonly mark: number
  readonly priority: number
  /** The rules that matched, in order: chain and text. */
  readonly steps: readonly { readonly chain: string; readonly rule: string }[]
}

type Ending = 'accept' | 'drop' | 'refuse' | 'translated' | 'masqueraded' | 'kept'
type Value = string | number

/** The way of one packet through a table, once. */
export class Passage {
  private readonly packet: TracedPacket
  private readonly node: TracedNode
  private readonly table: ListedTable
  private readonly steps: { chain: string; rule: string }[] = []
  private to: string
  private port: number
  private mark: number
  private priority = 0
  private readonly memory: Memory
  private translated = false
  private source: 'masqueraded' | 'kept' | undefined
  private out = ''

  constructor(packet: TracedPacket, node: TracedNode, table: ListedTable) {
    this.packet = packet
    this.node = node
    this.table = table
    this.to = packet.to
    this.port = packet.port
    this.mark = packet.mark ?? 0
    this.memory = node.memory ?? new Memory()
  }

  run(): Trace {
    const first = this.pass(this.packet.interface === '' ? 'output' : 'prerouting')
    if (first !== 'accept') return this.result(first === 'drop' ? 'dropped' : 'refused')
    const local = this.node.isLocal(this.to)
    if (local && this.packet.interface !== '') return this.result('local')
    this.out = local ? 'lo' : 'out'
    this.pass('postrouting')
    return this.result(local ? 'local' : 'forward')
  }

  private result(outcome: Trace['outcome']): Trace {
    const { to, port, translated, mark, priority, steps, source } = this
    const [masqueraded, sourceKept] = [source === 'masqueraded', source === 'kept']
    return { outcome, to, port, translated, masqueraded, sourceKept, mark, priority, steps }
  }

  private pass(hook: string): 'accept' | 'drop' | 'refuse' {
    for (const name of this.table.hook(hook)) {
      // the kernel asks for a destination once: the first rule that has one decides
      if (this.packet.was !== undefined && hook !== 'postrouting' && this.table.type(name) === 'nat') continue
      const ending = this.chain(name)
      if (ending === 'drop' || ending === 'refuse') return ending
    }
    return 'accept'
  }

  /** Undefined when the packet falls off the chain's end. */
  private chain(name: string): Ending | undefined {
    for (const rule of this.table.rules(name)) {
      const ending = this.rule(rule)
      if (ending === 'return') return undefined
      if (ending !== undefined) return ending
    }
    return undefined
  }

  private rule(rule: RuleObject): Ending | 'return' | undefined {
    const at = this.steps.length // what a goto leads to comes behind the rule that has it
    let ending: Ending | 'return' | undefined
    for (const statement of rule.expr) {
      const result = this.statement(statement)
      if (result === false) return undefined
      ending = result
    }
    const text = rule.expr.map((one) => (typeof one === 'string' ? one : statementText(one))).join(' ')
    this.steps.splice(at, 0, { chain: rule.chain, rule: text })
    return ending
  }

  /** False when the rule does not go on; an ending when the packet is decided; `return` after a goto that came to an end. */
  private statement(statement: Statement | string): Ending | 'return' | undefined | false {
    if (typeof statement === 'string') return this.remember(readMapStatement(statement))
    if ('map' in statement || 'set' in statement) return this.remember(statement)
    if ('match' in statement) return this.match(statement.match) ? undefined : false
    if ('mangle' in statement) return this.mangle(statement.mangle)
    if ('vmap' in statement) {
      const target = this.table.find(statement.vmap.data, this.key(statement.vmap.key))?.target
      return target === undefined ? false : (this.chain(target) ?? 'return')
    }
    if ('dnat' in statement || 'masquerade' in statement || 'snat' in statement) return this.nat(statement)
    if ('reject' in statement) return this.refuses(statement.reject) ? 'refuse' : false
    if ('jump' in statement) return this.chain(statement.jump.target)
    if ('goto' in statement) return this.chain(statement.goto.target) ?? 'return'
    return 'accept' in statement ? 'accept' : 'drop'
  }

  /** The destination becomes a backend's; the source becomes the node's, or stays the packet's own for good: rules give no other. */
  private nat(statement: Extract<Statement, { dnat: unknown } | { masquerade: unknown } | { snat: unknown }>): Ending | false {
    if ('dnat' in statement) return this.translate(statement.dnat.addr)
    if ('snat' in statement && this.value(statement.snat.addr) !== this.packet.from) return false
    this.source = 'snat' in statement ? 'kept' : 'masqueraded'
    return this.source
  }

  private refuses({ type }: Extract<Statement, { reject: unknown }>['reject']): boolean {
    return type !== 'tcp reset' || this.packet.protocol === 'tcp'
  }

  private remember(statement: Extract<Statement, { map: unknown } | { set: unknown }> | undefined): undefined | false {
    if (statement === undefined) return false
    if ('set' in statement) {
      const { elem, set } = statement.set
      this.memory.update(set, this.key(elem), 1, this.table.timeoutInSeconds(set))
      return undefined
    }
    const { op, map, elem, data, timeoutInSeconds } = statement.map
    if (op === 'delete') this.memory.delete(map, this.key(elem))
    else this.memory.update(map, this.key(elem), Number(this.value(data)), timeoutInSeconds ?? this.table.timeoutInSeconds(map))
    return undefined
  }

  private match({ op, left, right }: Extract<Statement, { match: unknown }>['match']): boolean {
    const equal = this.matches(left, right)
    return op === '!=' ? !equal : equal
  }

  private matches(left: Expression, right: Extract<Statement, { match: unknown }>['match']['right']): boolean {
    if (typeof right === 'string' && right.startsWith('@')) {
      if (this.table.isDynamic(right)) return this.memory.get(right, this.key(left)) !== undefined
      return this.table.contains(right, this.keyParts(left))
    }
    const value = this.value(left)
    if (typeof right === 'object' && 'set' in right) return right.set.includes(value ?? '')
    if (typeof right === 'object' && 'prefix' in right) {
      const text = String(value)
      return blockList([`${right.prefix.addr}/${right.prefix.len}`]).check(text, text.includes(':') ? 'ipv6' : 'ipv4')
    }
    if (typeof right === 'object') return right.includes(String(value))
    if ('&' in left) return value === readClassid(right)
    return value === right
  }

  private mangle({ key, value }: Extract<Statement, { mangle: unknown }>['mangle']): undefined | false {
    const found = typeof value === 'object' ? this.value(value) : value
    if (found === undefined || !('meta' in key)) return false
    if (key.meta.key === 'priority') this.priority = found === 'none' ? 0 : readClassid(found)
    else this.mark = Number(found)
    return undefined
  }

  private translate(addr: Expression): Ending | false {
    const found = 'map' in addr ? this.table.find(addr.map.data, this.key(addr.map.key)) : undefined
    if (found === undefined) return false
    this.to = String(found.data[0])
    this.port = Number(found.data[1])
    this.translated = true
    return 'translated'
  }

  private key(expression: Expression): string {
    return this.keyParts(expression).join(' . ')
  }

  private keyParts(expression: Expression): readonly string[] {
    const parts = 'concat' in expression ? expression.concat : [expression]
    return parts.map((part) => this.keyPart(part))
  }

  private keyPart(part: Expression): string {
    if ('meta' in part && part.meta.key === 'priority')
      return `${(this.priority >>> 16).toString(16)}:${(this.priority & 0xffff).toString(16)}`
    return String(this.value(part))
  }

  private value(expression: Expression): Value | undefined {
    if ('meta' in expression) return this.meta(expression.meta.key)
    if ('payload' in expression) return this.payload(expression.payload.field)
    if ('ct' in expression) return this.ct(expression.ct.key)
    if ('fib' in expression)
      return this.node.isLocal(expression.fib.flags[0] === 'saddr' ? this.packet.from : this.to) ? 'local' : 'unicast'
    if ('jhash' in expression) return hash(String(this.value(expression.jhash.expr))) % expression.jhash.mod
    if ('numgen' in expression) return expression.numgen.offset + this.node.draw(expression.numgen.mod)
    if ('map' in expression) {
      const { data } = expression.map
      if (this.table.isDynamic(data)) return this.memory.get(data, this.key(expression.map.key))
      return this.table.find(expression.map.data, this.key(expression.map.key))?.data[0]
    }
    if ('&' in expression) return (this.priority & readClassid(expression['&'][1])) >>> 0
    return undefined
  }

  private meta(key: string): Value {
    const { protocol } = this.packet
    return (
      { mark: this.mark, priority: this.priority, l4proto: protocol, iifname: this.packet.interface, oifname: this.out }[key] ??
      ''
    )
  }

  private payload(field: string): Value {
    return { saddr: this.packet.from, daddr: this.to, sport: this.packet.fromPort, dport: this.port }[field] ?? ''
  }

  /** A flow's original direction is the packet as it was sent. */
  private ct(key: string): Value {
    const { packet } = this
    const { to, port } = packet.was ?? packet
    if (key === 'state') return 'new'
    if (key === 'status') return this.translated || packet.was !== undefined ? 'dnat' : ''
    if (key === 'proto-src') return packet.fromPort
    if (key === 'proto-dst') return port
    return key.endsWith('daddr') ? to : packet.from
  }
}

/** Any hash will do: what counts is that a client has the same one each time. */
function hash(text: string): number {
  let value = 0
  for (let index = 0; index < text.length; index += 1) value = (Math.imul(value, 31) + text.charCodeAt(index)) >>> 0
  return value
}
