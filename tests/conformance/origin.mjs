// SPDX-License-Identifier: BSD-2-Clause
// Starts the suite's own origin: node origin.mjs SUITE PORT PORT-FILE. The suite's server would
// listen on all addresses; here it gets 127.0.0.1, and its port goes to the file once it listens.
// Ends when its stdin does, that is, with the program that started it.
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [suite, port, portFile] = process.argv.slice(2)
const listen = net.Server.prototype.listen

net.Server.prototype.listen = function () {
  // An idle connection must not end just as the proxy takes it from its pool.
  this.keepAliveTimeout = 300_000
  this.once('listening', () => {
    fs.writeFileSync(portFile + '.new', String(this.address().port))
    fs.renameSync(portFile + '.new', portFile)
  })
  return listen.call(this, Number(port), '127.0.0.1')
}
process.stdin.resume().on('end', () => process.exit(0))
Object.assign(process.env, {
  npm_config_protocol: 'http', npm_config_port: port, npm_config_pidfile: '/dev/null'
})
const inPackage = path.join(suite, 'server/server.mjs')
const inCheckout = path.join(suite, 'test-engine/server/server.mjs')
await import(pathToFileURL(fs.existsSync(inPackage) ? inPackage : inCheckout))
