// console.* as AWS's Node.js runtimes have it. Source: Lambda Developer Guide, "Log and monitor Node.js functions".

import fs from 'node:fs';
import util from 'node:util';

import { toLog } from './faults.mjs';

const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];
const METHODS = { trace: 'TRACE', debug: 'DEBUG', log: 'INFO', info: 'INFO', warn: 'WARN', error: 'ERROR', fatal: 'FATAL' };

export function patchConsole() {
  const json = process.env.AWS_LAMBDA_LOG_FORMAT === 'JSON';
  const least = Math.max(0, LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL ?? 'TRACE').toUpperCase()));
  const log = { requestId: undefined, fault };

  function emit(level, values) {
    if (LEVELS.indexOf(level) < least) return;
    const timestamp = new Date().toISOString();
    write(json ? structured(timestamp, level, values) : plain(timestamp, level, values));
  }

  function plain(timestamp, level, values) {
    // Carriage returns keep the lines of one message in one event.
    const message = util.format(...values).replaceAll('\n', '\r');
    return `${timestamp}\t${log.requestId}\t${level}\t${message}`;
  }

  function structured(timestamp, level, values) {
    const record = { timestamp, level, requestId: log.requestId };
    const failed = values.find((value) => value instanceof Error);
    record.message = values.length === 1 && !failed ? values[0] : util.format(...values);
    if (failed) {
      const { errorType, errorMessage, stack } = toLog(failed);
      Object.assign(record, { errorType, errorMessage, stackTrace: stack });
    }
    try {
      return JSON.stringify(record);
    } catch {
      return JSON.stringify({ ...record, message: util.format(...values) });
    }
  }

  function fault(error, what = 'Uncaught Exception') {
    emit('ERROR', json ? [error] : [`${what} `, JSON.stringify(toLog(error))]);
  }

  for (const [method, level] of Object.entries(METHODS)) {
    console[method] = (...values) => emit(level, values);
  }
  return log;
}

// At once and in order: what is written when the handler returns must be in the log of its invocation.
function write(line) {
  const bytes = Buffer.from(line + '\n');
  for (let sent = 0; sent < bytes.length; ) {
    try {
      sent += fs.writeSync(1, bytes, sent);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}
