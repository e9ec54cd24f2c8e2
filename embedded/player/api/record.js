/**
 * What the API panel shows of a request.
 *
 * @typedef {object} CallRecord
 * @property {Date} at
 * @property {string} method
 * @property {string} path with its query
 * @property {number} status 0 when there was no response
 * @property {number} milliseconds
 * @property {string} cache the cache that served it, "" when unknown
 * @property {string | null} requestId
 * @property {string} curl
 */

/**
 * The cache that served it: as the server says it (`Cache-Status`, RFC 9211), else as the browser measured it.
 * @param {string} url
 * @param {Headers} headers
 */
export function cacheOf(url, headers) {
  const entry = /** @type {PerformanceResourceTiming | undefined} */ (
    performance.getEntriesByName(url, 'resource').at(-1)
  );
  // Sizes are 0 unless the server lets this origin see them (Timing-Allow-Origin).
  if (entry && entry.encodedBodySize > 0) {
    if (entry.transferSize === 0) return 'browser';
    if (entry.transferSize < entry.encodedBodySize) return 'browser, 304';
  }
  const said = headers.get('Cache-Status') ?? headers.get('X-Cache');
  return said ?? '';
}

/**
 * A command that repeats the request. Files of a form are named, not contained.
 * @param {string} method
 * @param {string} url
 * @param {Headers} headers
 * @param {string | FormData | undefined} body
 */
export function curlOf(method, url, headers, body) {
  const parts = ['curl -i', quoted(url)];
  if (method !== 'GET') parts.splice(1, 0, `-X ${method}`);
  headers.forEach((value, name) => parts.push(`-H ${quoted(`${name}: ${value}`)}`));
  if (typeof body === 'string') parts.push(`--data-raw ${quoted(body)}`);
  if (body instanceof FormData) {
    body.forEach((value, name) =>
      parts.push(
        typeof value === 'string'
          ? `--form-string ${quoted(`${name}=${value}`)}`
          : `-F ${quoted(`${name}=@"${value.name.replaceAll(/["\\]/g, '\\$&')}";type=${value.type}`)}`,
      ),
    );
  }
  return parts.join(' ');
}

/** @param {string} text */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
