/** Which capabilities the processes of a container may have: a pure function of its securityContext. */
import type { Container } from '../../kube/types.ts'

/** What a container runtime leaves a root process by default. Source: containerd, pkg/oci default Unix capabilities. */
const DEFAULT: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'FSETID', 'FOWNER', 'MKNOD', 'NET_RAW', 'SETGID', 'SETUID', 'SETFCAP', 'SETPCAP'],
  ...['NET_BIND_SERVICE', 'SYS_CHROOT', 'KILL', 'AUDIT_WRITE'],
]

/** By their numbers. Source: include/uapi/linux/capability.h. */
const ALL: readonly string[] = [
  ...['CHOWN', 'DAC_OVERRIDE', 'DAC_READ_SEARCH', 'FOWNER', 'FSETID', 'KILL', 'SETGID', 'SETUID', 'SETPCAP', 'LINUX_IMMUTABLE'],
  ...['NET_BIND_SERVICE', 'NET_BROADCAST', 'NET_ADMIN', 'NET_RAW', 'IPC_LOCK', 'IPC_OWNER', 'SYS_MODULE', 'SYS_RAWIO'],
  ...['SYS_CHROOT', 'SYS_PTRACE', 'SYS_PACCT', 'SYS_ADMIN', 'SYS_BOOT', 'SYS_NICE', 'SYS_RESOURCE', 'SYS_TIME'],
  ...['SYS_TTY_CONFIG', 'MKNOD', 'LEASE', 'AUDIT_WRITE', 'AUDIT_CONTROL', 'SETFCAP', 'MAC_OVERRIDE', 'MAC_ADMIN', 'SYSLOG'],
  ...['WAKE_ALARM', 'BLOCK_SUSPEND', 'AUDIT_READ', 'PERFMON', 'BPF', 'CHECKPOINT_RESTORE'],
]

/**
 * The names, without `CAP_`, sorted: the default ones but for those dropped, and those added; all of a privileged container. `bounding` is
 * the kernel's mask of what this machine has to give (CapBnd in /proc/self/status): more cannot be had.
 * Source: Kubernetes API, Capabilities; containerd, WithAddedCapabilities after WithDroppedCapabilities.
 */
export function capabilitiesOf({ securityContext = {} }: Container, bounding: bigint): readonly string[] {
  const { privileged = false, capabilities = {} } = securityContext
  const [add, drop] = [named(capabilities.add), named(capabilities.drop)]
  const base = add.includes('ALL') || privileged ? ALL : drop.includes('ALL') ? [] : DEFAULT
  const kept = privileged ? base : base.filter((each) => !drop.includes(each))
  const wanted = new Set([...kept, ...add])
  return ALL.filter((each, bit) => wanted.has(each) && (bounding & (1n << BigInt(bit))) !== 0n).toSorted()
}

function named(list: readonly string[] = []): readonly string[] {
  return list.map((each) => each.toUpperCase().replace(/^CAP_/, ''))
}

/** CapBnd of the text of /proc/self/status; nothing when it is not there. */
export function boundingOf(status: string): bigint {
  return BigInt(`0x${/^CapBnd:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`)
}
