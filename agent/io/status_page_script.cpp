// What keeps the status page current: asks for /status.json and writes texts, never markup, into
// what is there already, so that focus and place stay. See status_page.hpp.
#include "agent/io/status_page.hpp"

namespace agent::io {
namespace {

constexpr std::string_view kScript = R"js('use strict';
const $ = id => document.getElementById(id);
const cards = new Map();
let filter = '', last = null, lastSeen = null;

function make(tag, parent, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  if (parent) parent.append(node);
  return node;
}
function put(node, text, cls) {
  if (node.textContent !== text) node.textContent = text;
  if (cls !== undefined && node.className !== cls) node.className = cls;
}
function list(parent, texts) {
  const now = texts.join('\n');
  if (parent.dataset.now === now) return;
  parent.dataset.now = now;
  parent.replaceChildren();
  for (const text of texts) make('li', parent, '', text);
}
const count = (n, unit) => Number(n).toLocaleString('en') + ' ' + unit;
function span(seconds) {
  const s = Math.floor(seconds);
  if (s < 120) return s + ' s';
  if (s < 7200) return Math.floor(s / 60) + ' min';
  return s < 172800 ? Math.floor(s / 3600) + ' h' : Math.floor(s / 86400) + ' days';
}
function bytes(n) {
  if (n < 10240) return count(n, 'bytes');
  return n < 1e7 ? count(Math.round(n / 1024), 'KB') : count(Math.round(n / 1048576), 'MB');
}

const rows = ['Role', 'Server', 'Address', 'Replication', 'Keys', 'PING', 'Agent'];
function nodeBox(parent) {
  const box = make('div', parent), dl = {};
  const title = make('h4', box), badge = make('span', box, 'badge');
  const table = make('dl', box);
  for (const row of rows) {
    dl[row] = {dt: make('dt', table, '', row), dd: make('dd', table)};
  }
  return {title, badge, dl};
}
function row(box, name, text) {
  const {dt, dd} = box.dl[name];
  dt.hidden = dd.hidden = !text;
  put(dd, text || '');
}
function makeCard(name) {
  const card = make('article', $('pairs'), 'card');
  card.setAttribute('aria-label', 'Pair ' + name);
  const top = make('div', card, 'top');
  make('h3', top, '', name);
  const out = {card, state: make('span', top, 'badge'), vips: make('span', top, 'vips')};
  out.reason = make('p', card, 'reason');
  const nodes = make('div', card, 'nodes');
  out.here = nodeBox(nodes);
  out.there = nodeBox(nodes);
  out.verdict = make('p', card, 'verdict');
  out.alarms = make('ul', card, 'alarms');
  out.alarms.setAttribute('role', 'alert');
  return out;
}

function server(box, s) {
  let words = s.health;
  if (s.detail && s.health !== 'up') words += ': ' + s.detail;
  row(box, 'Server', words);
  row(box, 'Role', s.role === 'replica' ? 'replica of ' + s.master : s.role);
  row(box, 'Address', s.address);
  let rep = '';
  if (s.role === 'replica') {
    rep = s.sync_in_progress ? 'full copy under way' : s.link_up ? 'link up' : 'link down';
    if (s.lag_bytes !== null) rep += ', ' + bytes(s.lag_bytes) + ' behind';
  } else if (s.role === 'master') rep = 'offset ' + Number(s.offset).toLocaleString('en');
  row(box, 'Replication', rep);
  row(box, 'Keys', s.role === 'unknown' ? '' : Number(s.keys).toLocaleString('en'));
  row(box, 'PING', s.ping_us === null ? '' : (s.ping_us / 1000).toFixed(2) + ' ms');
}
function agentWords(link) {
  if (link.state === 'off') return 'no peer link is configured';
  if (link.state !== 'up') return 'not heard: ' + link.why;
  const rtt = link.rtt_ms === null ? '' : ', ' + link.rtt_ms.toFixed(1) + ' ms away';
  return 'version ' + link.version + rtt;
}
function verdict(p) {
  if (p.state === 'leading') {
    return p.standby_in_sync ? [true, 'The standby is in sync: a failover now would lose nothing.']
      : [false, 'No standby in sync: a failover now would lose writes, or not happen.'];
  }
  if (p.state === 'standby' && p.leader !== 'nobody') {
    const here = p.server;
    const good = here.role === 'replica' && here.link_up;
    return [good, good ? 'This node stands by and its server follows the leader.'
      : 'This node could not take over without loss: its server does not follow the leader.'];
  }
  if (p.vrrp.may_lead) return [true, 'This node may lead.'];
  return [false, 'This node may not lead: ' + p.vrrp.may_not_lead_because];
}
function showPair(p, node) {
  if (!cards.has(p.name)) cards.set(p.name, makeCard(p.name));
  const c = cards.get(p.name);
  put(c.state, p.state, 'badge ' + p.state);
  put(c.vips, p.vips.map(v => v.address + (v.present ? ' is here' : ' is not here')).join(', '));
  put(c.reason, 'For ' + span(p.for_seconds) + ', because ' + p.reason + '. Leader: ' + p.leader +
    ', epoch ' + p.epoch + '.');
  put(c.here.title, 'This node, ' + node);
  put(c.here.badge, p.state, 'badge ' + p.state);
  server(c.here, p.server);
  row(c.here, 'Agent', 'priority ' + p.vrrp.effective_priority + ', VRID ' + p.vrrp.vrid + ' on ' +
    p.vrrp.interface);
  const says = p.peer_link.says, name = p.peer_link.node;
  put(c.there.title, 'The other node' + (name ? ', ' + name : ''));
  const word = says ? says.state : p.peer_link.state === 'off' ? 'unknown' : 'not heard';
  put(c.there.badge, word, 'badge ' + (says ? says.state : 'unknown'));
  server(c.there, p.peer);
  row(c.there, 'Agent', agentWords(p.peer_link) + (says && says.alarms ? ', ' +
    count(says.alarms, says.alarms === 1 ? 'alarm' : 'alarms') + ' there' : ''));
  let [good, words] = verdict(p);
  if (p.recovery && p.recovery.running) {
    words += ' The local server is being brought back: ' + p.recovery.step;
    if (p.recovery.bytes !== null) words += ', ' + bytes(p.recovery.bytes);
    words += '.';
  }
  put(c.verdict, words, good ? 'verdict good' : 'verdict');
  list(c.alarms, p.alarms);
}

function pathWords(path) {
  return path.map(p => p.what + ' ' + (p.us / 1000).toFixed(1)).join(', ') + ' ms';
}
const trouble = e => e.severity !== 'info' || e.to === 'fault';
function showEvents(all) {
  const wanted = e => filter === 'trouble' ? trouble(e) : e.kind === filter;
  const events = all.filter(e => !filter || wanted(e));
  const key = filter + events.length + JSON.stringify(events[events.length - 1] || '');
  if ($('events').dataset.key === key) return;
  $('events').dataset.key = key;
  $('events').replaceChildren();
  for (const e of events.reverse()) {
    const li = make('li', $('events'), e.severity);
    const at = new Date(e.time_us / 1000);
    make('time', li, '', at.toLocaleString()).dateTime = at.toISOString();
    const what = make('span', li, 'what');
    const pair = e.pair ? e.pair + ': ' : '';
    const move = e.from ? e.from + ' \u2192 ' + e.to + ': ' : '';
    make('span', what, '', pair + move + e.text);
    if (e.path && e.path.length > 1) make('span', what, 'path', pathWords(e.path));
  }
  $('no-events').hidden = events.length > 0;
  $('no-events').textContent = all.length ? 'None of this kind among the newest.'
    : 'Nothing has happened since the agent started.';
}

function show(status) {
  last = status;
  put($('node'), 'on ' + status.node);
  const worst = status.pairs.some(p => p.alarms.length) ? ' (alarm)' : '';
  const states = [...new Set(status.pairs.map(p => p.state))].join(', ');
  document.title = states + worst + ' \u2013 ' + status.node + ' \u2013 Tandem';
  for (const pair of status.pairs) showPair(pair, status.node);
  for (const [name, card] of cards) {
    if (status.pairs.some(p => p.name === name)) continue;
    card.card.remove();
    cards.delete(name);
  }
  showEvents(status.events);
}
async function ask() {
  try {
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(), 4000);
    const got = await fetch('status.json', {signal: stop.signal, cache: 'no-store'});
    const status = await got.json();
    clearTimeout(timer);
    show(status);
    lastSeen = new Date();
    put($('live'), 'live, agent ' + status.version + ', up for ' + span(status.uptime_seconds), '');
    $('main').classList.remove('stale');
  } catch (error) {
    const since = lastSeen ? ' since ' + lastSeen.toLocaleTimeString() : '';
    put($('live'), 'no answer from the agent' + since + '; what is shown is old', 'lost');
    $('main').classList.add('stale');
  }
  setTimeout(ask, document.hidden ? 5000 : 1000);
}
for (const button of document.querySelectorAll('[data-filter]')) {
  button.addEventListener('click', () => {
    filter = button.dataset.filter;
    for (const other of document.querySelectorAll('[data-filter]')) {
      other.setAttribute('aria-pressed', String(other === button));
    }
    if (last) showEvents(last.events);
  });
}
ask();
)js";

}  // namespace

std::string_view status_page_script() {
  return kScript;
}

}  // namespace agent::io
