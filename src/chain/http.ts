/** What every HTTP client of this stage needs: credentials out of the URL, bodies of bounded length. */

export interface Target {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Moves credentials out of a URL, where `fetch` refuses them, into a Basic authorization header. @throws TypeError */
export function splitCredentials(text: string): Target {
  const url = new URL(text);
  if (url.username === '' && url.password === '') return { url, headers: {} };
  const pair = `${decoded(url.username)}:${decoded(url.password)}`;
  url.username = '';
  url.password = '';
  return { url, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } };
}

/** A percent sign that begins no escape stands for itself. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Reads a body no further than allowed. @returns `undefined` when it is larger */
export async function readBounded(response: Response, maxBytes: number): Promise<string | undefined> {
  if (!response.body) return '';
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > maxBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
