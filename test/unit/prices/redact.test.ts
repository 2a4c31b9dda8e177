import { expect, it } from 'vitest';
import { createRedactor } from '../../../src/prices/redact.js';

it('takes out what is secret and leaves what the operator needs to read', () => {
  const redact = createRedactor(
    'https://user:pass-word-1@v.example/v2/tickers?symbol=BTC-USDT&key=k-123456789',
    {
      'content-type': 'application/json',
      authorization: 'Bearer token-abcdef',
    },
  );
  expect(redact('token-abcdef k-123456789 pass-word-1')).toBe('[redacted] [redacted] [redacted]');
  expect(redact('Invalid symbol BTC-USDT: application/json')).toBe(
    'Invalid symbol BTC-USDT: application/json',
  );
  expect(createRedactor('no url', {})('fine')).toBe('fine');
});
