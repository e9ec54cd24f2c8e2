/** Every request of this page as it happens, how the services are, and faults to try. */

import { iconButton, select, toast } from './controls.js';
import { fill, h } from './dom.js';
import { icon } from './icons.js';
import { emptyState } from './sections.js';

/**
 * @import { CallRecord } from '../api/record.js'
 * @import { App } from '../app.js'
 */

const HEALTH_EVERY_MILLISECONDS = 3000;
const PROVIDERS = /** @type {const} */ ([
  ['clerk', 'Clerk', 'accounts'],
  ['cloudinary', 'Cloudinary', 'uploads'],
  ['recombee', 'Recombee', 'recommendations'],
]);
/** @type {Record<string, object>} */
const FAULTS = {
  half: { status: 500, rate: 0.5 },
  down: { status: 503 },
  slow: { delaySeconds: 2 },
};

/** @param {App} app @param {() => void} close */
export function apiPanel(app, close) {
  const health = h('ul', { class: 'health', 'aria-label': 'Health of the services' });
  const faults = h('div', { class: 'faults' });
  const list = h('ol', { class: 'calls' });
  const count = h('span', { class: 'muted' });
  const element = h(
    'div',
    { class: 'side-content' },
    h('header', { class: 'side-head' }, h('h2', { tabindex: -1 }, 'API'), iconButton('trash', 'Clear the list', () => app.calls.set([])), iconButton('close', 'Close the API panel', close)),
    h(
      'div',
      { class: 'side-body', tabindex: 0, role: 'group', 'aria-label': 'Services, faults and requests' },
      health,
      h('details', { class: 'fault-box' }, h('summary', null, icon('warning'), 'Make a provider fail'), faults),
      h('h3', { class: 'side-title' }, 'Requests ', count),
      list,
    ),
  );
  app.calls.watch((calls) => {
    count.textContent = calls.length ? `(${calls.length})` : '';
    if (calls.length === 0) fill(list, h('li', null, emptyState('api', 'No requests yet', 'Whatever this page asks of the gateway appears here.')));
    else prepend(list, calls);
  });
  /** @type {ReturnType<typeof setInterval> | undefined} */
  let timer;
  const refresh = async () => {
    if (!element.isConnected) return clearInterval(timer);
    await showHealth(app, health);
  };
  return {
    element,
    label: 'API panel',
    opened() {
      clearInterval(timer);
      timer = setInterval(refresh, HEALTH_EVERY_MILLISECONDS);
      void showHealth(app, health);
      void showFaults(faults);
    },
  };
}

/** Adds what is new at the top, and leaves the rest as it is (a row may be open, or focused). @param {HTMLElement} list @param {CallRecord[]} calls */
function prepend(list, calls) {
  const shown = Number(list.dataset.newest ?? 0);
  if (list.querySelector('.empty')) fill(list);
  const fresh = calls.filter((call) => numberOf(call) > shown);
  list.prepend(...fresh.map(callRow));
  list.dataset.newest = String(Math.max(shown, ...fresh.map(numberOf)));
  while (list.children.length > calls.length) list.lastElementChild?.remove();
}

/** @type {WeakMap<CallRecord, number>} */
const numbers = new WeakMap();
let latest = 0;

/** @param {CallRecord} call */
function numberOf(call) {
  const number = numbers.get(call) ?? (latest += 1);
  numbers.set(call, number);
  return number;
}

/** @param {CallRecord} call */
function callRow(call) {
  const isBad = call.status === 0 || call.status >= 400;
  return h(
    'li',
    { class: 'call' },
    h(
      'details',
      null,
      h(
        'summary',
        null,
        h('span', { class: `method method-${call.method.toLowerCase()}` }, call.method),
        h('span', { class: 'call-path' }, call.path.replace(/^\/api/, '')),
        h('span', { class: `status ${isBad ? 'status-bad' : ''}` }, call.status || 'failed'),
        h('span', { class: 'call-time' }, `${Math.round(call.milliseconds)} ms`),
      ),
      h(
        'dl',
        { class: 'call-facts' },
        fact('Path', call.path),
        fact('Cache', call.cache || 'no cache'),
        fact('Request id', call.requestId ?? 'none'),
        fact('At', call.at.toLocaleTimeString()),
      ),
      h('code', { class: 'curl' }, call.curl.replace(/Bearer [^']+/, 'Bearer …')),
    ),
    call.cache && h('span', { class: 'tag call-cache' }, call.cache),
    iconButton('copy', `Copy ${call.method} ${call.path} as a curl command`, async () => {
      await navigator.clipboard.writeText(call.curl);
      toast('The curl command is copied, with your token');
    }),
  );
}

/** @param {string} name @param {string} value */
function fact(name, value) {
  return h('div', null, h('dt', null, name), h('dd', null, value));
}

/** @param {App} app @param {HTMLElement} element */
async function showHealth(app, element) {
  try {
    const { services } = await app.api.health();
    fill(element, service('gateway', 'healthy'), services.map(({ name, status, data }) => service(name, String(data?.['status'] ?? status))));
  } catch {
    fill(element, service('gateway', 'unreachable'));
  }
}

/** @param {string} name @param {string} status */
function service(name, status) {
  const word = status.toLowerCase();
  const isGood = word === 'ok' || word === 'healthy';
  const kind = isGood ? 'good' : word === 'degraded' ? 'fair' : 'bad';
  return h('li', { class: `health-${kind}` }, h('span', { class: 'dot', 'aria-hidden': 'true' }), name, h('small', null, isGood ? 'ok' : word));
}

/** @param {HTMLElement} element */
async function showFaults(element) {
  /** @type {Record<string, { status: number | null, rate: number }>} */
  let armed = {};
  try {
    armed = await (await fetch('/faults')).json();
  } catch {
    fill(element, h('p', { class: 'muted' }, 'The local cloud does not respond.'));
    return;
  }
  fill(
    element,
    h('p', { class: 'muted' }, 'The local cloud plays the providers. Let one fail, and go on using the page.'),
    PROVIDERS.map(([id, name, what]) => {
      const fault = armed[id];
      const value = !fault ? 'off' : fault.status === null ? 'slow' : fault.rate < 1 ? 'half' : 'down';
      return h(
        'div',
        { class: 'fault' },
        h('span', null, name, h('small', { class: 'muted' }, what)),
        select(
          `Fault of ${name}`,
          [
            ['off', 'Works'],
            ['half', 'Half of the calls fail'],
            ['slow', '2 seconds late'],
            ['down', 'Down'],
          ],
          value,
          (chosen) => setFault(id, name, chosen),
        ),
      );
    }),
  );
}

/** @param {string} provider @param {string} name @param {string} chosen */
async function setFault(provider, name, chosen) {
  const fault = FAULTS[chosen];
  try {
    const response = await fetch(`/faults/${provider}`, {
      method: fault ? 'PUT' : 'DELETE',
      ...(fault && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(fault) }),
    });
    if (!response.ok) throw new Error(`The local cloud returned ${response.status}`);
    toast(fault ? `${name} now fails as chosen` : `${name} works again`);
  } catch (error) {
    toast(error instanceof Error ? error.message : String(error), 'error');
  }
}
