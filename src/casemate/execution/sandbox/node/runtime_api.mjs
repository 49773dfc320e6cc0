// A client of the Lambda runtime API, 2018-06-01, on one kept connection.

import http from 'node:http';

const PREFIX = '/2018-06-01/runtime/';

export class RuntimeApi {
  constructor(address) {
    const [host, port] = address.split(':');
    this.place = { host, port };
    this.agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  }

  async next() {
    const { headers, body } = await this.call('GET', 'invocation/next');
    const header = (name) => headers[`lambda-runtime-${name}`];
    return {
      id: header('aws-request-id'),
      deadline: Number(header('deadline-ms')),
      arn: header('invoked-function-arn'),
      traceId: header('trace-id'),
      clientContext: header('client-context'),
      identity: header('cognito-identity'),
      body,
    };
  }

  respond(id, body) {
    return this.call('POST', `invocation/${id}/response`, { 'Content-Type': 'application/json' }, body);
  }

  error(id, body, type) {
    return this.call('POST', `invocation/${id}/error`, errorHeaders(type), body);
  }

  initError(body, type) {
    return this.call('POST', 'init/error', errorHeaders(type), body);
  }

  // An open POST for a response that comes in pieces; `answered` gets a promise of the end.
  streamed(id, contentType) {
    const headers = {
      'Content-Type': contentType,
      'Lambda-Runtime-Function-Response-Mode': 'streaming',
      'Transfer-Encoding': 'chunked',
      Trailer: ['Lambda-Runtime-Function-Error-Type', 'Lambda-Runtime-Function-Error-Body'],
    };
    const request = this.request('POST', `invocation/${id}/response`, headers);
    return { request, answered: answer(request) };
  }

  async call(method, path, headers = {}, body = undefined) {
    const request = this.request(method, path, headers);
    const length = body === undefined ? 0 : Buffer.byteLength(body);
    if (body !== undefined) request.setHeader('Content-Length', length);
    request.end(body);
    return answer(request);
  }

  request(method, path, headers) {
    return http.request({ ...this.place, agent: this.agent, method, path: PREFIX + path, headers });
  }
}

function errorHeaders(type) {
  return { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': type };
}

function answer(request) {
  return new Promise((resolve, reject) => {
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const body = Buffer.concat(chunks).toString('utf8');
        if (response.statusCode < 400) resolve({ headers: response.headers, body });
        else reject(new Error(`the runtime API answered ${response.statusCode}: ${body}`));
      });
    });
  });
}
