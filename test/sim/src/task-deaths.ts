import { type Fault, pass, randomNode } from './fault-context.ts';

/** Workers beside a store's own thread die or hang in the middle of what they do, and are replaced. */
export const taskDeaths: Fault = async (context, random) => {
  const node = randomNode(context, random);
  if (node === undefined) return;
  const { trace } = context;
  const chance = 0.2 + random.fraction() * 0.5;
  node.taskFate = (worker) => {
    if (random.fraction() > chance) return undefined;
    const type = random.fraction() < 0.7 ? 'dies' : 'hangs';
    const afterCalls = random.integer(1, 12);
    trace.note(`${node.name}: the ${worker} worker ${type} after ${afterCalls} calls`);
    return { type, afterCalls };
  };
  const link = random.fraction() < 0.5 ? node.schedulerLink : undefined;
  if (link !== undefined) {
    trace.note(`${node.name}: the scheduler worker hangs`);
    link.hang(random.fraction() < 0.5);
  }
  await pass(context, random.integer(200, 6_000));
  link?.replace();
  if (random.fraction() < 0.5) node.taskFate = undefined;
};
