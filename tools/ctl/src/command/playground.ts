import { type Command, type CommandContext, CommandError } from '../command-context.ts';
import { type ExitCode, exitCode } from '../exit-code.ts';
import { type PlaygroundOptions, type PlaygroundPlan, type ProcessPlan, planPlayground } from '../playground/plan.ts';
import { findTakenPorts } from '../playground/port-probe.ts';
import { waitUntilReady } from '../playground/readiness.ts';
import { SupervisedProcess } from '../playground/supervised-process.ts';
import type { TextStyle } from '../terminal.ts';

const styles: readonly TextStyle[] = ['magenta', 'cyan', 'yellow', 'blue', 'green', 'red'];

/**
 * `playground`: runs a scheduler and storage nodes as processes of their own, shows their output, starts again whichever
 * dies, and ends them all on Ctrl-C.
 */
export const playground: Command<PlaygroundOptions> = async (context, options) => {
  const plan = planPlayground(options);
  const taken = await findTakenPorts([plan.scheduler, ...plan.nodes].flatMap(({ ports }) => ports));
  if (taken.length > 0) {
    throw new CommandError(`in use on this machine: port ${taken.join(', ')}`, exitCode.portInUse, {
      hint: 'stop what listens there, such as a node or another playground, or choose others with --base-port',
    });
  }
  return new PlaygroundSession(context, plan).run();
};

class PlaygroundSession {
  readonly #context: CommandContext;
  readonly #plan: PlaygroundPlan;
  readonly #children: SupervisedProcess[];
  readonly #over = new AbortController();
  #exitCode: ExitCode = exitCode.ok;

  constructor(context: CommandContext, plan: PlaygroundPlan) {
    this.#context = context;
    this.#plan = plan;
    const plans = [plan.scheduler, ...plan.nodes];
    const width = Math.max(...plans.map(({ name }) => name.length));
    this.#children = plans.map((child, position) => this.#supervise(child, position, width));
  }

  async run(): Promise<ExitCode> {
    const { interrupt } = this.#context;
    const onInterrupt = (): void => this.#over.abort();
    interrupt.addEventListener('abort', onInterrupt, { once: true });
    // Whatever ends this process, its children do not outlive it.
    const onExit = (): void => {
      for (const child of this.#children) child.kill();
    };
    process.once('exit', onExit);
    try {
      await this.#start();
      await aborted(this.#over.signal);
    } finally {
      await this.#stop();
      process.removeListener('exit', onExit);
      interrupt.removeEventListener('abort', onInterrupt);
    }
    return this.#exitCode;
  }

  async #start(): Promise<void> {
    const { signal } = this.#over;
    const [scheduler, ...nodes] = this.#children;
    try {
      for (const group of [[scheduler!], nodes]) {
        for (const child of group) child.start();
        await Promise.all(group.map((child) => this.#awaitReady(child, signal)));
      }
      this.#welcome();
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  async #awaitReady(child: SupervisedProcess, signal: AbortSignal): Promise<void> {
    await waitUntilReady(child.plan.readyUrl, this.#context.runtime.timers, signal);
    child.markReady();
  }

  /** A child that died and was started again: said when it serves again, unless everything is over by then. */
  async #awaitReturn(child: SupervisedProcess): Promise<void> {
    try {
      await this.#awaitReady(child, this.#over.signal);
      this.#note(`${child.plan.name} is ready again`);
    } catch (error) {
      if (!this.#over.signal.aborted) throw error;
    }
  }

  /** Nodes first, so that each still finds the scheduler while it hands its leaderships on. */
  async #stop(): Promise<void> {
    const [scheduler, ...nodes] = this.#children;
    this.#note(this.#context.interrupt.aborted ? 'stopping (Ctrl-C again forces)' : 'stopping');
    await Promise.all(nodes.map((node) => node.stop()));
    await scheduler?.stop();
    this.#note('everything has stopped; the data stays');
  }

  #supervise(plan: ProcessPlan, position: number, width: number): SupervisedProcess {
    const { terminal, runtime } = this.#context;
    const style = styles[position % styles.length]!;
    const child: SupervisedProcess = new SupervisedProcess(plan, {
      clock: runtime.clock,
      timers: runtime.timers,
      write: (text) => terminal.writeError(text),
      prefix: `${terminal.style('error', style, `${plan.name.padEnd(width)} │`)} `,
      showsColour: terminal.style('error', 'red', '') !== '',
      note: (text) => this.#note(text),
      onRestarted: () => void this.#awaitReturn(child),
      onRefused: (exit) => {
        this.#exitCode = (exit.code ?? exitCode.internal) as ExitCode;
        this.#over.abort();
      },
    });
    return child;
  }

  #welcome(): void {
    const { terminal } = this.#context;
    const { scheduler, nodes } = this.#plan;
    const flag = scheduler.address === '127.0.0.1:7400' ? '' : ` --scheduler ${scheduler.address}`;
    const strong = (text: string): string => terminal.style('error', 'bold', text);
    const rows = [scheduler, ...nodes].map(({ name, address, readyUrl }, position) => {
      const pid = this.#children[position]?.pid;
      return `  ${name.padEnd(10)} ${address.padEnd(16)} ${readyUrl.replace('/readyz', '/metrics').padEnd(32)} pid ${pid}`;
    });
    terminal.writeError(
      [
        '',
        strong(`A cluster of ${nodes.length} nodes is ready:`),
        ...rows,
        '',
        'Try in another terminal:',
        `  npx flotilla${flag} put hello world`,
        `  npx flotilla${flag} get hello`,
        `  npx flotilla${flag} status`,
        `  kill -9 ${this.#children[1]?.pid}   # it comes back, and nothing is lost`,
        '',
        'Ctrl-C stops it all.',
        '',
        '',
      ].join('\n'),
    );
  }

  #note(text: string): void {
    const { terminal } = this.#context;
    terminal.writeError(`${terminal.style('error', 'bold', 'playground:')} ${text}\n`);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
