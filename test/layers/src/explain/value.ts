export const value = 'explain'
