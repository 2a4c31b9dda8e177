// The table that `make gas` prints.
import type { UpdateCase } from './cases.js';
import type { Figures } from './measure.js';
import { PEERS } from './peers.js';

const number = (value: number): string => value.toLocaleString('en-US');

/** Columns padded to their widest cell: the first to the left, the others to the right. */
const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = rows.reduce<number[]>(
    (all, row) => row.map((cell, i) => Math.max(cell.length, all[i] ?? 0)),
    [],
  );
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
};

const describe = ({ signers, of, senderSigns, wide, groups }: UpdateCase): string => {
  const parts = [`${signers} of ${of}`];
  if (senderSigns) parts.push(of === 1 ? 'the sender' : 'the sender among them');
  if (wide) parts.push('wide');
  if (groups > 1) parts.push(`${groups} groups`);
  return parts.join(', ');
};

/** Figures, ceilings and peers as text. */
export const toTable = ({ updates, reads }: Figures): string => {
  const own = updates.map((item) => [
    describe(item),
    String(item.feeds),
    number(item.gas),
    number(item.ceiling),
    `${((100 * (item.gas - item.ceiling)) / item.ceiling).toFixed(1)} %`,
  ]);
  const read = reads.map((item) => [item.read, number(item.gas), number(item.ceiling)]);
  const peers = PEERS.map(({ name, signers, history, gas }) => [
    name,
    signers,
    history ? 'yes' : 'no',
    ...([1, 5, 10] as const).map((feeds) => gas[feeds].map(number).join(' / ') || '-'),
  ]);
  const ours = (signers: number, feeds: number): string => {
    const found = updates.find(
      (item) =>
        item.signers === signers &&
        item.of === signers &&
        item.feeds === feeds &&
        !item.senderSigns &&
        !item.wide &&
        item.groups === 1,
    );
    return found ? number(found.gas) : '-';
  };
  const both = (feeds: number): string => `${ours(1, feeds)} / ${ours(3, feeds)}`;
  return [
    'One update: receipt gasUsed, base cost and calldata included, steady state, history kept',
    columns([['signers', 'feeds', 'gas', 'ceiling', 'against it'], ...own]),
    '',
    'One cold read by another contract, through the proxy',
    columns([['read', 'gas', 'ceiling'], ...read]),
    '',
    'The field, measured the same way',
    columns([
      ['contract', 'signers', 'history', '1 feed', '5 feeds', '10 feeds'],
      ['this one', '1/3', 'yes', both(1), both(5), both(10)],
      ...peers,
    ]),
    '',
  ].join('\n');
};
