/** Commands in nft's own language, for a transaction that also declares tables: that is text, and a transaction has one language. */
import { type ReadElement, readElement } from './element.ts'
import type { NftCommand } from './json.ts'

/** @throws {Error} for a command that the engine never renders, and for a comment that nft's quotes would not hold */
export function commandText(command: NftCommand): string {
  if ('flush' in command)
    return `flush chain ${command.flush.chain.family} ${command.flush.chain.table} ${command.flush.chain.name}\n`
  const [verb, object] = 'add' in command ? (['add', command.add] as const) : (['delete', command.delete] as const)
  if ('chain' in object) return `${verb} chain ${object.chain.family} ${object.chain.table} ${object.chain.name}\n`
  if (!('element' in object)) throw new Error(`no text for ${JSON.stringify(command)}`)
  const { family, table, name, elem } = object.element
  return `${verb} element ${family} ${table} ${name} { ${elem.map((one) => elementText(readElement(one))).join(', ')} }\n`
}

function elementText({ key, comment, data, target }: ReadElement): string {
  const value = target === '' ? data.join(' . ') : `goto ${target}`
  return `${key.join(' . ')}${commentText(comment)}${value === '' ? '' : ` : ${value}`}`
}

/** Comments are keys of groups: names of Kubernetes objects and words of ours. */
function commentText(comment: string): string {
  if (comment === '') return ''
  if (/["\\\n]/.test(comment)) throw new Error(`nft cannot quote ${JSON.stringify(comment)}`)
  return ` comment "${comment}"`
}
