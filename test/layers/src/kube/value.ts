export const value = 'kube'
