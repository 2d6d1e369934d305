import { value } from '../engine/value.ts'

export const broken = value
