import type { LoadFnOutput, LoadHookContext } from 'node:module';
import type { MessagePort } from 'node:worker_threads';
import { builtModuleUrl } from './built-module.ts';
import { type Edit, edited } from './mutant.ts';

/** What the hook is given when it is registered. */
export interface HookData {
  readonly edits: readonly Edit[];
  /** Hears the module of each edit that was made. */
  readonly port: MessagePort;
}

const edits = new Map<string, Edit[]>();
let port: MessagePort | undefined;

/** Called by Node once, on the thread of the hooks. */
export function initialize(data: HookData): void {
  port = data.port;
  for (const edit of data.edits) {
    const { href } = builtModuleUrl(edit.module);
    edits.set(href, [...(edits.get(href) ?? []), edit]);
  }
}

/** Called by Node for each module: changes the text of those that have edits. */
export async function load(
  url: string,
  context: LoadHookContext,
  nextLoad: (url: string, context: LoadHookContext) => Promise<LoadFnOutput>,
): Promise<LoadFnOutput> {
  const loaded = await nextLoad(url, context);
  const own = edits.get(url);
  if (own === undefined) return loaded;
  let text = Buffer.from(loaded.source as Uint8Array).toString();
  for (const edit of own) {
    text = edited(text, edit);
    port?.postMessage(edit.module);
  }
  return { ...loaded, source: text };
}
