import { describe, expect, it } from 'vitest';
import { parseStateUrl, type RedisTarget } from '../../../src/state/url.js';

function target(text: string): RedisTarget {
  const parsed = parseStateUrl(text);
  if (!parsed.ok || parsed.target.kind !== 'redis') throw new Error(JSON.stringify(parsed));
  return parsed.target;
}

describe('STATE_URL', () => {
  it('takes memory', () => {
    expect(parseStateUrl(' memory: ')).toEqual({ ok: true, target: { kind: 'memory' } });
    expect(parseStateUrl('memory://')).toEqual({ ok: true, target: { kind: 'memory' } });
  });

  it('takes a host alone, with the usual port, database 0 and the prefix op:', () => {
    expect(target('redis://redis')).toEqual({
      kind: 'redis',
      tls: false,
      hosts: [{ host: 'redis', port: 6379 }],
      db: 0,
      prefix: 'op:',
      files: {},
      label: 'redis://redis:6379/0',
    });
  });

  it('takes user, password, port, database and path', () => {
    expect(target('rediss://us%40er:p%2Fw:x@[::1]:7000/3/prod?ca=/etc/ca.pem')).toMatchObject({
      tls: true,
      hosts: [{ host: '::1', port: 7000 }],
      username: 'us@er',
      password: 'p/w:x',
      db: 3,
      prefix: 'op:prod:',
      files: { ca: '/etc/ca.pem' },
      label: 'rediss://[::1]:7000/3',
    });
  });

  it('takes a password that was not escaped, and one alone', () => {
    expect(target('redis://:p@ss/w%rd?#@host')).toMatchObject({
      password: 'p@ss/w%rd?#',
      hosts: [{ host: 'host' }],
    });
    expect(target('redis://:pw@host')).not.toHaveProperty('username');
  });

  it('takes sentinels with their own password', () => {
    expect(target('redis+sentinel://u:p@h1:26379,h2/mymaster/2/blue?sentinelPassword=sp')).toMatchObject({
      tls: false,
      hosts: [
        { host: 'h1', port: 26379 },
        { host: 'h2', port: 26379 },
      ],
      master: 'mymaster',
      username: 'u',
      password: 'p',
      sentinelPassword: 'sp',
      db: 2,
      prefix: 'op:blue:',
      label: 'redis+sentinel://h1:26379,h2:26379/mymaster/2',
    });
    expect(target('rediss+sentinel://h/m')).toMatchObject({ tls: true, master: 'm', db: 0 });
  });

  it.each([
    ['', 'is none of'],
    ['redis', 'is none of'],
    ['http://host', 'is none of'],
    ['redis://', 'host or port'],
    ['redis://host:0', 'host or port'],
    ['redis://host:66000', 'host or port'],
    ['redis://host:port', 'host or port'],
    ['redis://a,b', 'several hosts'],
    ['redis://host/zero', 'database'],
    ['redis://host/0/a/b', 'path'],
    ['redis://host/0/a%20b', 'path'],
    ['redis://host/0?tls=1', 'allowed: none'],
    ['redis://host/0?ca=x', 'allowed: none'],
    ['rediss://host/0?cafile=x', 'allowed: ca, cert, key'],
    ['redis+sentinel://host:26379', 'name of the master'],
    ['redis+sentinel://host:26379/', 'name of the master'],
    ['redis://secret-name@host', 'user without a password'],
    ['redis://user:@host', 'user without a password'],
  ])('refuses %s: %s', (text, problem) => {
    const parsed = parseStateUrl(text);
    expect(parsed).toMatchObject({ ok: false, problem: expect.stringContaining(problem) });
  });

  it('never repeats the password, neither in a problem nor in the label', () => {
    for (const text of [
      'redis://user:hunter22@host/x',
      'redis://user:hunter22@a,b',
      'redis://user:hunter22@host:0',
      'redis://user:hunter22@host/0?x=hunter22',
      'ftp://user:hunter22@host',
      'redis+sentinel://user:hunter22@host?sentinelPassword=hunter22',
    ])
      expect(JSON.stringify(parseStateUrl(text))).not.toContain('hunter22');
    expect(target('redis://user:hunter22@host').label).not.toContain('hunter22');
  });
});
