import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { certificateFiles, certificateRequests, makeCertificates, readCertificate } from './pki.ts'
import { DEFAULT_TOPOLOGY } from './topology.ts'

let dir: string
beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'fairway-pki-'))
  await makeCertificates(dir, DEFAULT_TOPOLOGY)
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

const certificate = (file: string) => new X509Certificate(readCertificate(dir, file).certificate)

test('every certificate is signed by the authority, fits its key, and is good now', () => {
  const ca = certificate('ca')
  expect(ca.ca).toBe(true)
  expect(ca.verify(ca.publicKey)).toBe(true)
  for (const { file, commonName } of certificateRequests(DEFAULT_TOPOLOGY)) {
    const one = certificate(file)
    expect(one.ca).toBe(false)
    expect(one.checkIssued(ca), file).toBe(true)
    expect(one.verify(ca.publicKey), file).toBe(true)
    expect(one.checkPrivateKey(createPrivateKey(readCertificate(dir, file).key)), file).toBe(true)
    expect(one.subject.split('\n')).toContain(`CN=${commonName}`)
    expect(Date.parse(one.validFrom)).toBeLessThan(Date.now())
    expect(Date.parse(one.validTo)).toBeGreaterThan(Date.now())
  }
})

test('no two certificates have the same serial number', () => {
  const numbers = certificateRequests(DEFAULT_TOPOLOGY).map(({ file }) => certificate(file).serialNumber)
  expect(new Set(numbers).size).toBe(numbers.length)
})

test('users are in the groups of Kubernetes', () => {
  expect(certificate('admin').subject).toContain('O=system:masters')
  expect(certificate('kubelet-optiplex-1').subject.split('\n')).toEqual(['O=system:nodes', 'CN=system:node:optiplex-1'])
  expect(certificate('admin').keyUsage).toEqual(['1.3.6.1.5.5.7.3.2'])
  expect(certificate('apiserver').keyUsage).toEqual(['1.3.6.1.5.5.7.3.1'])
})

test.each([
  '127.0.0.1',
  '::1',
  '192.168.0.154',
  'fd00:192:168::154',
  '10.96.0.1',
  'fd00:10:96::1',
])('the API server is %s', (address) => {
  expect(certificate('apiserver').checkIP(address)).toBe(address)
})

test('servers answer for their own names only', () => {
  expect(certificate('apiserver').checkHost('kubernetes.default.svc')).toBeDefined()
  expect(certificate('apiserver').checkIP('192.168.0.240')).toBeUndefined()
  expect(certificate('kubelet-optiplex-1-serving').checkIP('192.168.0.240')).toBe('192.168.0.240')
  expect(certificate('kubelet-optiplex-1-serving').checkIP('192.168.0.161')).toBeUndefined()
})

test('keys are for root alone', () => {
  for (const file of readdirSync(dir).filter((name) => name.endsWith('.key')))
    expect(statSync(join(dir, file)).mode & 0o777).toBe(0o600)
})

test('what is complete is left as it is', async () => {
  const before = readCertificate(dir, 'admin')
  await makeCertificates(dir, DEFAULT_TOPOLOGY)
  expect(readCertificate(dir, 'admin')).toEqual(before)
  expect(certificateFiles('/x', 'a')).toEqual({ certificate: '/x/a.crt', key: '/x/a.key' })
})
