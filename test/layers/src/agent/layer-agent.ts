import { value } from '../lab/value.ts'

export const broken = value
