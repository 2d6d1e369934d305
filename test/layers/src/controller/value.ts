export const value = 'controller'
