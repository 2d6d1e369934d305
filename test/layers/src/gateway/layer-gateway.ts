import { value } from '../console/value.ts'

export const broken = value
