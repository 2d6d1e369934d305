export const value = 'gateway'
