/** The program that asks whether a request may pass. It is Fairway's own text: of what users say it has nothing but data. */
import { writeFile } from 'node:fs/promises'
import { authSocket, type Directory } from './directory.ts'
import { file } from './syntax.ts'

/** Puts it where HAProxy loads it from. @throws {FairwayError} for a folder that cannot be named */
export async function writeAuthProgram(directory: Directory): Promise<void> {
  const socket = authSocket(directory)
  file(socket) // has no quote
  await writeFile(directory.authProgram, `local SOCKET = '${socket.replaceAll('\\', '\\\\')}'\n${PROGRAM}`, { mode: 0o600 })
}

/**
 * It decides nothing: what was answered becomes variables, which statements read, and what goes wrong leaves them as they were. Source: HAProxy 2.6 Lua reference, HTTPClient.
 */
const PROGRAM = `
-- What belongs to the connection of the client, or to a body, which is not sent along.
local OWN = {
  ['connection'] = true, ['content-length'] = true, ['expect'] = true, ['host'] = true, ['http2-settings'] = true, ['keep-alive'] = true,
  ['proxy-connection'] = true, ['te'] = true, ['trailer'] = true, ['transfer-encoding'] = true, ['upgrade'] = true,
}
local METHODS = { GET = 'get', HEAD = 'head', POST = 'post', PUT = 'put', DELETE = 'delete' }
local MOST_COOKIES = 8

-- The values of a header in their order; HAProxy counts from 0.
local function all(values)
  local list = {}
  if values == nil then return list end
  for at = 0, 1000 do
    if values[at] == nil then break end
    list[#list + 1] = values[at]
  end
  return list
end

local function ask(txn, section, method, names, wait)
  local headers = {}
  for name, values in pairs(txn.http:req_get_headers()) do
    if not OWN[name] then headers[name] = all(values) end
  end
  headers['x-fairway-section'] = { section }
  headers['x-original-url'] = { txn:get_var('txn.auth_url') }
  headers['x-original-method'] = { txn.f:method() }
  headers['x-auth-request-redirect'] = { txn:get_var('txn.auth_redirect') }

  local client = core.httpclient()
  local answer = client[METHODS[method]](client, {
    url = 'http://authentication.invalid/', headers = headers, dst = SOCKET, timeout = tonumber(wait),
  })
  local told = answer.headers or {}
  if answer.status == 401 and told['www-authenticate'] then
    txn:set_var('txn.auth_challenge', table.concat(all(told['www-authenticate']), ', '))
  end
  for at, cookie in ipairs(all(told['set-cookie'])) do
    if at <= MOST_COOKIES then txn:set_var('txn.auth_cookie_' .. (at - 1), cookie) end
  end
  local at = 0
  for name in names:gmatch('[^,]+') do
    local text = table.concat(all(told[name]), ', ')
    if text ~= '' then txn:set_var('txn.auth_header_' .. at, text) end
    at = at + 1
  end
  -- last: what ends before this opens nothing
  txn:set_var('txn.auth_status', answer.status or 0)
end

core.register_action('fairway_auth', { 'http-req' }, ask, 4)
`
