import { value } from '../bird/value.ts'

export const broken = value
