import { value } from '../agent/value.ts'

export const broken = value
