// From `_HANDLER` to a function: `file.export`, `directory/file.export`, `file.object.method`.

import fs from 'node:fs';
import path from 'node:path';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

import { renamed } from './faults.mjs';

export const STREAMING = Symbol.for('casemate.lambda.streaming');
const NO_CALLBACKS_SINCE = 24;

export async function loadHandler(root, name) {
  if (name.includes('..')) throw fault('Runtime.MalformedHandlerName', `'${name}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`);
  const file = path.basename(name);
  const dot = file.indexOf('.');
  if (dot < 1) throw fault('Runtime.MalformedHandlerName', 'Bad handler');
  const module = path.join(path.dirname(name), file.slice(0, dot));
  const loaded = await load(path.resolve(root, module), module);
  const handler = file.slice(dot + 1).split('.').reduce((value, key) => value?.[key], loaded)
    ?? file.slice(dot + 1).split('.').reduce((value, key) => value?.[key], loaded.default);
  if (!handler) throw fault('Runtime.HandlerNotFound', `${name} is undefined or not exported`);
  if (typeof handler !== 'function') throw fault('Runtime.HandlerNotFound', `${name} is not a function`);
  if (handler.length >= 3 && !handler[STREAMING] && asked() >= NO_CALLBACKS_SINCE) {
    throw fault('Runtime.CallbackHandlerDeprecated', 'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later.');
  }
  return handler;
}

function asked() {
  return Number(/nodejs(\d+)/.exec(process.env.AWS_EXECUTION_ENV)?.[1] ?? 0);
}

async function load(place, module) {
  try {
    for (const suffix of ['', '.js', '.cjs', '.mjs']) {
      if (!isFile(place + suffix)) continue;
      if (suffix === '.cjs' || (suffix !== '.mjs' && !isModule(place))) return createRequire(place + suffix)(place + suffix);
      return await import(pathToFileURL(place + suffix).href);
    }
    const require = createRequire(path.join(process.env.LAMBDA_TASK_ROOT, 'index.js'));
    return require(require.resolve(module, { paths: [process.env.LAMBDA_TASK_ROOT] }));
  } catch (error) {
    if (error?.code === 'MODULE_NOT_FOUND' || error?.code === 'ERR_MODULE_NOT_FOUND') {
      throw renamed(error, 'Runtime.ImportModuleError', `Error: ${error.message}${withoutSdk(error.message)}`);
    }
    throw error;
  }
}

// AWS's runtimes include the SDK; here it comes with the package or a layer, and who misses it is told.
function withoutSdk(message) {
  if (!/'?(@aws-sdk\/|@smithy\/|aws-sdk')/.test(message)) return '';
  return '\ncasemate: the AWS SDK for JavaScript, which AWS includes in its Node.js runtimes, is not on this machine: bring it in the package or in a layer (nodejs/node_modules)';
}

function isFile(name) {
  return fs.statSync(name, { throwIfNoEntry: false })?.isFile() ?? false;
}

// Whether .js files there are ECMAScript modules: the nearest package.json says so.
function isModule(place) {
  for (let directory = path.dirname(place); ; directory = path.dirname(directory)) {
    const manifest = path.join(directory, 'package.json');
    if (isFile(manifest)) return JSON.parse(fs.readFileSync(manifest, 'utf8')).type === 'module';
    if (directory === path.dirname(directory)) return false;
  }
}

function fault(name, message) {
  return renamed(new Error(), name, message);
}
