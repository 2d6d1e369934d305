import type { Code } from '../code.ts'

/** FW053x: whether replies to what comes in by BGP find their way back. */
export const BGP_NO_ROUTE_BACK: Code = {
  code: 'FW0530',
  name: 'BGP_NO_ROUTE_BACK',
  severity: 'warning',
  title: 'Announced addresses are reached, and replies have no way back',
  cause: 'The node announces routes to a neighbour but has no default route of that family and took no route from any neighbour.',
  fix: 'Give the node a default route, or take routes of the neighbour with a BGPRouteImport.',
}

export const BGP_IMPORT_SHADOWED: Code = {
  code: 'FW0531',
  name: 'BGP_IMPORT_SHADOWED',
  severity: 'warning',
  title: 'A route that was taken from a neighbour is not used',
  cause:
    'The node has another route for the same addresses that the kernel looks up first: a static one, or a rule of somebody else.',
  fix: 'Remove the other route, or take the prefix out of the BGPRouteImport: `ip route get ADDRESS` shows which is used.',
}

export const BGP_STRICT_REVERSE_PATH: Code = {
  code: 'FW0532',
  name: 'BGP_STRICT_REVERSE_PATH',
  severity: 'warning',
  title: 'Packets that come in by an announced route are dropped by rp_filter',
  cause:
    'Packets come in on the interface of the neighbour, replies leave by another one, and rp_filter of the first is strict (1).',
  fix: 'Set net.ipv4.conf.IFACE.rp_filter (and conf.all.rp_filter) to 2, or take a default route from the neighbour with a BGPRouteImport.',
}
