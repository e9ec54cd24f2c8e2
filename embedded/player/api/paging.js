/** @import { Transport } from './transport.js' */

/**
 * One page of a list.
 * @template T
 * @param {Transport} transport
 * @param {string} path
 * @param {Record<string, unknown>} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<import('./types.js').Page<T>>}
 */
export async function page(transport, path, query, signal) {
  const { headers, body } = await transport.send('GET', path, { query, signal });
  const total = headers.get('X-Total-Count');
  return {
    items: JSON.parse(body),
    next: nextCursor(headers.get('Link')),
    total: total === null ? null : Number(total),
    correctedQuery: headers.get('X-Corrected-Query'),
  };
}

/** @param {string | null} link */
function nextCursor(link) {
  const target = link?.match(/<([^>]+)>;\s*rel="?next"?/)?.[1];
  return target ? new URL(target, 'http://any.test').searchParams.get('cursor') : null;
}
