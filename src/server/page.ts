/** The status page: one HTML document without scripts or outside resources, for an operator's quick look. */
import type { FeedStatus, Status } from '../publisher/status.js';

const STYLE = `
body{font:14px/1.45 system-ui,sans-serif;margin:2rem;color:#1c2430;background:#fff}
h1{font-size:1.2rem}h2{font-size:1rem;margin-top:1.6rem}
table{border-collapse:collapse;width:100%}th,td{padding:.3rem .6rem;text-align:left;border-bottom:1px solid #e3e7ee}
th{font-weight:600;color:#556}td.n{text-align:right;font-variant-numeric:tabular-nums}
.bad{color:#b3261e;font-weight:600}.ok{color:#1b6e3c}small{color:#667}
@media(prefers-color-scheme:dark){body{background:#14181f;color:#e5e9f0}th,td{border-color:#2b323d}th,small{color:#9aa5b5}.bad{color:#ff8a80}.ok{color:#7ddc9f}}`;

const escapeHtml = (value: string): string =>
  value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

const cell = (value: string | number | null, numeric = false): string =>
  `<td${numeric ? ' class="n"' : ''}>${value === null ? '–' : escapeHtml(String(value))}</td>`;

const state = (good: boolean, yes: string, no: string): string =>
  `<td class="${good ? 'ok' : 'bad'}">${good ? yes : no}</td>`;

function feedRow(feed: FeedStatus): string {
  const fresh = feed.sources.filter(({ used }) => used).length;
  return `<tr>${cell(feed.name)}${cell(feed.price, true)}${cell(feed.onChain?.answer ?? null, true)}${cell(
    feed.deviation ? `${feed.deviation.percent} of ${feed.deviation.threshold} %` : null,
    true,
  )}${cell(feed.ageSeconds === null ? null : `${feed.ageSeconds} of ${feed.heartbeatSeconds} s`, true)}${cell(
    `${fresh} of ${feed.sources.length}`,
    true,
  )}<td${feed.price === null ? ' class="bad"' : ''}>${escapeHtml(feed.reason)}${
    feed.detail ? ` <small>${escapeHtml(feed.detail)}</small>` : ''
  }</td></tr>`;
}

/** Renders the page; everything from outside is escaped. */
export function statusPage(status: Status): string {
  const feeds = status.feeds.map(feedRow).join('');
  const groups = status.groups
    .map(
      (group) =>
        `<tr>${cell(group.name)}${cell(group.chain)}${cell(group.round, true)}${state(group.leader, 'this replica', 'another replica or none')}${state(!group.paused, 'active', 'paused')}${cell(group.lastTransaction?.hash ?? null)}${cell(group.lastTransaction?.gasUsed ?? null, true)}</tr>`,
    )
    .join('');
  const chains = status.chains
    .map(
      (chain) =>
        `<tr>${cell(chain.name)}${cell(chain.id, true)}${cell(chain.height, true)}${state(chain.healthy, 'healthy', 'no healthy endpoint')}${cell(chain.endpoints.map(({ endpoint, healthy }) => `${endpoint} ${healthy ? 'up' : 'down'}`).join(', '))}${cell(chain.aggregator)}</tr>`,
    )
    .join('');
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width"><title>Oracle Publisher</title><style>${STYLE}</style></head><body>
<h1>Oracle Publisher ${escapeHtml(status.version)}${status.dryRun ? ' <span class="bad">dry run</span>' : ''}</h1>
<p><small>since ${escapeHtml(status.startedAt)} · configuration ${escapeHtml(status.configHash.slice(0, 12))}</small></p>
<h2>Feeds</h2><table><tr><th>Feed<th>Price<th>On chain<th>Deviation<th>Age<th>Sources<th>Last reason</tr>${feeds}</table>
<h2>Groups</h2><table><tr><th>Group<th>Chain<th>Round<th>Publisher<th>State<th>Last transaction<th>Gas</tr>${groups}</table>
<h2>Chains</h2><table><tr><th>Chain<th>Id<th>Height<th>State<th>Endpoints<th>Aggregator</tr>${chains}</table>
</body></html>`;
}
