/** The lab's own certificate authority, and a certificate for each of its users and servers. */
import 'reflect-metadata' // @peculiar/x509 needs it to be there first
import type { webcrypto } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type GeneralNames,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'
import ipaddr from 'ipaddr.js'
import { addressesOf, serviceRangesOf, type Topology } from './topology.ts'

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const VALID_IN_MS = 365 * 24 * 3_600_000
/** Clocks may differ a little, and a certificate is valid from whole seconds on. */
const BACKDATED_IN_MS = 3_600_000

/** One certificate to make: who it is for (`file` names it on disk), and what it is good for. */
export interface CertificateRequest {
  readonly file: string
  readonly commonName: string
  readonly organizations?: readonly string[]
  readonly usage: 'client' | 'server'
  /** Servers: the names and addresses that it answers for. */
  readonly dnsNames?: readonly string[]
  readonly addresses?: readonly string[]
}

export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

/** Where a certificate and its key are. */
export function certificateFiles(pkiDir: string, file: string): CertificateFiles {
  return { certificate: join(pkiDir, `${file}.crt`), key: join(pkiDir, `${file}.key`) }
}

/** Every certificate of a lab: names and groups are Kubernetes' own (kubeadm's, and `system:node:NAME` for kubelets). */
export function certificateRequests(topology: Topology): readonly CertificateRequest[] {
  return [
    apiServerRequest(topology),
    {
      file: 'apiserver-kubelet-client',
      commonName: 'kube-apiserver-kubelet-client',
      organizations: ['system:masters'],
      usage: 'client',
    },
    { file: 'admin', commonName: 'kubernetes-admin', organizations: ['system:masters'], usage: 'client' },
    { file: 'controllers', commonName: 'system:kube-controller-manager', organizations: ['system:masters'], usage: 'client' },
    { file: 'controller', commonName: 'fairway:controller', organizations: ['fairway:controllers'], usage: 'client' },
    ...topology.nodes.flatMap((node): readonly CertificateRequest[] => [
      { file: `kubelet-${node.name}`, commonName: `system:node:${node.name}`, organizations: ['system:nodes'], usage: 'client' },
      {
        file: `agent-${node.name}`,
        commonName: `fairway:agent:${node.name}`,
        organizations: ['fairway:agents'],
        usage: 'client',
      },
      {
        file: `kubelet-${node.name}-serving`,
        commonName: `system:node:${node.name}`,
        organizations: ['system:nodes'],
        usage: 'server',
        dnsNames: [node.name],
        addresses: addressesOf(node),
      },
    ]),
  ]
}

function apiServerRequest(topology: Topology): CertificateRequest {
  const controlPlane = topology.nodes.filter((node) => node.controlPlane)
  return {
    file: 'apiserver',
    commonName: 'kube-apiserver',
    usage: 'server',
    dnsNames: [
      'localhost',
      'kubernetes',
      'kubernetes.default',
      'kubernetes.default.svc',
      'kubernetes.default.svc.cluster.local',
      ...controlPlane.map((node) => node.name),
    ],
    addresses: ['127.0.0.1', '::1', ...controlPlane.flatMap(addressesOf), ...serviceRangesOf(topology).map(firstAddress)],
  }
}

/**
 * Makes the authority (`ca.crt`, `ca.key`) and all certificates (`FILE.crt`, `FILE.key`, PEM, keys in PKCS #8 and for root only)
 * in a folder that is there. A folder that is complete already is left as it is. Takes about 0.1 s.
 */
export async function makeCertificates(pkiDir: string, topology: Topology): Promise<void> {
  const requests = certificateRequests(topology)
  const complete = join(pkiDir, 'complete')
  // one that an older version made lacks whom it did not know
  if (existsSync(complete) && requests.every(({ file }) => existsSync(certificateFiles(pkiDir, file).certificate))) return
  const authority = await makeAuthority()
  const ca = certificateFiles(pkiDir, 'ca')
  await Promise.all([
    writeFile(ca.certificate, authority.certificate.toString('pem'), { mode: 0o644 }),
    writeKey(ca.key, authority.keys.privateKey),
    ...requests.map((request) => issue(authority, request, certificateFiles(pkiDir, request.file))),
  ])
  await writeFile(complete, '', { mode: 0o600 })
}

/** The text of a certificate and its key. */
export function readCertificate(pkiDir: string, file: string): CertificateFiles {
  const files = certificateFiles(pkiDir, file)
  return { certificate: readFileSync(files.certificate, 'utf8'), key: readFileSync(files.key, 'utf8') }
}

interface Authority {
  readonly certificate: X509Certificate
  readonly keys: webcrypto.CryptoKeyPair
}

async function makeAuthority(): Promise<Authority> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: ['fairway-lab'] }],
    ...validity(),
    keys,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(true, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign | KeyUsageFlags.digitalSignature, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate, keys }
}

async function issue(authority: Authority, request: CertificateRequest, files: CertificateFiles): Promise<void> {
  const keys = await makeKeys()
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [...(request.organizations ?? []).map((name) => ({ O: [name] })), { CN: [request.commonName] }],
    issuer: authority.certificate.subjectName,
    ...validity(),
    publicKey: keys.publicKey,
    signingKey: authority.keys.privateKey,
    signingAlgorithm: ALGORITHM,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([request.usage === 'server' ? ExtendedKeyUsage.serverAuth : ExtendedKeyUsage.clientAuth]),
      await AuthorityKeyIdentifierExtension.create(authority.keys.publicKey),
      ...alternativeNames(request),
    ],
  })
  await Promise.all([
    writeFile(files.certificate, certificate.toString('pem'), { mode: 0o644 }),
    writeKey(files.key, keys.privateKey),
  ])
}

function alternativeNames(request: CertificateRequest): readonly SubjectAlternativeNameExtension[] {
  const names = [
    ...(request.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(request.addresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ] satisfies ConstructorParameters<typeof GeneralNames>[0]
  return names.length === 0 ? [] : [new SubjectAlternativeNameExtension(names)]
}

function makeKeys(): Promise<webcrypto.CryptoKeyPair> {
  return crypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']) as Promise<webcrypto.CryptoKeyPair>
}

async function writeKey(path: string, key: webcrypto.CryptoKey): Promise<void> {
  const der = await crypto.subtle.exportKey('pkcs8', key)
  await writeFile(path, `${PemConverter.encode(der, 'PRIVATE KEY')}\n`, { mode: 0o600 })
}

function validity(): { readonly notBefore: Date; readonly notAfter: Date } {
  return { notBefore: new Date(Date.now() - BACKDATED_IN_MS), notAfter: new Date(Date.now() + VALID_IN_MS) }
}

/** Positive, and not zero in its first octet: DER would take such numbers for negative ones or drop octets. */
function serialNumber(): string {
  const octets = crypto.getRandomValues(new Uint8Array(16))
  octets[0] = ((octets[0] ?? 0) & 0x3f) | 0x40
  return Buffer.from(octets).toString('hex')
}

/** The first address of a service range is that of the service `kubernetes`. */
function firstAddress(range: string): string {
  const [network] = ipaddr.parseCIDR(range)
  const octets = network.toByteArray()
  octets[octets.length - 1] = (octets.at(-1) ?? 0) + 1
  return ipaddr.fromByteArray(octets).toString()
}
