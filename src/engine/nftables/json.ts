/**
 * The part of libnftables-json(5) that the engine writes and reads: typed values, never text templates, so that no string of a
 * user can become a command.
 */
export type NftFamily = 'ip' | 'ip6'

/** A packet field, a register, a chosen number, or a look-up. */
export type Expression =
  | { readonly meta: { readonly key: 'mark' | 'priority' | 'l4proto' | 'iifname' | 'oifname' } }
  | { readonly payload: { readonly protocol: 'ip' | 'ip6' | 'th'; readonly field: 'saddr' | 'daddr' | 'dport' | 'sport' } }
  | { readonly payload: { readonly protocol: 'tcp'; readonly field: 'flags' } }
  | { readonly ct: { readonly key: string; readonly dir?: 'original' | 'reply' } }
  | { readonly fib: { readonly result: 'type'; readonly flags: readonly ['daddr' | 'saddr'] } }
  | { readonly numgen: { readonly mode: 'random'; readonly mod: number; readonly offset: number } }
  | { readonly jhash: { readonly expr: Expression; readonly mod: number; readonly seed: number } }
  | { readonly concat: readonly Expression[] }
  | { readonly map: { readonly key: Expression; readonly data: string } }
  | { readonly '&': readonly [Expression, string] }

/** What an expression is compared with: a constant, a named set (`@name`), constants, a range. */
export type Operand =
  | string
  | number
  | { readonly set: readonly (string | number)[] }
  | { readonly prefix: { readonly addr: string; readonly len: number } }

export type Verdict =
  | { readonly jump: { readonly target: string } }
  | { readonly goto: { readonly target: string } }
  | { readonly accept: null }
  | { readonly drop: null }

export type Statement =
  | Verdict
  | {
      readonly match: { readonly op: '==' | '!=' | 'in'; readonly left: Expression; readonly right: Operand | readonly string[] }
    }
  | { readonly mangle: { readonly key: Expression; readonly value: Expression | number | string } }
  | { readonly vmap: { readonly key: Expression; readonly data: string } }
  | { readonly dnat: { readonly family: NftFamily; readonly addr: Expression } }
  | { readonly masquerade: { readonly flags: 'fully-random' } }
  | { readonly snat: { readonly addr: Expression } }
  | { readonly set: { readonly op: 'update'; readonly elem: Expression; readonly set: string } }
  | { readonly reject: { readonly type: 'tcp reset' } | { readonly type: 'icmp' | 'icmpv6'; readonly expr: 'port-unreachable' } }
  | {
      readonly map: {
        readonly op: 'update' | 'delete'
        readonly elem: Expression
        /** Of the element; the map's own without it. */
        readonly timeoutInSeconds?: number
        readonly data: Expression
        readonly map: string
      }
    }

export type Scalar = string | number
export interface Prefix {
  readonly prefix: { readonly addr: string; readonly len: number }
}
export type ElementKey =
  | Scalar
  | { readonly concat: readonly (Scalar | Prefix)[] }
  | Prefix
  | { readonly elem: { readonly val: ElementKey; readonly comment?: string } }
export type ElementData = Scalar | { readonly concat: readonly Scalar[] } | Verdict
/** A set holds keys; a map holds pairs. */
export type Element = ElementKey | readonly [ElementKey, ElementData]

interface InTable {
  readonly family: NftFamily
  readonly table: string
}

export interface TableObject {
  readonly family: NftFamily
  readonly name: string
}

export interface SetObject extends InTable {
  readonly name: string
  readonly type: string | readonly string[]
  /** A map's data type; absent in a set. */
  readonly map?: string
  readonly flags?: readonly string[]
  readonly size?: number
  readonly timeout?: number
  readonly elem?: readonly Element[]
}

export interface ChainObject extends InTable {
  readonly name: string
  readonly type?: 'nat' | 'filter' | 'route'
  readonly hook?: 'prerouting' | 'forward' | 'output' | 'postrouting'
  readonly prio?: number
  readonly policy?: 'accept'
}

export interface RuleObject extends InTable {
  readonly chain: string
  readonly expr: readonly Statement[]
}

export interface ElementObject extends InTable {
  readonly name: string
  readonly elem: readonly Element[]
}

export type NftObject =
  | { readonly table: TableObject }
  | { readonly set: SetObject }
  | { readonly map: SetObject }
  | { readonly chain: ChainObject }
  | { readonly rule: RuleObject }
  | { readonly element: ElementObject }

/** `add` of a chain or table that is there changes nothing; `flush` of a chain removes its rules. */
export type NftCommand =
  | { readonly add: NftObject }
  | { readonly delete: NftObject }
  | { readonly flush: { readonly chain: ChainObject } }
