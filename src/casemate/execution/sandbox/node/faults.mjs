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

// Of an async handler whose promise can never settle: nothing is left that could settle it. Lambda Developer Guide,
// "Troubleshoot invocation issues in Lambda", Runtime.NodejsExit; the name as AWS's runtime client writes it.
export function neverSettled() {
  const error = new Error(
    'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that ' +
      'was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#exit-codes',
  );
  error.name = 'Runtime.NodeJsExit';
  return error;
}

function nameOf(error) {
  if (!(error instanceof Error)) return typeof error;
  return error.name !== 'Error' ? error.name : (error.constructor?.name ?? 'Error');
}
