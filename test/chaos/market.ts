/** The soak's market: prices that walk, and a venue that tells them. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Random } from '../../src/common/random.js';

/** Prices that walk by seeded steps, most small, some beyond the threshold; in units of 10^-8. */
export function createMarket(feeds: readonly string[], random: Random) {
  const prices = new Map<string, bigint>(
    feeds.map((feed, index) => [feed, 2_000n * 10n ** 8n * BigInt(index * 20 + 1)]),
  );
  return {
    prices,
    step() {
      for (const [feed, price] of prices) {
        const size = random() < 0.12 ? 120 : 6;
        const move = BigInt(Math.round((random() - 0.5) * 2 * size));
        prices.set(feed, price + (price * move) / 10_000n);
      }
    },
  };
}

/** A venue that answers with the market's prices. */
export async function startExchange(prices: ReadonlyMap<string, bigint>) {
  const server = createServer((request, response) => {
    const feed = decodeURIComponent((request.url ?? '').split('/').at(-1) ?? '');
    const text = String(prices.get(feed) ?? 0n).padStart(9, '0');
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ price: `${text.slice(0, -8)}.${text.slice(-8)}` }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}
