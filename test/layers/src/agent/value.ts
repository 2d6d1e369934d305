export const value = 'agent'
