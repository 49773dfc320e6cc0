// The context object. Source: Lambda Developer Guide, "Using the Lambda context object [...] in Node.js".

export function createContext(invocation) {
  const environment = process.env;
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: parsed(invocation.clientContext),
    identity: parsed(invocation.identity),
    invokedFunctionArn: invocation.arn,
    awsRequestId: invocation.id,
    getRemainingTimeInMillis: () => invocation.deadline - Date.now(),
  };
}

function parsed(json) {
  return json ? JSON.parse(json) : undefined;
}
