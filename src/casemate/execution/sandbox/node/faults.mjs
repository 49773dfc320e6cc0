// What is reported of an error that a function threw.

export function faultType(error) {
  return nameOf(error).startsWith('Runtime.') ? nameOf(error) : 'Unhandled';
}

export function toPayload(error) {
  if (!(error instanceof Error)) {
    return JSON.stringify({ errorType: typeof error, errorMessage: String(error), trace: [] });
  }
  const trace = (error.stack ?? '').split('\n');
  return JSON.stringify({ errorType: nameOf(error), errorMessage: error.message, trace });
}

// As the log shows it: with the members that were added to it, and without `trace`, which is `stack` here.
export function toLog(error) {
  if (!(error instanceof Error)) return { errorType: typeof error, errorMessage: String(error), stack: [] };
  const { name, message, stack, ...added } = error;
  return { errorType: nameOf(error), errorMessage: error.message, ...added, stack: (error.stack ?? '').split('\n') };
}

export function describe(error) {
  if (error instanceof SyntaxError) return renamed(error, 'Runtime.UserCodeSyntaxError', String(error));
  return error;
}

export function renamed(error, name, message) {
  const made = new Error(message);
  made.name = name;
  made.stack = `${name}: ${message}\n${(error.stack ?? '').split('\n').slice(1).join('\n')}`;
  return made;
}

function nameOf(error) {
  if (!(error instanceof Error)) return typeof error;
  return error.name !== 'Error' ? error.name : (error.constructor?.name ?? 'Error');
}
