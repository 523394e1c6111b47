// SPDX-License-Identifier: BSD-2-Clause
// The suite's own client: node client.mjs SUITE REPORT [ORDER]. ORDER is JSON: {base, only, verbose,
// parallel}; without it nothing runs. REPORT gets [{id, group, kind, name, needs, result}], result
// as in the suite's published files: true, or [class of failure, words]; absent if it did not run.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const [suite, report, orderText] = process.argv.slice(2)
const isPackage = fs.existsSync(path.join(suite, 'client/runner.mjs'))
const load = name => import(pathToFileURL(path.join(suite, name)))
const engine = name => load(isPackage ? name : path.join('test-engine', name))

const groups = (await load('tests/index.mjs')).default
if (isPackage) groups.push((await load('tests/surrogate-control.mjs')).default)

// The package's runner takes a fetch and never gives up; the checkout's has its own, with 10 s.
async function packageFetch () {
  const nodeFetch = createRequire(path.join(suite, 'cli.mjs'))('node-fetch')
  return (url, init) => nodeFetch(url, { ...init, signal: AbortSignal.timeout(10_000) })
}

async function run ({ base, only, verbose, parallel }) {
  const { runTests, getResults } = await engine('client/runner.mjs')
  const chosen = groups.map(g => ({
    ...g, tests: g.tests.filter(t => !only || only.includes(t.id))
  }))
  if (verbose) chosen.forEach(g => g.tests.forEach(t => { t.dump = true }))
  if (isPackage) await runTests(chosen, await packageFetch(), false, base, parallel)
  else await runTests(chosen, false, base, parallel)
  return getResults()
}

const results = orderText ? await run(JSON.parse(orderText)) : {}
const rows = groups.flatMap(g => g.tests.filter(t => !t.browser_only).map(t => ({
  id: t.id, group: g.id, kind: t.kind ?? 'required', name: t.name, needs: t.depends_on ?? [], result: results[t.id]
})))
fs.writeFileSync(report, JSON.stringify(rows))
process.exit(0)
