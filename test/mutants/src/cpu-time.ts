/** What this process has used of the processor since it began, all threads together. */
export function cpuUsedMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
