import { describeVerdict, isPassed, type Operation } from '@flotilla/test-harness';
import { seconds } from '../fault/process-fault.ts';
import { acknowledgements, judgeHistory } from './judge-history.ts';
import type { RunRecord } from './run-record.ts';
import { unavailability } from './unavailability.ts';

/** A run's verdict. */
export interface Report {
  readonly passed: number;
  readonly failed: number;
  /** Lines for people; the last one is `N passed, M failed`. */
  readonly lines: readonly string[];
}

interface Check {
  readonly name: string;
  /** Nothing for one that passed. */
  readonly complaints: readonly string[];
}

/** Judges a run. */
export function reportRun(record: RunRecord, operations: readonly Operation[]): Report {
  const acked = acknowledgements(operations, record.originMs);
  const checks = checksOf(record, operations, acked.length);
  const failed = checks.filter(({ complaints }) => complaints.length > 0).length;
  const passed = checks.length - failed;
  return {
    passed,
    failed,
    lines: [
      '',
      `verdict on ${record.minutes} minutes of ${record.nodes} nodes with seed ${record.seed}`,
      ...record.notices.map((notice) => `note         ${notice}`),
      `operations   ${describeOperations(operations)}`,
      `regions      ${record.regions ?? 'nobody could be asked'}`,
      `faults       ${record.windows.length === 0 ? 'none' : `${record.windows.length}; the longest time without an acknowledged write:`}`,
      ...unavailability(record.windows, acked).map(
        ({ label, faults, longestMs }) => `  ${label.padEnd(32)} ${seconds(longestMs).padStart(7)}  of ${faults}`,
      ),
      `history      ${record.historyPath}`,
      '',
      ...checks.flatMap(({ name, complaints }) => [
        `${complaints.length === 0 ? 'ok  ' : 'FAIL'} ${name}`,
        ...complaints.flatMap((complaint) => complaint.split('\n').map((line) => `       ${line}`)),
      ]),
      `${passed} passed, ${failed} failed`,
    ],
  };
}

function checksOf(record: RunRecord, operations: readonly Operation[], acked: number): Check[] {
  const proof: Check = {
    name: 'writes were acknowledged while there were faults',
    complaints: acked > 0 && record.windows.length > 0 ? [] : ['a run without either proves nothing'],
  };
  const verdicts = [
    ...judgeHistory(operations, record.isRead),
    ...(record.replicas === undefined ? [] : [record.replicas]),
  ];
  const judged = verdicts.map((verdict) => ({
    name: verdict.checker,
    complaints: isPassed(verdict) ? [] : [describeVerdict(verdict)],
  }));
  return [
    proof,
    ...judged,
    { name: 'processes end only when something is wrong', complaints: record.processViolations },
    { name: 'the cluster recovers from each fault', complaints: record.recoveryViolations },
    { name: 'clients answer as they promise', complaints: record.clientViolations },
  ];
}

function describeOperations(operations: readonly Operation[]): string {
  const count = (outcome: Operation['outcome']) => operations.filter((one) => one.outcome === outcome).length;
  const number = (value: number) => value.toLocaleString('en-US');
  const [ok, fail, info] = [count('ok'), count('fail'), count('info')];
  return `${number(operations.length)} checked: ${number(ok)} ok, ${number(fail)} failed, ${number(info)} unknown`;
}
