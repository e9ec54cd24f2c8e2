/** How requests travel: tokens, JSON, forms with progress, and a record of each for observers. */

import { ApiError, errorOf } from './errors.js';
import { cacheOf, curlOf } from './record.js';

/** @import { CallRecord } from './record.js' */

/**
 * @typedef {object} Options
 * @property {Record<string, unknown>} [query] undefined, null and "" are left out
 * @property {unknown} [json]
 * @property {FormData} [form]
 * @property {string | null} [ifMatch]
 * @property {string} [idempotencyKey] the same key makes a repeated request count once
 * @property {boolean} [keepalive] finishes even when the page is closed
 * @property {boolean} [silent] not reported to `onCall`
 * @property {AbortSignal} [signal]
 * @property {(share: number) => void} [onProgress] of the upload, 0 to 1
 *
 * @typedef {object} Reply
 * @property {number} status
 * @property {Headers} headers
 * @property {string} body
 *
 * @typedef {object} TransportSettings
 * @property {string} baseUrl
 * @property {(renew: boolean) => Promise<string | null>} getToken `renew`: the former one was refused
 * @property {(call: CallRecord) => void} [onCall]
 */

/** Longer than the gateway lets any request take, uploads aside. */
const TIMEOUT_MILLISECONDS = 60_000;

export class Transport {
  /** @param {TransportSettings} settings */
  constructor({ baseUrl, getToken, onCall }) {
    this.baseUrl = baseUrl;
    this.getToken = getToken;
    this.onCall = onCall ?? (() => {});
  }

  /**
   * Sends a request, once more with a fresh token when the first was refused. What is public can be read
   * without one while the sign-in fails. Throws ApiError.
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<Reply>}
   */
  async send(method, path, options = {}) {
    let { token, failure } = await this.tokenFor(method, false);
    let reply = await this.attempt(method, path, options, token);
    if (reply.status === 401 && token) {
      ({ token, failure } = await this.tokenFor(method, true));
      if (token || failure) reply = await this.attempt(method, path, options, token);
    }
    if (failure && reply.status >= 400 && reply.status < 500) throw failure;
    if (reply.status >= 400) throw errorOf(reply.status, reply.body, reply.headers.get('Retry-After'));
    return reply;
  }

  /**
   * @param {string} method
   * @param {boolean} renew
   * @returns {Promise<{ token: string | null, failure?: unknown }>} the failure of a sign-in that a GET goes on without
   */
  async tokenFor(method, renew) {
    try {
      return { token: await this.getToken(renew) };
    } catch (failure) {
      if (method !== 'GET') throw failure;
      return { token: null, failure };
    }
  }

  /**
   * The JSON of a reply; null when there is none.
   * @param {string} method
   * @param {string} path
   * @param {Options} [options]
   * @returns {Promise<any>}
   */
  async json(method, path, options) {
    const { body } = await this.send(method, path, options);
    return body ? JSON.parse(body) : null;
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {Options} options
   * @param {string | null} token
   * @returns {Promise<Reply>}
   */
  async attempt(method, path, options, token) {
    const url = this.baseUrl + path + queryString(options.query);
    const headers = new Headers();
    if (token) headers.set('Authorization', `Bearer ${token}`);
    if (options.ifMatch) headers.set('If-Match', options.ifMatch);
    if (options.idempotencyKey) headers.set('Idempotency-Key', options.idempotencyKey);
    if (options.json !== undefined) headers.set('Content-Type', 'application/json');
    const body = options.form ?? (options.json === undefined ? undefined : JSON.stringify(options.json));
    const startedAt = performance.now();
    /** @type {Reply | null} */
    let reply = null;
    try {
      reply = options.onProgress
        ? await upload(method, url, headers, body, options)
        : await fetched(method, url, headers, body, options);
      return reply;
    } finally {
      if (!options.silent) {
        this.onCall({
          at: new Date(),
          method,
          path: url.slice(new URL(url).origin.length),
          status: reply?.status ?? 0,
          milliseconds: performance.now() - startedAt,
          cache: reply ? cacheOf(url, reply.headers) : '',
          requestId: reply?.headers.get('X-Request-ID') ?? null,
          curl: curlOf(method, url, headers, body),
        });
      }
    }
  }
}

/** @param {Record<string, unknown>} [query] */
function queryString(query = {}) {
  const kept = Object.entries(query).filter(([, value]) => value !== undefined && value !== null && value !== '');
  const text = new URLSearchParams(kept.map(([name, value]) => [name, String(value)])).toString();
  return text && `?${text}`;
}

/**
 * @param {string} method
 * @param {string} url
 * @param {Headers} headers
 * @param {string | FormData | undefined} body
 * @param {Options} options
 * @returns {Promise<Reply>}
 */
async function fetched(method, url, headers, body, { keepalive, signal }) {
  try {
    const timeout = AbortSignal.timeout(TIMEOUT_MILLISECONDS);
    const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
    const response = await fetch(url, { method, headers, body, keepalive, signal: either });
    return { status: response.status, headers: response.headers, body: await response.text() };
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, 'The server cannot be reached');
  }
}

/**
 * Like `fetched`, with upload progress, which `fetch` lacks.
 * @param {string} method
 * @param {string} url
 * @param {Headers} headers
 * @param {string | FormData | undefined} body
 * @param {Options} options
 * @returns {Promise<Reply>}
 */
function upload(method, url, headers, body, { onProgress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    headers.forEach((value, name) => request.setRequestHeader(name, value));
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total ? loaded / total : 0);
    request.onload = () =>
      resolve({ status: request.status, headers: headersOf(request), body: request.responseText });
    request.onerror = () => reject(new ApiError(0, 'The server cannot be reached'));
    request.onabort = () => reject(new DOMException('Cancelled', 'AbortError'));
    signal?.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

/** @param {XMLHttpRequest} request */
function headersOf(request) {
  const headers = new Headers();
  for (const line of request.getAllResponseHeaders().trim().split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
