export const value = 'log'
