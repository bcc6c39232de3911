import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { LogLevel } from '../src/logger.ts';
import { createPinoLogger, type PinoLoggerOptions } from '../src/pino-logger.ts';

const levels: readonly LogLevel[] = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

function setUp(options: Partial<PinoLoggerOptions> = {}) {
  const written: string[] = [];
  const logger = createPinoLogger({
    level: 'info',
    pretty: false,
    destination: { write: (line) => written.push(line) },
    clock: { monotonicMs: () => 0, wallMs: () => 1_767_225_600_123 },
    ...options,
  });
  return { logger, written, parsed: () => written.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

describe('createPinoLogger', () => {
  it('writes one JSON object a line, stamped by its clock', () => {
    const { logger, written, parsed } = setUp({ base: { node: 7 } });
    logger.info('ready', { port: 20_160, revision: 5n });
    logger.child({ region: 2 }).warn('slow');
    expect(parsed()).toEqual([
      { level: 30, time: 1_767_225_600_123, node: 7, port: 20_160, revision: 5, msg: 'ready' },
      { level: 40, time: 1_767_225_600_123, node: 7, region: 2, msg: 'slow' },
    ]);
    for (const line of written) expect(line.endsWith('}\n')).toBe(true);
  });

  it.each(levels)('at the level %s writes that level and graver ones only', (level) => {
    const { logger, written } = setUp({ level });
    for (const each of levels) {
      logger[each](each);
      expect(logger.isEnabled(each)).toBe(levels.indexOf(each) >= levels.indexOf(level));
    }
    expect(written).toHaveLength(levels.length - levels.indexOf(level));
  });

  it('writes nothing when silent', () => {
    const { logger, written } = setUp({ level: 'silent' });
    logger.fatal('unheard');
    expect(written).toEqual([]);
    expect(logger.isEnabled('fatal')).toBe(false);
  });

  it('writes errors with their code, stack and causes', () => {
    const { logger, parsed } = setUp();
    const cause = Object.assign(new Error('disk full'), { code: 'ENOSPC' });
    logger.error('cannot write', { error: new Error('the log is closed', { cause }) });
    logger.error('cannot write', { error: cause });
    expect(parsed()).toMatchObject([
      {
        error: { type: 'Error', message: 'the log is closed: disk full', stack: expect.stringContaining('disk full') },
      },
      { error: { type: 'Error', message: 'disk full', code: 'ENOSPC' } },
    ]);
  });

  it('writes pretty lines for people, in colour only when asked', () => {
    const { logger, written } = setUp({ pretty: true });
    logger.info('ready', { port: 20_160 });
    expect(written).toHaveLength(1);
    expect(written[0]).toMatch(/INFO.*ready.*"port":20160.*\n$/);
    expect(written[0]).not.toContain('\u001b');
    const colored = setUp({ pretty: true, color: true });
    colored.logger.info('ready');
    expect(colored.written[0]).toContain('\u001b[');
  });

  it('writes from a thread, JSON and pretty, nothing lost when the thread ends at once', () => {
    const script = fileURLToPath(new URL('./fixtures/logging-process.mjs', import.meta.url));
    const lines = execFileSync(process.execPath, [script], { encoding: 'utf8' }).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({ msg: 'from the thread', pretty: false });
    expect(lines[1]).toMatch(/INFO.*from the thread/);
  });
});
