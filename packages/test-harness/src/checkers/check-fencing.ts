import { plainViolation, type Verdict, verdictOf } from './verdict.ts';

/** What happened to a lock or to the resource that it fences; events are in the order in which they happened. */
export type FencingEvent =
  | { readonly type: 'granted'; readonly lock: string; readonly token: bigint }
  | { readonly type: 'accepted' | 'refused'; readonly lock: string; readonly token: bigint };

interface Fence {
  readonly granted: Set<bigint>;
  lastGranted: bigint;
  highestAccepted: bigint;
}

/**
 * Checks that a lock's tokens grow from grant to grant, and that its resource accepts no token that was never granted or
 * is lower than one that it has accepted before. It may still accept a former holder's token until it has accepted a newer
 * one: it cannot know better.
 */
export function checkFencing(events: Iterable<FencingEvent>): Verdict {
  const fences = new Map<string, Fence>();
  let steps = 0;
  for (const event of events) {
    steps += 1;
    const fence = fences.get(event.lock) ?? { granted: new Set<bigint>(), lastGranted: -1n, highestAccepted: -1n };
    fences.set(event.lock, fence);
    const complaint = complaintAbout(event, fence);
    if (complaint !== undefined) {
      return verdictOf('fencing', steps, plainViolation(`lock ${JSON.stringify(event.lock)}: ${complaint}`));
    }
    if (event.type === 'granted') {
      fence.granted.add(event.token);
      fence.lastGranted = event.token;
    } else if (event.type === 'accepted') {
      fence.highestAccepted = event.token;
    }
  }
  return verdictOf('fencing', steps, undefined);
}

function complaintAbout({ type, token }: FencingEvent, fence: Fence): string | undefined {
  if (type === 'refused') return undefined;
  if (type === 'granted') {
    return token > fence.lastGranted ? undefined : `token ${token} is granted after ${fence.lastGranted}`;
  }
  if (!fence.granted.has(token)) return `token ${token} is accepted, which was never granted`;
  return token < fence.highestAccepted ? `token ${token} is accepted after ${fence.highestAccepted}` : undefined;
}
