#!/usr/bin/env node
// The pager of a single machine: prints each alert that Alertmanager sends, one JSON line per alert.
import { createServer } from 'node:http';

const PORT = Number(process.env.PORT || 9095);
const LARGEST_BODY = 1_000_000;

const server = createServer(async (request, response) => {
  const receiver = (request.url ?? '').slice(1);
  let body = '';
  for await (const chunk of request) {
    body += chunk;
    if (body.length > LARGEST_BODY) return response.writeHead(413).end();
  }
  try {
    const { alerts } = JSON.parse(body);
    // The watchdog comes every minute, to be missed and not to be read.
    for (const { status, labels, annotations } of alerts)
      if (receiver !== 'deadman')
        process.stdout.write(
          `${JSON.stringify({ time: new Date().toISOString(), receiver, status, ...labels, summary: annotations.summary, runbook: annotations.runbook_url })}\n`,
        );
    response.writeHead(200).end();
  } catch {
    response.writeHead(400).end('not what Alertmanager sends\n');
  }
});
server.listen(PORT, () => process.stdout.write(`${JSON.stringify({ listening: PORT })}\n`));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
