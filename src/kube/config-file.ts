/** The kubeconfig file format. Source: client-go tools/clientcmd/api/v1/types.go. */
import { readFileSync } from 'node:fs'
import { dirname, isAbsolute, resolve } from 'node:path'
import { parse } from 'yaml'
import { FairwayError } from '../model/code.ts'
import { KUBE_CONFIG_UNREADABLE } from '../model/codes/kube.ts'

export interface ClusterEntry {
  server?: string
  'certificate-authority'?: string
  'certificate-authority-data'?: string
  'insecure-skip-tls-verify'?: boolean
  'tls-server-name'?: string
  'proxy-url'?: string
}

export interface UserEntry {
  'client-certificate'?: string
  'client-certificate-data'?: string
  'client-key'?: string
  'client-key-data'?: string
  token?: string
  tokenFile?: string
  username?: string
  password?: string
  as?: string
  exec?: { command?: string }
  'auth-provider'?: object
}

export interface KubeConfigFile {
  'current-context'?: string
  contexts?: { name?: string; context?: { cluster?: string; user?: string; namespace?: string } }[]
  clusters?: { name?: string; cluster?: ClusterEntry }[]
  users?: { name?: string; user?: UserEntry }[]
}

/**
 * Reads kubeconfig files and merges them: of two entries with one name the first counts, as in kubectl. Paths in a file are
 * relative to that file and come out absolute. A missing file is skipped when there are several.
 * @throws {FairwayError} KUBE_CONFIG_UNREADABLE
 */
export function readKubeConfigFiles(paths: readonly string[]): KubeConfigFile {
  const merged: Required<KubeConfigFile> = { 'current-context': '', contexts: [], clusters: [], users: [] }
  for (const path of paths) {
    const file = readOne(path, paths.length > 1)
    if (file === undefined) continue
    merged['current-context'] ||= file['current-context'] ?? ''
    merged.contexts.push(...(file.contexts ?? []))
    merged.clusters.push(...(file.clusters ?? []))
    merged.users.push(...(file.users ?? []))
  }
  return merged
}

function readOne(path: string, optional: boolean): KubeConfigFile | undefined {
  let text: string
  try {
    text = readFileSync(path, 'utf8')
  } catch (cause) {
    if (optional && (cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    const reason = (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'does not exist' : 'cannot be read'
    throw new FairwayError(KUBE_CONFIG_UNREADABLE, `The kubeconfig ${path} ${reason}.`, { cause })
  }
  try {
    const file: unknown = parse(text)
    if (typeof file === 'object' && file !== null) return absolute(file, dirname(path))
  } catch (cause) {
    throw new FairwayError(KUBE_CONFIG_UNREADABLE, `The kubeconfig ${path} is not valid YAML.`, { cause })
  }
  throw new FairwayError(KUBE_CONFIG_UNREADABLE, `The kubeconfig ${path} is empty.`)
}

function absolute(file: KubeConfigFile, folder: string): KubeConfigFile {
  const at = (path: string | undefined) => (path && !isAbsolute(path) ? resolve(folder, path) : path)
  for (const { cluster } of file.clusters ?? []) {
    if (cluster) cluster['certificate-authority'] = at(cluster['certificate-authority'])
  }
  for (const { user } of file.users ?? []) {
    if (!user) continue
    user['client-certificate'] = at(user['client-certificate'])
    user['client-key'] = at(user['client-key'])
    user.tokenFile = at(user.tokenFile)
    // a bare command is looked up on PATH; one with a slash belongs to the file
    if (user.exec?.command?.includes('/')) user.exec.command = at(user.exec.command)
  }
  return file
}
