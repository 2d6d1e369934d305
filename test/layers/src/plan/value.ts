export const value = 'plan'
