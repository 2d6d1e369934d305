import { value } from '../kube/value.ts'

export const broken = value
