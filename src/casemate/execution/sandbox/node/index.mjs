// The Node.js runtime: asks for invocations, calls the handler, says how it ended.
//
// Contract: Lambda Developer Guide, "Using the Lambda runtime API", "Define Lambda function handler in Node.js",
// "Response streaming", "Node.js function logging"; error types as AWS's nodejs runtimes report them.

import { createContext } from './context.mjs';
import { describe, faultType, neverSettled, toPayload } from './faults.mjs';
import { loadHandler, STREAMING } from './handler.mjs';
import { patchConsole } from './logging.mjs';
import { RuntimeApi } from './runtime_api.mjs';
import { defineStreaming, ResponseStream } from './streaming.mjs';

const api = new RuntimeApi(process.env.AWS_LAMBDA_RUNTIME_API);
const log = patchConsole();
let current = null;

process.on('uncaughtException', (error) => die(error, 129));
process.on('unhandledRejection', (reason) => {
  const error = new Error(reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason));
  error.name = 'Runtime.UnhandledPromiseRejection';
  error.reason = reason;
  die(error, 128);
});
// A callback handler is over when it has called back and, by default, nothing is left to wait for.
process.on('beforeExit', () => current?.onIdle?.());

async function die(error, status) {
  process.removeAllListeners('beforeExit');
  log.fault(error);
  try {
    if (current) await api.error(current.id, toPayload(error), faultType(error));
    else await api.initError(toPayload(error), faultType(error));
  } finally {
    process.exit(status);
  }
}

async function invoke(handler, invocation) {
  current = invocation;
  log.requestId = invocation.id;
  if (invocation.traceId) process.env._X_AMZN_TRACE_ID = invocation.traceId;
  else delete process.env._X_AMZN_TRACE_ID;
  try {
    const event = JSON.parse(invocation.body);
    if (handler[STREAMING]) await stream(handler, event, invocation);
    else await api.respond(invocation.id, serialize(await buffered(handler, event, invocation)));
  } catch (error) {
    log.fault(error, 'Invoke Error');
    await api.error(invocation.id, toPayload(error), faultType(error));
  }
  current = null;
}

function serialize(result) {
  try {
    return JSON.stringify(result === undefined ? null : result);
  } catch (error) {
    throw new Error('Unable to stringify response body');
  }
}

function buffered(handler, event, invocation) {
  return new Promise((resolve, reject) => {
    const context = createContext(invocation);
    let settled = null;
    const settle = (error, result) => {
      settled ??= () => (error !== null && error !== undefined ? reject(error) : resolve(result));
      if (context.callbackWaitsForEmptyEventLoop) invocation.onIdle = settled;
      else setImmediate(settled);
    };
    // Nothing left to do, and nobody has called back: only of an async handler that is an error.
    const isAsync = handler.constructor?.name === 'AsyncFunction';
    invocation.onIdle = () => (isAsync ? reject(neverSettled()) : resolve(null));
    context.done = settle;
    context.succeed = (result) => settle(null, result);
    context.fail = (error) => settle(error ?? 'handled');
    const returned = handler(event, context, settle);
    if (typeof returned?.then === 'function') returned.then(resolve, reject);
  });
}

async function stream(handler, event, invocation) {
  const response = new ResponseStream(api, invocation.id);
  try {
    await handler(event, response, createContext(invocation));
    if (!response.writableEnded) throw new StreamNotEnded();
    await response.delivered;
  } catch (error) {
    if (!response.begun) throw error;
    log.fault(error, 'Invoke Error');
    await response.fail(toPayload(error), faultType(error));
  }
}

class StreamNotEnded extends Error {
  name = 'Runtime.StreamError';
  message = 'The handler returned without ending its response stream';
}

async function main() {
  defineStreaming(STREAMING);
  let handler;
  try {
    handler = await loadHandler(process.env.LAMBDA_TASK_ROOT, process.env._HANDLER);
  } catch (error) {
    return die(describe(error), 1);
  }
  for (;;) await invoke(handler, await api.next());
}

main().catch((error) => die(error, 1));
