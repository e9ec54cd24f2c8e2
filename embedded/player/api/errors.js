/** @import { Problem } from './types.js' */

/** A response of 400 and above, or none at all (`status` 0). `message` is written for people. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {Partial<Problem>} [problem]
   * @param {number | null} [retryAfterSeconds]
   */
  constructor(status, message, problem = {}, retryAfterSeconds = null) {
    super(message);
    this.name = 'ApiError';
    this.status = status;
    this.code = problem.code ?? (status === 0 ? 'network_error' : 'unknown');
    this.requestId = problem.requestId ?? null;
    this.fields = problem.errors ?? [];
    this.retryAfterSeconds = retryAfterSeconds;
  }

  /** Nobody is signed in, or the token is no longer accepted. */
  get needsSignIn() {
    return this.status === 401;
  }

  /** The same request may succeed later. */
  get isTemporary() {
    return this.status === 0 || this.status === 429 || (this.status >= 500 && this.status !== 501);
  }

  /** This server does not have the route. */
  get isUnsupported() {
    return this.status === 501 || this.status === 405 || this.code === 'route_not_found';
  }
}

/**
 * The error that a response stands for.
 * @param {number} status
 * @param {string} body
 * @param {string | null} retryAfter
 */
export function errorOf(status, body, retryAfter) {
  /** @type {Partial<Problem>} */
  let problem = {};
  try {
    const parsed = JSON.parse(body);
    if (parsed && typeof parsed === 'object') problem = parsed;
  } catch {
    // Not a response of the API: only its status is used.
  }
  const seconds = Number(retryAfter);
  const message = problem.error ?? `The server returned ${status}`;
  return new ApiError(status, message, problem, retryAfter && Number.isFinite(seconds) ? seconds : null);
}
