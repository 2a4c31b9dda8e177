/**
 * The process of one exchange: `serve.ts <venue> <epoch ms> <start ms> <speed> <seed> [port]`. It prints one line of JSON
 * when it listens, and ends when its standard input does, so that it never outlives the demo that started it.
 */
import { loadTape } from './candles.js';
import { startExchange } from './server.js';
import { VENUES } from './venues.js';

const [name, epochMs, startMs, speed, seed, port = '0'] = process.argv.slice(2);
const venue = VENUES.find((each) => each.name === name);
const numbers = [epochMs, startMs, speed, seed, port].map(Number);
if (!venue || !numbers.every(Number.isSafeInteger)) {
  console.error(
    `usage: serve.ts ${VENUES.map((each) => each.name).join('|')} EPOCH_MS START_MS SPEED SEED [PORT]`,
  );
  process.exit(2);
}

const exchange = await startExchange({
  venue,
  tape: loadTape(),
  timeline: { epochMs: Number(epochMs), startMs: Number(startMs), speed: Number(speed) },
  seed: Number(seed),
  port: Number(port),
  now: Date.now,
});
console.log(JSON.stringify({ event: 'listening', venue: venue.name, url: exchange.url, pid: process.pid }));
process.stdin.on('end', () => process.exit(0)).resume();
