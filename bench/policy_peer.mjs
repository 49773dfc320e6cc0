// Drives @cloud-copilot/iam-simulate from outside. A line of JSON in, a line of JSON out:
//   {"load": {name: {policies, requests}}}     build everything that need not be built per decision
//   {"run": name, "way": "unvalidated" | "pre-parsed", "from": i, "count": n, "again": bool}     -> {"ns": per decision}, or {"error": why}
// "unvalidated" is runUnsafeSimulation on the documents as they are; it answers with one word. "pre-parsed" is the
// engine underneath on parsed policies and prepared requests; it answers with an analysis, as Casemate's trace does.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const modules = process.argv[2] + '/node_modules/@cloud-copilot/'
const load = (path) => import(pathToFileURL(modules + path).href)
const { runUnsafeSimulation } = await load('iam-simulate/dist/esm/index.js')
const { authorize } = await load('iam-simulate/dist/esm/core_engine/CoreSimulatorEngine.js')
const { AwsRequestImpl } = await load('iam-simulate/dist/esm/request/request.js')
const { RequestContextImpl } = await load('iam-simulate/dist/esm/requestContext.js')
const { DiscoveryContextKeyConstraints } = await load('iam-simulate/dist/esm/context_keys/discoveryContextKeyConstraints.js')
const { loadPolicy } = await load('iam-policy/dist/esm/index.js')

const named = (policy, name) => ({ name, policy })
const parse = (policy, name) => policy && loadPolicy(policy, { name })
const some = (policy, name, how) => (policy ? [how(policy, name)] : [])
const levels = (given, kind, how) =>
  given.map((policies, depth) => ({
    orgIdentifier: `ou-${depth}`,
    policies: policies.map((policy, index) => how(policy, `${kind}-${depth}-${index}`))
  }))

function unvalidated(policies, asked) {
  return {
    request: {
      principal: asked.principal,
      action: asked.action,
      resource: { resource: asked.resource, accountId: asked.account },
      contextVariables: asked.context
    },
    ...policies
  }
}

function forUnvalidated(given) {
  return {
    identityPolicies: given.identity.map((policy, index) => named(policy, `identity-${index}`)),
    serviceControlPolicies: levels(given.scps, 'scp', named),
    resourceControlPolicies: levels(given.rcps, 'rcp', named),
    permissionBoundaryPolicies: given.boundary ? [named(given.boundary, 'boundary')] : undefined,
    vpcEndpointPolicies: given.endpoint ? [named(given.endpoint, 'endpoint')] : undefined,
    sessionPolicy: given.session ?? undefined,
    resourcePolicy: given.resource ?? undefined
  }
}

function forPreparsed(given) {
  return {
    identityPolicies: given.identity.map((policy, index) => parse(policy, `identity-${index}`)),
    serviceControlPolicies: levels(given.scps, 'scp', parse),
    resourceControlPolicies: levels(given.rcps, 'rcp', parse),
    permissionBoundaries: given.boundary ? some(given.boundary, 'boundary', parse) : undefined,
    vpcEndpointPolicies: given.endpoint ? some(given.endpoint, 'endpoint', parse) : undefined,
    sessionPolicy: parse(given.session, 'session') ?? undefined,
    resourcePolicy: parse(given.resource, 'resource') ?? undefined,
    simulationParameters: {
      simulationMode: 'Strict',
      discoveryContextKeyConstraints: new DiscoveryContextKeyConstraints([])
    }
  }
}

function preparsed(policies, asked) {
  const request = new AwsRequestImpl(
    asked.principal,
    { resource: asked.resource, accountId: asked.account },
    asked.action,
    new RequestContextImpl(asked.context)
  )
  return { request, ...policies }
}

const ways = {
  unvalidated: { policies: forUnvalidated, prepare: unvalidated, ask: (one) => runUnsafeSimulation(one, {}) },
  'pre-parsed': { policies: forPreparsed, prepare: preparsed, ask: (one) => authorize(one).result }
}
const loaded = {}

function run({ run: name, way, from, count, again }) {
  const { ask } = ways[way]
  const requests = loaded[name][way]
  let allowed = 0
  try {
    ask(requests[0])
  } catch (error) {
    return { error: error.message }
  }
  const start = process.hrtime.bigint()
  for (let index = from; index < from + count; index++) {
    if (ask(requests[again ? 0 : index % requests.length]) === 'Allowed') allowed++
  }
  const spent = Number(process.hrtime.bigint() - start)
  return { ns: spent / count, allowed }
}

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line)
  if (command.load) {
    for (const [name, { policies, requests }] of Object.entries(command.load)) {
      loaded[name] = {}
      for (const [way, { policies: build, prepare }] of Object.entries(ways)) {
        const built = build(policies)
        loaded[name][way] = requests.map((asked) => prepare(built, asked))
      }
    }
    console.log('{}')
  } else {
    console.log(JSON.stringify(run(command)))
  }
}
