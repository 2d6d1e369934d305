import { value } from '../linux/value.ts'

export const broken = value
