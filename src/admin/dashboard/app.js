// The dashboard: asks /api/live once a second and /api/requests every two, and draws.
// Whatever comes from requests (targets, hosts) is written as text, never as markup.
'use strict';

const SPAN = 300;            // seconds shown by the charts
const EVERY = 1000;          // ms between two looks at /api/live
const CLASSES = ['2xx', '3xx', '4xx', '5xx', '1xx'];
const COLOURS = { '2xx': '--c2', '3xx': '--c3', '4xx': '--c4', '5xx': '--c5', '1xx': '--c1' };
const QUANTILES = [['p50', '--l50'], ['p90', '--l90'], ['p99', '--l99']];

const $ = (id) => document.getElementById(id);
const points = [];           // one per second: {t, classes: {...}, p50, p90, p99}
let hover = null;            // x in CSS pixels over a chart, or null
let last = null;             // the last /api/live

// ---- how figures are written

function number(v) {
  if (v === null || v === undefined) return '-';
  if (v >= 1e9) return (v / 1e9).toFixed(2) + ' G';
  if (v >= 1e6) return (v / 1e6).toFixed(2) + ' M';
  if (v >= 1e4) return (v / 1e3).toFixed(1) + ' k';
  return v >= 100 || Number.isInteger(v) ? String(Math.round(v)) : v.toFixed(1);
}

function seconds(v) {
  if (v === null || v === undefined) return '-';
  if (v === 0) return '0';
  if (v < 1e-3) return (v * 1e6).toFixed(0) + ' \u00b5s';
  if (v < 1) return (v * 1e3).toFixed(v < 0.01 ? 2 : v < 0.1 ? 1 : 0) + ' ms';
  if (v < 60) return v.toFixed(v < 10 ? 2 : 1) + ' s';
  return age(v);
}

function age(v) {
  if (v < 60) return Math.floor(v) + ' s';
  if (v < 3600) return Math.floor(v / 60) + ' min';
  if (v < 86400) return Math.floor(v / 3600) + ' h ' + Math.floor(v % 3600 / 60) + ' min';
  return Math.floor(v / 86400) + ' d ' + Math.floor(v % 86400 / 3600) + ' h';
}

function bytes(v) {
  if (v >= 1 << 30) return (v / (1 << 30)).toFixed(2) + ' GiB';
  if (v >= 1 << 20) return (v / (1 << 20)).toFixed(1) + ' MiB';
  return (v / 1024).toFixed(0) + ' KiB';
}

const percent = (v) => (v * 100).toFixed(v > 0 && v < 0.1 ? 2 : 1) + '%';

// ---- tables

// rows: arrays of cells; a cell is a text, or {text, css, title}
function fill(id, rows, empty) {
  const body = $(id).tBodies[0];
  const columns = $(id).tHead.rows[0].cells;
  const fresh = document.createElement('tbody');
  for (const row of rows) {
    const tr = fresh.insertRow();
    row.forEach((cell, i) => {
      const td = tr.insertCell();
      const c = typeof cell === 'object' && cell !== null ? cell : { text: cell };
      td.textContent = c.text;
      td.className = (columns[i].className + ' ' + (c.css || '')).trim();
      if (c.title) td.title = c.title;
    });
  }
  if (!rows.length) {
    const td = fresh.insertRow().insertCell();
    td.colSpan = columns.length;
    td.className = 'empty';
    td.textContent = empty;
  }
  body.replaceWith(fresh);
}

function showUpstreams(list) {
  const rows = [];
  for (const u of list) {
    rows.push([{ text: u.name }, state(u.state), number(u.rate), number(u.active), number(u.idle),
      { text: number(u.queue), css: u.queue ? 'warn' : '' }, number(u.failures), seconds(u.p50), seconds(u.p99)]);
    for (const s of u.servers)
      rows.push([{ text: s.address, css: 'sub' }, state(s.state), number(s.rate), number(s.active), '', '',
        number(s.failures), '', '']);
  }
  fill('upstreams', rows, 'none');
}

function state(name) {
  const css = { up: 'good', shaky: 'warn', running: 'good', failing: 'bad', busy: 'warn', draining: 'warn', unresolved: 'bad' };
  return { text: name, css: css[name] || '' };
}

function showRoutes(list) {
  fill('routes', list.map((r) => [r.name, number(r.rate), number(r.requests), number(r.classes['4xx']),
    { text: number(r.classes['5xx']), css: r.classes['5xx'] ? 'bad' : '' }, seconds(r.p50), seconds(r.p99)]), 'none');
}

function showWorkers(list) {
  fill('workers', list.map((w) => [w.slot, w.pid, state(w.state), age(w.uptime), number(w.connections),
    number(w.inflight), number(w.requests), bytes(w.rss), number(w.restarts)]), 'none running');
}

function showRequests(answer) {
  const list = answer.requests;
  const shown = list.slice(0, 50);
  $('requests-more').textContent = list.length > shown.length ? 'oldest ' + shown.length + ' of ' + list.length : '';
  fill('requests', shown.map((r) => [seconds(r.age), r.client || '', r.method || '',
    { text: (r.host || '') + (r.target || ''), css: 'wide', title: (r.host || '') + (r.target || '') },
    r.route || '', r.server || '', (r.step || '') + (r.fetch ? ': ' + r.fetch : '')]), 'none right now');
}

// ---- tiles

function showState(s) {
  const el = $('state');
  const h = s.health;
  el.textContent = s.draining ? 'draining' : h.healthy ? 'healthy' : 'unhealthy';
  el.className = 'pill ' + (s.draining ? 'warn' : h.healthy ? 'good' : 'bad');
  el.title = h.reason || '';
  $('about').textContent = 'version ' + s.version + ', up ' + age(s.uptime) + ', configuration ' + s.generation;
}

function showTiles(s) {
  const now = s.window['10s'];
  const minute = s.window['1m'];
  $('rate').textContent = number(now.rate);
  $('rate-more').textContent = number(minute.rate) + '/s over a minute';
  $('p50').textContent = seconds(now.p50);
  $('p50-more').textContent = 'average ' + seconds(now.average);
  $('p99').textContent = seconds(now.p99);
  $('p99-more').textContent = seconds(minute.p99) + ' over a minute';
  $('errors').textContent = percent(now.error_rate);
  $('errors-more').textContent = number(minute.classes['5xx']) + ' in the last minute';
  $('connections').textContent = number(s.now.connections);
  $('connections-more').textContent = number(s.now.tunnels) + ' tunnels';
  $('inflight').textContent = number(s.now.requests);
  $('inflight-more').textContent = number(s.now.queue) + ' waiting for a connection';
}

// ---- the cache

const results = [];          // of the last minute: {t, r}, for a share that means now

function recentShare(now) {
  results.push({ t: Date.now(), r: now });
  while (results[0].t < Date.now() - 60000) results.shift();
  const past = results[0].r;
  const since = (...names) => names.reduce((sum, n) => sum + now[n] - past[n], 0);
  const used = since('hit', 'stale', 'collapsed');
  const all = used + since('revalidated', 'miss');
  return all > 0 ? used / all : null;
}

function showCache(c) {
  $('cache-section').hidden = !c.enabled;
  if (!c.enabled) {
    $('cache').textContent = 'off';
    $('cache-more').textContent = '';
    return;
  }
  const share = recentShare(c.results);
  $('cache').textContent = share === null ? '-' : percent(share);
  $('cache-more').textContent = c.results.hit_ratio === null ? 'no request yet' : percent(c.results.hit_ratio) + ' since the start';
  $('cache-space').textContent = bytes(c.space.used) + ' of ' + bytes(c.space.size) + ' in use, ' +
    number(c.space.objects) + ' answers';
  fill('cache-table', [[number(c.results.hit), number(c.results.stale), number(c.results.collapsed),
    number(c.results.revalidated), number(c.results.miss), number(c.results.bypass),
    number(c.left.evicted_small + c.left.evicted_main), number(c.left.expired), number(c.purges.sequence),
    number(c.fills.in_flight)]], '');
}

// ---- charts

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// A round number at or above v, for the top of an axis.
function ceiling(v) {
  const p = Math.pow(10, Math.floor(Math.log10(v)));
  for (const m of [1, 2, 5, 10])
    if (v <= m * p) return m * p;
  return 10 * p;
}

// Prepares a canvas; gives back what the series need to draw themselves. ticks: the values that
// get a line; place: value -> 0 (bottom) to 1 (top); write: value -> text.
function axes(canvas, ticks, place, write) {
  const ratio = window.devicePixelRatio || 1;
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
  }
  const g = canvas.getContext('2d');
  g.setTransform(ratio, 0, 0, ratio, 0, 0);
  g.clearRect(0, 0, width, height);
  g.font = '11px system-ui, sans-serif';
  g.fillStyle = colour('--quiet');
  g.strokeStyle = colour('--line');
  g.lineWidth = 1;
  const box = { left: 52, right: width - 6, top: 8, bottom: height - 20 };
  const y = (v) => box.bottom - Math.max(0, Math.min(place(v), 1)) * (box.bottom - box.top);
  g.textAlign = 'right';
  for (const v of ticks) {
    const line = Math.round(y(v)) + 0.5;
    g.beginPath();
    g.moveTo(box.left, line);
    g.lineTo(box.right, line);
    g.stroke();
    g.fillText(write(v), box.left - 6, line + 4);
  }
  const end = points.length ? points[points.length - 1].t : 0;
  const x = (t) => box.right - (end - t) / SPAN * (box.right - box.left);
  g.textAlign = 'center';
  for (let back = 60; back < SPAN; back += 60)
    g.fillText('-' + back / 60 + ' min', x(end - back), height - 5);
  return { g, box, x, y, end };
}

function tooltip(a, lines) {
  const { g, box } = a;
  const width = Math.max(...lines.map((l) => g.measureText(l[0]).width)) + 26;
  const left = hover + width + 14 > box.right ? hover - width - 10 : hover + 10;
  g.strokeStyle = colour('--quiet');
  g.beginPath();
  g.moveTo(hover, box.top);
  g.lineTo(hover, box.bottom);
  g.stroke();
  g.fillStyle = colour('--card');
  g.strokeStyle = colour('--line');
  g.fillRect(left, box.top, width, lines.length * 16 + 8);
  g.strokeRect(left + 0.5, box.top + 0.5, width, lines.length * 16 + 8);
  g.textAlign = 'left';
  lines.forEach(([text, name], i) => {
    if (name) {
      g.fillStyle = colour(name);
      g.fillRect(left + 7, box.top + 9 + i * 16, 8, 8);
    }
    g.fillStyle = colour('--text');
    g.fillText(text, left + 20, box.top + 17 + i * 16);
  });
}

// The point under the pointer, or nothing.
function hovered(a) {
  if (hover === null || hover < a.box.left || hover > a.box.right) return null;
  const t = a.end - (a.box.right - hover) / (a.box.right - a.box.left) * SPAN;
  let best = null;
  for (const p of points)
    if (!best || Math.abs(p.t - t) < Math.abs(best.t - t)) best = p;
  return best && Math.abs(best.t - t) < 3 ? best : null;
}

function drawRate() {
  const total = (p) => CLASSES.reduce((sum, c) => sum + (p.classes[c] || 0), 0);
  const top = ceiling(Math.max(4, ...points.map(total)));
  const a = axes($('chart-rate'), [0, 0.25, 0.5, 0.75, 1].map((part) => top * part), (v) => v / top, number);
  const base = points.map(() => 0);
  for (const c of CLASSES) {
    a.g.fillStyle = colour(COLOURS[c]);
    a.g.beginPath();
    points.forEach((p, i) => a.g.lineTo(a.x(p.t), a.y(base[i] + (p.classes[c] || 0))));
    for (let i = points.length - 1; i >= 0; i--) a.g.lineTo(a.x(points[i].t), a.y(base[i]));
    a.g.fill();
    points.forEach((p, i) => { base[i] += p.classes[c] || 0; });
  }
  const p = hovered(a);
  if (p) tooltip(a, [[clock(p.t), null], ...CLASSES.filter((c) => p.classes[c]).map((c) => [c + '  ' + number(p.classes[c]) + '/s', COLOURS[c]])]);
}

function drawLatency() {
  // Logarithmic: a slow 1% must not press everybody else to the floor.
  const seen = points.filter((p) => p.p99);
  const low = Math.floor(Math.log10(Math.min(1e-3, ...seen.map((p) => p.p50)) || 1e-6));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(1e-2, ...seen.map((p) => p.p99)))));
  const ticks = [];
  for (let e = low; e <= high; e++) ticks.push(Math.pow(10, e));
  const a = axes($('chart-latency'), ticks, (v) => (Math.log10(v) - low) / (high - low), decade);
  a.g.lineWidth = 1.5;
  a.g.lineJoin = 'round';
  for (const [name, css] of QUANTILES) {
    a.g.strokeStyle = colour(css);
    a.g.beginPath();
    let pen = false;
    for (const p of points) {
      // A second without requests has no latency: a gap, not a zero.
      if (p[name] === null || p[name] === undefined) { pen = false; continue; }
      if (pen) a.g.lineTo(a.x(p.t), a.y(p[name]));
      else a.g.moveTo(a.x(p.t), a.y(p[name]));
      pen = true;
    }
    a.g.stroke();
  }
  const p = hovered(a);
  if (p) tooltip(a, [[clock(p.t), null], ...QUANTILES.map(([name, css]) => [name + '  ' + seconds(p[name]), css])]);
}

// "100 ms": a power of ten.
function decade(v) {
  const e = Math.round(Math.log10(v));
  if (e >= 0) return Math.pow(10, e) + ' s';
  return e >= -3 ? Math.pow(10, e + 3) + ' ms' : Math.pow(10, e + 6) + ' \u00b5s';
}

const clock = (t) => new Date(t * 1000).toLocaleTimeString();

function draw() {
  drawRate();
  drawLatency();
}

function keep(p) {
  if (points.length && p.t <= points[points.length - 1].t) return;
  points.push(p);
  while (points[0].t < p.t - SPAN) points.shift();
}

// ---- the clockwork

async function get(path) {
  const answer = await fetch(path, { cache: 'no-store', signal: AbortSignal.timeout(5000) });
  if (!answer.ok) throw new Error(path + ': ' + answer.status);
  return answer.json();
}

function complain(text) {
  $('notice').textContent = text;
  $('notice').hidden = !text;
}

async function tick() {
  try {
    // What this page did not see (it was hidden, or just opened) is in the history.
    const seen = points.length ? points[points.length - 1].t : 0;
    if (!last || Date.now() - last.at > 3 * EVERY || !seen) {
      const past = await get('api/history');
      past.points.forEach(keep);
    }
    const s = await get('api/live');
    s.at = Date.now();
    last = s;
    if (s.second) keep(s.second);
    showState(s);
    showTiles(s);
    showCache(s.cache);
    showUpstreams(s.upstreams);
    showRoutes(s.routes);
    showWorkers(s.workers);
    draw();
    complain('');
  } catch (e) {
    $('state').textContent = 'no answer';
    $('state').className = 'pill bad';
    complain('The daemon does not answer (' + e.message + '). Figures below are old; trying again.');
  }
  setTimeout(tick, document.hidden ? 10 * EVERY : EVERY);
}

async function tickRequests() {
  try {
    if (!document.hidden) showRequests(await get('api/requests'));
  } catch (e) {
    // tick() already says that there is no answer
  }
  setTimeout(tickRequests, 2 * EVERY);
}

const THEMES = ['system', 'light', 'dark'];

function useTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  $('theme').textContent = 'theme: ' + name;
  try { localStorage.setItem('theme', name); } catch (e) { /* private mode: not remembered */ }
  draw();
}

function storedTheme() {
  try {
    const name = localStorage.getItem('theme');
    return THEMES.includes(name) ? name : 'system';
  } catch (e) {
    return 'system';
  }
}

$('theme').addEventListener('click', () => {
  const now = document.documentElement.dataset.theme || 'system';
  useTheme(THEMES[(THEMES.indexOf(now) + 1) % THEMES.length]);
});
for (const id of ['chart-rate', 'chart-latency']) {
  $(id).addEventListener('mousemove', (e) => { hover = e.offsetX; draw(); });
  $(id).addEventListener('mouseleave', () => { hover = null; draw(); });
}
window.addEventListener('resize', draw);
window.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', draw);
document.addEventListener('visibilitychange', () => { if (!document.hidden) last = null; });
useTheme(storedTheme());
tick();
tickRequests();
