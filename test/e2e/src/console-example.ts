/** One command of a console example and what it prints. */
export interface ConsoleStep {
  readonly command: string;
  readonly output: string;
}

/**
 * The commands of the console blocks of a Markdown text. A line that begins with `$ ` is a command, what follows up to the next
 * one is its output, standard output and errors together, as a terminal shows them.
 */
export function consoleSteps(markdown: string): ConsoleStep[] {
  const blocks = [...markdown.matchAll(/```console\n([\s\S]*?)```/g)].map(([, block = '']) => block);
  return blocks
    .join('')
    .split(/^\$ /m)
    .slice(1)
    .map((step) => {
      const [command = '', ...output] = step.split('\n');
      return { command, output: output.join('\n') };
    });
}
