/**
 * The sysctl `route_localnet` of the interfaces that hostPort pods hang on: without it the kernel does not route a flow from
 * 127.0.0.1 out of the machine. What comes in with a loopback address is dropped by the table's first chain (CVE-2020-8558).
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { withNetns } from '../../linux/netns.ts'

export function allowLoopback(addresses: readonly string[], netns: string | undefined): void {
  if (addresses.length > 0) inside(netns, () => write(addresses, '1'))
}

export function forgetLoopback(addresses: readonly string[], netns: string | undefined): void {
  if (addresses.length > 0) inside(netns, () => write(addresses, '0'))
}

function inside(netns: string | undefined, action: () => void): void {
  if (netns === undefined) action()
  else withNetns(netns, action)
}

function write(addresses: readonly string[], value: '0' | '1'): void {
  const table = readFileSync('/proc/thread-self/net/route', 'utf8')
  for (const name of new Set(addresses.flatMap((address) => interfaceTo(address, table) ?? []))) {
    const path = `/proc/sys/net/ipv4/conf/${name}/route_localnet`
    if (existsSync(path) && readFileSync(path, 'utf8').trim() !== value) writeFileSync(path, value)
  }
}

/**
 * The interface of the longest route to an IPv4 address; undefined when only the default route leads there: such a pod is not here.
 *
 * Shape: `table` is the text of /proc/net/route: name, destination and mask as hexadecimal in the machine's byte order.
 */
export function interfaceTo(address: string, table: string): string | undefined {
  const wanted = littleEndian(address)
  let best: { readonly name: string; readonly bits: number } | undefined
  for (const line of table.split('\n').slice(1)) {
    const [name = '', destination = '', , , , , , mask = ''] = line.split('\t')
    const bits = mask === '' ? 0 : Number.parseInt(mask, 16).toString(2).replaceAll('0', '').length
    if (bits === 0 || bits <= (best?.bits ?? 0)) continue
    if ((wanted & Number.parseInt(mask, 16)) >>> 0 === Number.parseInt(destination, 16)) best = { name, bits }
  }
  return best?.name
}

function littleEndian(address: string): number {
  return address.split('.').reduceRight((value, part) => value * 256 + Number(part), 0)
}
