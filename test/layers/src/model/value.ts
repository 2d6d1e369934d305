export const value = 'model'
