// Response streaming: `awslambda.streamifyResponse`, `awslambda.HttpResponseStream`.

import { Writable } from 'node:stream';

const INTEGRATION = 'application/vnd.awslambda.http-integration-response';

export class ResponseStream extends Writable {
  begun = false;
  #api;
  #id;
  #contentType = 'application/octet-stream';
  #open;
  #prelude;

  constructor(api, id) {
    super({ highWaterMark: 64 * 1024 });
    this.#api = api;
    this.#id = id;
    this.delivered = new Promise((resolve, reject) => {
      this.on('finish', resolve);
      this.on('error', reject);
    });
    this.delivered.catch(() => {}); // whoever awaits it hears of it
  }

  setContentType(contentType) {
    if (this.begun) throw new Error('the content type cannot change once the response has begun');
    this.#contentType = contentType;
  }

  setPrelude(metadata) {
    this.setContentType(INTEGRATION);
    this.#prelude = Buffer.concat([Buffer.from(JSON.stringify(metadata)), Buffer.alloc(8)]);
  }

  #begin() {
    if (this.begun) return;
    this.begun = true;
    this.#open = this.#api.streamed(this.#id, this.#contentType);
    this.#open.answered.catch((error) => this.destroy(error));
    if (this.#prelude) this.#open.request.write(this.#prelude);
  }

  _write(chunk, encoding, callback) {
    this.#begin();
    if (this.#open.request.write(chunk)) callback();
    else this.#open.request.once('drain', callback);
  }

  write(chunk, ...rest) {
    const plain = typeof chunk === 'string' || Buffer.isBuffer(chunk) || chunk instanceof Uint8Array;
    return super.write(plain ? chunk : JSON.stringify(chunk), ...rest);
  }

  _final(callback) {
    this.#begin();
    this.#open.request.end();
    this.#open.answered.then(() => callback(), callback);
  }

  // End what has begun by saying, in trailers, that it is not whole.
  async fail(payload, type) {
    this.#open.request.addTrailers({
      'Lambda-Runtime-Function-Error-Type': type,
      'Lambda-Runtime-Function-Error-Body': Buffer.from(payload).toString('base64'),
    });
    this.#open.request.end();
    await this.#open.answered;
  }
}

export function defineStreaming(mark) {
  const streamifyResponse = (handler) => {
    handler[mark] = true;
    return handler;
  };
  const HttpResponseStream = {
    from(stream, metadata) {
      stream.setPrelude(metadata);
      return stream;
    },
  };
  globalThis.awslambda = { streamifyResponse, HttpResponseStream };
}
