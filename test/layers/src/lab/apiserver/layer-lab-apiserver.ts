import { value } from '../../plan/value.ts'

export const broken = value
