// Holds the database of the first argument open until it is killed; tells its parent once it has it.
import { ClassicLevel } from 'classic-level';

const level = new ClassicLevel(process.argv[2]);
await level.open();
await level.put('held', 'yes', { sync: true });
process.send('open');
setInterval(() => {}, 1_000);
