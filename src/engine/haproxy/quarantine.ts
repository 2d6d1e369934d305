/** What HAProxy refuses of a configuration: looked for part by part, and left out, so that all else goes on. */
import { caseText } from './cases.ts'
import type { Certificates } from './certificates.ts'
import type { ConfigFiles, Parts } from './config-files.ts'
import { textOf } from './own-sections.ts'
import type { Wanted } from './wanted.ts'

/** Of what HAProxy says, which is long. */
const REASON_LENGTH = 300

export interface Refused {
  readonly wanted: Wanted
  readonly certificates: Certificates
  readonly files: ConfigFiles
  /** What HAProxy took before is not looked at; undefined: nothing. */
  readonly loaded: Parts | undefined
  /** What it said of the whole. */
  readonly why: string
}

/** `check` says what is wrong with a folder, '' for nothing. Resolves with whether anything was left out. */
export async function leaveOut(refused: Refused, check: (folder: string) => Promise<string>): Promise<boolean> {
  const { wanted, certificates, files, loaded, why } = refused
  for (const [file] of why.matchAll(/\/[^\s'")]+\.pem/g))
    if (await certificates.refuse(file, why.slice(0, REASON_LENGTH))) return true
  let isFound = false
  const tryAlone = async (text: string, refuse: (reason: string) => void) => {
    const reason = await files.alone(text, check)
    if (reason === '') return
    refuse(reason.slice(0, REASON_LENGTH))
    isFound = true
  }
  for (const [name, section] of [...wanted.own])
    if (loaded?.frames[name] !== section.frame)
      await tryAlone(textOf(wanted, name), (reason) => wanted.refuse(name, section, reason))
  const known = new Set(loaded?.slots.map(({ text }) => text))
  for (const { shape } of [...wanted.slots.runs]) {
    const text = wanted.shapes.textOf(shape)
    if (!known.has(text)) await tryAlone(text, (reason) => wanted.refuseShape(shape, reason))
  }
  // what has no form is left out already
  for (const [key, rule] of wanted.form.cases)
    if (!wanted.refusedCases.has(key) && !wanted.form.left.has(key))
      await tryAlone(caseText(wanted, rule), (reason) => wanted.refuseCase(key, reason))
  return isFound
}
