/** Free ports of this machine. */
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';

/** Opens a port on all addresses and closes it again. @returns the port, or `undefined` when it is taken */
async function probe(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, '0.0.0.0');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

/** The wanted port when it is free, else any other. */
export async function freePort(wanted: number): Promise<number> {
  const port = (await probe(wanted)) ?? (await probe(0));
  if (port === undefined) throw new Error('no free TCP port on this machine');
  return port;
}
