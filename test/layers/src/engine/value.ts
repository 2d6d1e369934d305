export const value = 'engine'
