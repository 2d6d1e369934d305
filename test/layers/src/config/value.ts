export const value = 'config'
