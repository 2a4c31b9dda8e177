/** Takes out of a venue's words whatever of our own request they repeat: some echo the key that they refuse. */
import { createMask } from '../telemetry/logger.js';

/** A function that masks the values of headers, the URL's query values and credentials, and the URL itself. */
export function createRedactor(
  url: string,
  headers: Readonly<Record<string, string>>,
): (text: string) => string {
  const secrets = Object.values(headers)
    .flatMap((value) => [value, ...value.split(/\s+/)])
    .filter((value) => !MEDIA_TYPE.test(value));
  if (URL.canParse(url)) {
    const { searchParams, username, password, pathname, search } = new URL(url);
    secrets.push(url, username, password, pathname + search);
    secrets.push(...[...searchParams.values()].filter((value) => !MARKET.test(value)));
    // Keys that stand in the path are long; the names of endpoints and markets are not.
    secrets.push(...pathname.split('/').filter((part) => part.length >= KEY_LENGTH));
  }
  return createMask(secrets);
}

const KEY_LENGTH = 20;
const MEDIA_TYPE = /^[a-z]+\/[a-z+.-]+$/;
/** What a query asks for and an error may name: `BTC-USDT`, `XETHZUSD`, `spot`. */
const MARKET = /^(?:[A-Za-z0-9]{1,9}|[A-Za-z0-9]{1,6}[-_/:][A-Za-z0-9]{1,6})$/;
