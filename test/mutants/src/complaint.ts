/** Which check a complaint of the simulation comes from, in a few words. */
export function checkOf(complaint: string): string {
  const [line = ''] = complaint.split('\n');
  const checker = /^([a-z][a-z -]*): (violated|undecided)/.exec(line);
  if (checker?.[1] !== undefined) return checker[1];
  if (line.startsWith('process: ')) return 'process';
  if (line.startsWith('no progress')) return 'progress';
  if (/^node \d+ stopped/.test(line)) return 'stores';
  if (line.includes('not in time')) return 'convergence';
  return 'failure';
}
