import { convertIngress } from '../../kube/ingress.ts'
import type { SettingsObject } from '../../kube/settings.ts'
import type { Finding, Severity } from '../../model/code.ts'
import { annotationProblem } from '../../plan/ingress-finding.ts'
import { printFinding } from '../errors.ts'
import { convertManifests } from '../ingress-manifests.ts'
import { exitCodeFor } from '../listing.ts'
import { readText } from '../manifests.ts'
import { answer, hint } from '../terminal.ts'

export interface ConvertOptions {
  readonly filename: readonly string[]
  readonly failOn: Severity
}

/** `fairway convert -f FILE`: the manifests on standard output, findings beside them. @throws {FairwayError} USAGE_FILE_INVALID */
export function convert({ filename, failOn }: ConvertOptions): void {
  const all = filename.map((file) => convertManifests(readText(file), file === '-' ? 'standard input' : file))
  answer(joined(all.map(({ text }) => text)))
  const findings = all.flatMap(({ ingresses }) => ingresses.flatMap(findingsOf))
  for (const finding of findings) printFinding(finding)
  const count = all.reduce((sum, one) => sum + one.count, 0)
  hint(`${count} ${count === 1 ? 'object is' : 'objects are'} of networking.k8s.io/v1 now`)
  process.exitCode = exitCodeFor(findings, failOn)
}

/** What a gateway would say of it, in a class of the dialect. */
function findingsOf(raw: unknown): readonly Finding[] {
  const object = raw as SettingsObject
  const named = { ...object, metadata: { ...object.metadata, namespace: object.metadata?.namespace ?? 'default' } }
  const { value, findings } = convertIngress(named)
  const problems = value?.annotations?.problems ?? []
  return [...findings, ...problems.map((problem) => annotationProblem(value?.key ?? '', problem))]
}

/** Files are documents one after the other. */
function joined(texts: readonly string[]): string {
  return texts
    .map((text, at) => (at === 0 || /^(#[^\n]*\n|\s)*---/.test(text) ? text : `---\n${text}`))
    .map((text) => (text.endsWith('\n') ? text : `${text}\n`))
    .join('')
}
